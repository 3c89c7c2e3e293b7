"""One source from video to shards: what is finished of it is kept, and its record says when all of it is."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError, MediaError, PlaceError, TargetError
from contextalk.dataset.album import album_of
from contextalk.dataset.clips import pack_others, pack_track, pack_wave
from contextalk.dataset.config import FORMAT_VERSION, PrepareConfig
from contextalk.dataset.extract import extract
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.people import read_cast, with_occluders
from contextalk.dataset.pieces import Pieces, digest_of
from contextalk.dataset.places import Place, open_place
from contextalk.dataset.plan import ClipJob, plan_clips, unfit_reason
from contextalk.dataset.shards import SAMPLE_FILES, writing_shard
from contextalk.dataset.sound import Sound, Sounds, decode_sound
from contextalk.dataset.sources import Source, file_hash, meaning
from contextalk.faces.appearance import Encoder
from contextalk.media.source import has_audio, known_timeline
from contextalk.models.active_speaker import weights_file

UNITS, SHARDS, WORK = "units", "shards", "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """What a stage of a source cost where it was not found done.

    Attributes:
        frames: Frames of the source, or of clips, that went through it.
        seconds: How long that took.
    """

    frames: int = 0
    seconds: float = 0.0

    def __add__(self, other: "StageCost") -> "StageCost":
        return StageCost(frames=self.frames + other.frames, seconds=self.seconds + other.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord:
    """What a finished source left.

    Attributes:
        unit: Name of the unit; starts its shards and its clips' keys.
        source: Absolute path or URL, to know an older state of the same file.
        fingerprint: Hash of content and parameters.
        rows: Its part of the manifest.
        digests: Hash of what decides each clip's pictures, by key.
        costs: Of each stage, by name.
        named: Whether the person's name was given, so that no group renames them.
        album: Key of its people's portraits; empty where there are none.
        content: Hash of the source's content.
        version: Of a source at a URL, what it was there; as long as it is, `content` is known without fetching it.
    """

    unit: str
    source: str
    fingerprint: str
    rows: tuple[ManifestRow, ...]
    digests: dict[str, str] = field(default_factory=dict[str, str])
    costs: dict[str, StageCost] = field(default_factory=dict[str, StageCost])
    named: bool = False
    album: str = ""
    content: str = ""
    version: str = ""

    def is_current(self, dataset: Place, fingerprint: str) -> bool:
        """Whether it was made from the same content and parameters, and its shards are still there."""
        shards = {row.shard for row in self.rows if row.shard}
        return self.fingerprint == fingerprint and all(dataset.has(shard) for shard in shards)

    def save(self, dataset: Place) -> None:
        """Write `units/UNIT.json`; from then on the unit counts as finished."""
        dataset.write(record_name(self.unit), json.dumps(asdict(self), indent=1).encode())


def record_name(unit: str) -> str:
    """Where in a dataset the record of a unit lies."""
    return f"{UNITS}/{unit}.json"


def read_record(path: Path) -> UnitRecord:
    """Read a unit's record."""
    stored = json.loads(path.read_text())
    rows = tuple(ManifestRow(**row) for row in stored.pop("rows"))
    costs = {name: StageCost(**cost) for name, cost in stored.pop("costs", {}).items()}
    return UnitRecord(**stored, rows=rows, costs=costs)


def read_records(dataset: Path | str | Place) -> list[UnitRecord]:
    """Records of all finished units, in a stable order."""
    return [read_record(path) for path in open_place(dataset).fetch_all(UNITS, ".json")]


def find_record(source: Source, dataset: Place, config: PrepareConfig, encoder: Encoder) -> UnitRecord | None:
    """The record of a source that is finished in this state and with these parameters, portraits included."""
    content = source.content_hash()
    name = record_name(source.unit(content))
    record = read_record(dataset.fetch(name)) if dataset.has(name) else None
    if record is None or not record.is_current(dataset, _fingerprint(content, config)):
        return None
    return record if not record.album or album_of(source, dataset, config, encoder).is_current() else None


