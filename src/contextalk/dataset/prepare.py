"""`prepare`: sources in, manifest and shards out."""

import fcntl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.manifest import ManifestRow, write_manifest
from contextalk.dataset.page import write_page
from contextalk.dataset.sources import Source, find_sources
from contextalk.dataset.splits import read_split_rule
from contextalk.dataset.steps import FACES_SHARE, Divided, FaceStep, Finished, UnitStep, died_row
from contextalk.dataset.summary import Summary, summarise
from contextalk.dataset.unit import SHARDS, UNITS, WORK, StageCost, UnitRecord, read_records, record_path
from contextalk.dataset.workers import Task, run_here, run_on_workers

_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What a preparation found.

    Attributes:
        dataset: The folder.
        page: The report with pictures.
        num_sources: Sources of this call.
        num_reused: Those of them that were already prepared.
        seconds: How long this call took.
        summary: Of the whole dataset.
    """

    dataset: Path
    page: Path
    num_sources: int
    num_reused: int
    seconds: float
    summary: Summary

    @property
    def num_clips(self) -> dict[str, int]:
        """Clips by split."""
        return self.summary.num_clips

    @property
    def rejected(self) -> dict[str, int]:
        """Stretches turned down, by reason without its numbers."""
        return {reason.name: reason.count for reason in self.summary.reasons}


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
    min_sync: float = 0.15,
) -> PrepareReport:
    """Prepare videos and synth scenes into a dataset; the same call goes on where it was interrupted.

    A dataset grows: sources of earlier calls stay in it, a source that is named again is replaced if it or a
    parameter changed.

    Args:
        sources: Videos, folders of videos, folders of synth scenes.
        output: The dataset's folder.
        target: As in `PrepareConfig`, like the following.
        annotations: Where landmarks come from.
        workers: Processes; one that dies costs the source it was at, which is tried once more. With 1, this process.
        progress: Told of kilobytes of sources done, and in brackets of the source and the stage at work.
        person: Name of the person in real videos.
        split_by: JSON file of names put into a split by hand.
        augment: Reframed copies of each training clip of a real video.
        seed: Root of the reframing.
        min_s: Shortest clip, seconds.
        min_sync: Least agreement of mouth and sound around a clip; 0: sync is not looked at.

    Raises:
        DatasetError: A number out of its range, a source that does not exist, a folder without videos, another call at
            work on the same dataset, or no clip in any of the sources (the manifest of the reasons is written all the
            same).
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
        min_sync=min_sync,
    )
    found = find_sources(sources)
    read_split_rule(split_by)
    for folder in (UNITS, SHARDS, WORK):
        (output / folder).mkdir(parents=True, exist_ok=True)
    with _alone(output):
        run = _Run(found, output, config, progress)
        run.do(workers)
        rows, records = _collect(output, run.finished, run.died)
        summary = summarise(rows, records)
        page = write_page(output, rows, records, summary)
    fresh = [row for finished in run.finished for row in finished.record.rows] + run.died
    if all(row.reject_reason for row in fresh):
        reason = next((row.reject_reason for row in fresh), "nothing to cut")
        raise DatasetError(f"no clip in {len(found)} source(s), wanted at least one; the first reason: {reason}")
    return PrepareReport(
        dataset=output,
        page=page,
        num_sources=len(found),
        num_reused=sum(finished.reused for finished in run.finished),
        seconds=time.monotonic() - started,
        summary=summary,
    )


