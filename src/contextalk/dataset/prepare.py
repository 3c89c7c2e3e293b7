"""`prepare`: sources in, manifest and shards out."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError
from contextalk.core.time import RATE_HZ
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.manifest import ManifestRow, write_manifest
from contextalk.dataset.sources import Source, find_sources
from contextalk.dataset.splits import read_split_rule
from contextalk.dataset.unit import SHARDS, UNITS, UnitRecord, prepare_unit, read_record, record_path


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What a preparation found; of the whole dataset unless said otherwise.

    Attributes:
        dataset: The folder.
        num_sources: Sources of this call.
        num_reused: Those of them that were already prepared.
        num_clips: Clips by split.
        hours: Length of all clips, reframed copies included.
        rejected: Stretches turned down, by reason without its numbers.
        seconds: How long this call took.
    """

    dataset: Path
    num_sources: int
    num_reused: int
    num_clips: dict[str, int]
    hours: float
    rejected: dict[str, int]
    seconds: float


def prepare(
    sources: Sequence[Path],
    output: Path,
    *,
    target: str = "largest",
    annotations: str = "auto",
    workers: int = 1,
    progress: Progress | None = None,
    person: str | None = None,
    split_by: Path | None = None,
    augment: int = 0,
    seed: int = 0,
    min_s: float = 1.0,
) -> PrepareReport:
    """Prepare videos and synth scenes into a dataset; the same call goes on where it was interrupted.

    A dataset grows: sources of earlier calls stay in it, a source that is named again is replaced if it or a
    parameter changed.

    Args:
        sources: Videos, folders of videos, folders of synth scenes.
        output: The dataset's folder.
        target: As in `PrepareConfig`, like the following.
        annotations: Where landmarks come from.
        workers: Processes.
        progress: Told of every finished source and, with one worker, of the frames and clips within it.
        person: Name of the person in real videos.
        split_by: JSON file of names put into a split by hand.
        augment: Reframed copies of each training clip of a real video.
        seed: Root of the reframing.
        min_s: Shortest clip, seconds.

    Raises:
        DatasetError: A number out of its range, a source that does not exist, a folder without videos, or no clip at
            all (the manifest of the reasons is written all the same).
    """
    started = time.monotonic()
    config = PrepareConfig(
        target=target,
        annotations=annotations,
        person=person,
        split_by=split_by,
        augment=augment,
        seed=seed,
        min_s=min_s,
    )
    found = find_sources(sources)
    read_split_rule(split_by)
    for folder in (UNITS, SHARDS):
        (output / folder).mkdir(parents=True, exist_ok=True)
    done: list[tuple[UnitRecord, bool]] = []
    for result in _run(found, output, config, workers, progress):
        done.append(result)
        if progress is not None:
            progress("sources", len(done), len(found))
    rows = _collect(output, [record for record, _ in done])
    if all(row.reject_reason for row in rows):
        reason = next((row.reject_reason for row in rows), "nothing to cut")
        raise DatasetError(f"no clip in {len(found)} source(s), wanted at least one; the first reason: {reason}")
    return _report(output, rows, done, time.monotonic() - started)


def _run(
    sources: Sequence[Source], output: Path, config: PrepareConfig, workers: int, progress: Progress | None
) -> Iterator[tuple[UnitRecord, bool]]:
    if workers <= 1 or len(sources) <= 1:
        yield from (prepare_unit(source, output, config, progress) for source in sources)
        return
    # Started afresh, not forked: the parent may hold threads of decoders and networks.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(prepare_unit, source, output, config) for source in sources]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _collect(dataset: Path, fresh: Sequence[UnitRecord]) -> list[ManifestRow]:
    """Write the manifest over all units, and forget what newer states of the same sources replaced."""
    current = {record.source: record.unit for record in fresh}
    records: list[UnitRecord] = []
    for path in sorted((dataset / UNITS).glob("*.json")):
        record = read_record(path)
        if current.get(record.source, record.unit) == record.unit:
            records.append(record)
        else:
            record_path(dataset, record.unit).unlink()
    rows = [row for record in records for row in record.rows]
    write_manifest(dataset, rows)
    wanted = {row.shard for row in rows}
    for path in (dataset / SHARDS).iterdir():
        if f"{SHARDS}/{path.name}" not in wanted:
            path.unlink()
    return rows


def _report(
    dataset: Path, rows: Sequence[ManifestRow], done: Sequence[tuple[UnitRecord, bool]], seconds: float
) -> PrepareReport:
    clips = [row for row in rows if not row.reject_reason]
    return PrepareReport(
        dataset=dataset,
        num_sources=len(done),
        num_reused=sum(reused for _, reused in done),
        num_clips=dict(Counter(row.split for row in clips)),
        hours=sum(row.num_frames for row in clips) / RATE_HZ / 3600,
        rejected=dict(Counter(row.reject_reason.split(":")[0] for row in rows if row.reject_reason)),
        seconds=seconds,
    )