def header_reason(path: Path, config: PrepareConfig) -> str:
    """Why no look at a source is needed, as far as its header tells; empty if one is.

    Raises:
        MediaError: No readable video.
    """
    timeline = known_timeline(path)
    rate_hz = None if timeline is None else len(timeline.ticks) / timeline.duration_s
    return unfit_reason(has_audio(path), rate_hz, config)


def prepare_unit(
    source: Source,
    dataset: Place,
    config: PrepareConfig,
    encoder: Encoder,
    progress: Progress | None = None,
    *,
    spent: dict[str, StageCost] | None = None,
    older: Sequence[UnitRecord] = (),
) -> UnitRecord:
    """Prepare one source.

    Args:
        source: Of which something may be done already.
        dataset: Where it goes.
        config: Choices.
        encoder: Of the portraits.
        progress: Told of "faces" and "clips".
        spent: Costs of stages that were done apart.
        older: Records of the same source, whose clips may be wanted still.

    Raises:
        PlaceError: The dataset is at a URL out of reach.
    """
    content = source.content_hash()
    unit, fingerprint = source.unit(content), _fingerprint(content, config)
    making = _Making(source, dataset, config, encoder, progress or _untold, dict(spent or {}), older)
    rows = making.rows(f"{unit}-{fingerprint[:6]}")
    record = UnitRecord(
        unit=unit,
        source=source.address,
        fingerprint=fingerprint,
        rows=tuple(rows),
        digests=making.digests,
        costs=making.costs,
        named=config.person is not None,
        album=making.album_key,
        content=content,
        version=source.version,
    )
    record.save(dataset)
    making.pieces.forget()
    return record


def _untold(stage: str, done: int, total: int) -> None:
    """Nobody listens."""


