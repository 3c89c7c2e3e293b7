"""One source from video to shards: the unit of work that is finished whole or not at all."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError, TargetError
from contextalk.dataset.clips import pack_others, pack_track, pack_wave
from contextalk.dataset.config import FORMAT_VERSION, PrepareConfig
from contextalk.dataset.extract import extract
from contextalk.dataset.manifest import ManifestRow, write_whole
from contextalk.dataset.people import read_cast
from contextalk.dataset.plan import ClipJob, plan_clips
from contextalk.dataset.shards import ShardWriter
from contextalk.dataset.sources import Source

UNITS, SHARDS = "units", "shards"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord:
    """What a finished source left.

    Attributes:
        unit: Name of the unit; starts its shards and its clips' keys.
        source: Absolute path, to know an older state of the same file.
        fingerprint: Hash of content and parameters.
        rows: Its part of the manifest.
    """

    unit: str
    source: str
    fingerprint: str
    rows: tuple[ManifestRow, ...]

    def is_current(self, dataset: Path, fingerprint: str) -> bool:
        """Whether it was made from the same content and parameters, and its shards are still there."""
        shards = {row.shard for row in self.rows if row.shard}
        return self.fingerprint == fingerprint and all((dataset / shard).is_file() for shard in shards)

    def save(self, dataset: Path) -> None:
        """Write `units/UNIT.json`; from then on the unit counts as finished."""
        write_whole(record_path(dataset, self.unit), json.dumps(asdict(self), indent=1).encode())


def record_path(dataset: Path, unit: str) -> Path:
    """Where the record of a unit lies."""
    return dataset / UNITS / f"{unit}.json"


def read_record(path: Path) -> UnitRecord:
    """Read a unit's record."""
    stored = json.loads(path.read_text())
    rows = tuple(ManifestRow(**row) for row in stored.pop("rows"))
    return UnitRecord(**stored, rows=rows)


def prepare_unit(
    source: Source, dataset: Path, config: PrepareConfig, progress: Progress | None = None
) -> tuple[UnitRecord, bool]:
    """Prepare one source, or find it prepared.

    Returns:
        Its record, and whether it was already there.
    """
    content = source.content_hash()
    unit, fingerprint = f"{source.name}-{content[:8]}", _fingerprint(content, config)
    known = record_path(dataset, unit)
    if known.is_file() and (record := read_record(known)).is_current(dataset, fingerprint):
        return record, True
    rows = _prepare(source, dataset, config, f"{unit}-{fingerprint[:6]}", unit, progress)
    record = UnitRecord(unit=unit, source=str(source.path.resolve()), fingerprint=fingerprint, rows=tuple(rows))
    record.save(dataset)
    return record, False


def _fingerprint(content: str, config: PrepareConfig) -> str:
    parameters = asdict(config)
    for name in ("split_by", "target", "annotations"):
        parameters[name] = _meaning(parameters[name])
    told = json.dumps([FORMAT_VERSION, content, parameters], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def _meaning(parameter: Path | str | None) -> str | None:
    """A parameter that is a file stands for what is in it."""
    if parameter is None:
        return None
    path = Path(parameter)
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path] if path.is_file() else []
    return "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files) or str(parameter)


def _prepare(
    source: Source, dataset: Path, config: PrepareConfig, shard: str, unit: str, progress: Progress | None
) -> list[ManifestRow]:
    whole = ManifestRow(key=unit, source=source.shown, person=config.person or source.name)
    try:
        rejected, jobs = plan_clips(source, read_cast(source, config, progress), config, unit)
        return [*_write_clips(source.path, jobs, dataset, shard, progress), *rejected]
    except TargetError as error:
        return [replace(whole, reject_reason=f"no target: {error}")]
    except ContextalkError as error:
        return [replace(whole, reject_reason=f"unreadable: {error}")]


def _write_clips(
    path: Path, jobs: Sequence[ClipJob], dataset: Path, shard: str, progress: Progress | None
) -> list[ManifestRow]:
    """Write a shard per split, so that reading one split opens no other's files."""
    if not jobs:
        return []
    rows: list[ManifestRow] = []
    with ExitStack() as stack:
        names = {split: f"{SHARDS}/{shard}-{split}.tar" for split in sorted({job.row.split for job in jobs})}
        writers = {split: stack.enter_context(ShardWriter(dataset / name)) for split, name in names.items()}
        for index, head, scene in extract(path, [job.pictures for job in jobs]):
            job = jobs[index]
            writers[job.row.split].write(job.row.key, _files(job, head, scene))
            rows.append(replace(job.row, shard=names[job.row.split]))
            if progress is not None:
                progress(f"clips of {path.name}", len(rows), len(jobs))
    return rows


def _files(job: ClipJob, head: bytes, scene: bytes) -> dict[str, bytes]:
    return {
        "head.mp4": head,
        "scene.mp4": scene,
        "audio.wav": pack_wave(job.wave),
        "track.npz": pack_track(job.landmarks, job.pictures.crop),
        "others.npz": pack_others(job.others),
        "meta.json": json.dumps(job.meta).encode(),
    }