@contextmanager
def _alone(dataset: Path) -> Iterator[None]:
    """No two calls write one dataset; the lock goes with the process, however that ends."""
    with (dataset / _LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DatasetError(f"another prepare is at work on {dataset}; wanted one at a time") from error
        yield


class _Run:
    """The sources of a call on their way through the steps."""

    def __init__(
        self, sources: Sequence[Source], output: Path, config: PrepareConfig, progress: Progress | None
    ) -> None:
        self.finished: list[Finished] = []
        self.died: list[ManifestRow] = []
        self._sources, self._output, self._config = sources, output, config
        self._meter = _Meter(sources, progress)
        self._waiting: dict[Path, tuple[UnitStep, set[FaceStep]]] = {}

    def do(self, workers: int) -> None:
        """Do all steps."""
        divide = workers > 1
        tasks: deque[Task[Finished | Divided | StageCost]] = deque(
            UnitStep(source=source, dataset=self._output, config=self._config, may_divide=divide)
            for source in self._sources
        )
        done = run_on_workers(tasks, workers, self._meter.told) if divide else run_here(tasks, self._meter.told)
        for step, result in done:
            if isinstance(step, UnitStep):
                tasks.extendleft(self._take_unit(step, result))
            else:
                assert isinstance(step, FaceStep)
                tasks.extendleft(self._take_faces(step, result))

    def _take_unit(self, step: UnitStep, result: object) -> Sequence[FaceStep]:
        if isinstance(result, Divided):
            rest = replace(step, may_divide=False, share=1 - FACES_SHARE)
            self._waiting[step.source.path] = rest, set(result.stretches)
            return result.stretches
        if isinstance(result, Finished):
            self.finished.append(result)
        else:
            self.died.append(died_row(step))
        self._meter.finish(step.source)
        return ()

    def _take_faces(self, step: FaceStep, result: object) -> Sequence[UnitStep]:
        unit, stretches = self._waiting[step.source.path]
        stretches.remove(step)
        # Blocks whose worker died are missing; the unit makes them, and dies on them if they are to blame.
        cost = result if isinstance(result, StageCost) else StageCost()
        faces = unit.spent.get("faces", StageCost()) + cost
        unit = replace(unit, spent={**unit.spent, "faces": faces})
        self._waiting[step.source.path] = unit, stretches
        return () if stretches else (unit,)


class _Meter:
    """How much is done, in bytes of sources: known at once for any number of them."""

    def __init__(self, sources: Sequence[Source], progress: Progress | None) -> None:
        self._bytes = {source.path: source.path.stat().st_size for source in sources}
        self._total = max(1, sum(self._bytes.values()))
        self._done: dict[Path, dict[object, float]] = {source.path: {} for source in sources}
        self._num_done = 0
        self._progress = progress
        self._tell("starting")

    def told(self, step: Task[object], stage: str, done: int, total: int) -> None:
        """A step tells how far it is."""
        assert isinstance(step, (UnitStep, FaceStep))
        part = min(1.0, done / max(total, 1))
        if isinstance(step, UnitStep) and step.share == 1.0:
            part = FACES_SHARE * part if stage == "faces" else FACES_SHARE + (1 - FACES_SHARE) * part
        elif isinstance(step, UnitStep) and stage == "faces":
            part = 0.0
        done_of = self._done[step.source.path]
        done_of[step] = max(done_of.get(step, 0.0), step.share * part)
        self._tell(f"{stage} of {step.source.path.name}")

    def finish(self, source: Source) -> None:
        """A source is done."""
        self._done[source.path] = {None: 1.0}
        self._num_done += 1
        self._tell(f"{self._num_done} of {len(self._done)} sources")

    def _tell(self, now: str) -> None:
        if self._progress is not None:
            done = sum(self._bytes[path] * min(1.0, sum(shares.values())) for path, shares in self._done.items())
            self._progress(f"prepare, kB ({now})", round(done / 1e3), max(1, round(self._total / 1e3)))


def _collect(
    dataset: Path, fresh: Sequence[Finished], died: Sequence[ManifestRow]
) -> tuple[list[ManifestRow], list[UnitRecord]]:
    """Write the manifest over all units, and forget what newer states of the same sources replaced."""
    current = {finished.record.source: finished.record.unit for finished in fresh}
    records: list[UnitRecord] = []
    for record in read_records(dataset):
        if current.get(record.source, record.unit) == record.unit:
            records.append(record)
        else:
            record_path(dataset, record.unit).unlink()
    rows = [row for record in records for row in record.rows] + list(died)
    write_manifest(dataset, rows)
    wanted = {row.shard for row in rows}
    for path in (dataset / SHARDS).iterdir():
        if f"{SHARDS}/{path.name}" not in wanted:
            path.unlink()
    for left in (dataset / UNITS).glob("*.part"):
        left.unlink()
    return rows, records