def _fingerprint(content: str, config: PrepareConfig) -> str:
    from contextalk.faces.occluders import looked_for_by

    parameters = asdict(config)
    for name in ("split_by", "target", "annotations"):
        parameters[name] = meaning(parameters[name])
    parameters["active_speaker"] = meaning(weights_file(config.active_speaker))
    parameters["in_front"] = looked_for_by() if config.max_covered < 1 else ""
    told = json.dumps([FORMAT_VERSION, content, parameters], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


class _Making:
    """A unit while it is made."""

    def __init__(
        self,
        source: Source,
        dataset: Place,
        config: PrepareConfig,
        encoder: Encoder,
        progress: Progress,
        costs: dict[str, StageCost],
        older: Sequence[UnitRecord],
    ) -> None:
        self.source, self.dataset, self.config, self.older = source, dataset, config, older
        self.album = album_of(source, dataset, config, encoder)
        self.unit = self.album.unit
        self.progress, self.costs = progress, costs
        self.pieces = Pieces(dataset.folder / WORK / self.unit)
        self.digests: dict[str, str] = {}
        self.album_key = ""

    def rows(self, shard: str) -> list[ManifestRow]:
        """Do what is left to do; a source that gives nothing is a row that says why."""
        source = self.source
        whole = ManifestRow(key=self.unit, source=source.shown, person=self.config.person or source.name)
        try:
            reason = header_reason(source.path, self.config)
            if reason:
                return [replace(whole, reject_reason=reason)]
            with self._timed("faces") as count:
                cast = with_occluders(read_cast(source, self.config, count), self.config)
            if cast.analysis is not None:
                self.album.fill(cast.analysis)
                self.album_key = self.album.key
            rejected, jobs = plan_clips(source, cast, self.config, self.unit, self._sounds())
            failed = self._extract(jobs)
            return [*self._fill_shards(jobs, shard), *rejected, *failed]
        except PlaceError:  # no fault of the source's
            raise
        except TargetError as error:
            return [replace(whole, reject_reason=f"no target: {self._shown(error)}")]
        except ContextalkError as error:
            return [replace(whole, reject_reason=f"unreadable: {self._shown(error)}")]

    def _shown(self, error: ContextalkError) -> str:
        return str(error).replace(str(self.source.path), self.source.shown)

    def _sounds(self) -> Sounds:
        def sound_of(path: Path) -> Sound:
            return decode_sound(path, self.pieces.folder / f"{file_hash(path).hex()[:32]}.s16")

        return sound_of

    def _extract(self, jobs: Sequence[ClipJob]) -> list[ManifestRow]:
        """Make the clips that are not there yet; those that cannot be made say why."""
        video = file_hash(self.source.path)
        self.digests = {job.row.key: _digest(job, video) for job in jobs}
        wanted = set(self.digests.values())
        for record in self.older:
            for shard in {row.shard for row in record.rows if row.shard}:
                self.pieces.adopt(self.dataset, shard, record.digests, wanted)
        missing = [job for job in jobs if not self.pieces.has(self.digests[job.row.key])]
        made = len(jobs) - len(missing)
        with self._timed("clips") as count:
            count("clips", made, len(jobs))
            try:
                for index, head, scene in extract(self.source.path, [job.pictures for job in missing]):
                    job = missing[index]
                    self.pieces.keep(self.digests[job.row.key], {"head.mp4": head, "scene.mp4": scene})
                    made += 1
                    self._add("clips", job.row.num_frames)
                    count("clips", made, len(jobs))
            except MediaError as error:
                reason = f"unreadable: {self._shown(error)}"
                lost = [job for job in missing if not self.pieces.has(self.digests.get(job.row.key, ""))]
                return [replace(job.row, num_frames=0, split="", reject_reason=reason) for job in lost]
        return []

    def _fill_shards(self, jobs: Sequence[ClipJob], shard: str) -> list[ManifestRow]:
        """Write a shard per split, so that reading one split opens no other's files."""
        whole = [job for job in jobs if self.pieces.has(self.digests[job.row.key])]
        names = {split: f"{SHARDS}/{shard}-{split}.tar" for split in sorted({job.row.split for job in whole})}
        rows: list[ManifestRow] = []
        with ExitStack() as stack:
            shards = {
                split: stack.enter_context(writing_shard(stack.enter_context(self.dataset.writing(name))))
                for split, name in names.items()
            }
            for job in whole:
                files = self.pieces.read(self.digests[job.row.key]) | _rest(job)
                shards[job.row.split].write(job.row.key, {name: files[name] for name in SAMPLE_FILES})
                rows.append(replace(job.row, shard=names[job.row.split]))
        return rows

    @contextmanager
    def _timed(self, stage: str) -> Iterator[Callable[[str, int, int], None]]:
        """Yields a progress function; frames told of "faces" count, from the first that was told."""
        started = time.monotonic()
        first = last = None

        def told(what: str, done: int, total: int) -> None:
            nonlocal first, last
            if what == stage:
                first, last = done if first is None else first, done
            self.progress(what, done, total)

        yield told
        frames = 0 if stage != "faces" or first is None or last is None else last - first + 1
        if stage == "clips" or frames:
            self._add(stage, frames, time.monotonic() - started)

    def _add(self, stage: str, frames: int, seconds: float = 0.0) -> None:
        self.costs[stage] = self.costs.get(stage, StageCost()) + StageCost(frames=frames, seconds=seconds)


def _digest(job: ClipJob, video: bytes) -> str:
    """Hash of all that decides a clip's pictures."""
    pictures, framing = job.pictures, job.pictures.framing
    frame = () if framing is None else (framing.scale, framing.offset_px, framing.background)
    return digest_of(
        str(FORMAT_VERSION).encode(),
        video,
        pictures.sampling.pictures.tobytes(),
        pictures.sampling.shares.tobytes(),
        pictures.crop.centre_px.tobytes(),
        pictures.crop.side_px.tobytes(),
        *(array.tobytes() for array in frame),
    )


def _rest(job: ClipJob) -> dict[str, bytes]:
    """A clip's files besides its pictures; they cost nothing."""
    return {
        "audio.wav": pack_wave(job.wave),
        "track.npz": pack_track(job.landmarks, job.pictures.crop),
        "others.npz": pack_others(job.others),
        "meta.json": json.dumps(job.meta).encode(),
    }
