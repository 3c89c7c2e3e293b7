"""`prepare`: sources in, manifest and shards out."""

import fcntl
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError
from contextalk.dataset.album import forget_albums
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.manifest import ManifestRow, write_manifest
from contextalk.dataset.page import write_page
from contextalk.dataset.people import group_number
from contextalk.dataset.places import FETCHING, Folder, Place, is_url, open_place
from contextalk.dataset.sources import Source, find_sources
from contextalk.dataset.splits import read_split_rule
from contextalk.dataset.steps import (
    FACES_SHARE,
    Divided,
    FaceStep,
    Finished,
    Looked,
    PeopleStep,
    UnitStep,
    Unreached,
    lost_row,
)
from contextalk.dataset.summary import Summary, summarise
from contextalk.dataset.unit import SHARDS, UNITS, WORK, StageCost, UnitRecord, read_records, record_name
from contextalk.dataset.whoiswho import (
    GroupSummary,
    draw_groups,
    find_groups,
    members_of,
    name_people,
    summarise_groups,
)
from contextalk.dataset.workers import Runner, Task, run_here, run_on_workers
from contextalk.faces.appearance import Encoder, PlainEncoder
from contextalk.faces.groups import Group
from contextalk.media.files import cache_folder
from contextalk.models.active_speaker import open_active_speaker

_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What a preparation found.

    Attributes:
        dataset: Its folder or URL.
        page: The report with pictures, on this machine.
        num_sources: Sources of this call.
        num_reused: Those of them that were already prepared.
        seconds: How long this call took.
        summary: Of the whole dataset.
        groups: Who is in its real videos.
    """

    dataset: Path | str
    page: Path
    num_sources: int
    num_reused: int
    seconds: float
    summary: Summary
    groups: tuple[GroupSummary, ...]

    @property
    def num_clips(self) -> dict[str, int]:
        """Clips by split."""
        return self.summary.num_clips

    @property
    def rejected(self) -> dict[str, int]:
        """Stretches turned down, by reason without its numbers."""
        return {reason.name: reason.count for reason in self.summary.reasons}


def prepare(
    sources: Sequence[Path | str],
    output: Path | str,
    *,
    target: str = "largest",
    annotations: str = "auto",
    active_speaker: str = "default",
    workers: int = 1,
    ray: str | None = None,
    progress: Progress | None = None,
    person: str | None = None,
    split_by: Path | None = None,
    augment: int = 0,
    seed: int = 0,
    min_s: float = 1.0,
    min_sync: float = 0.15,
    max_covered: float = 0.05,
    interpolate: bool = False,
    contact_sheet: Path | None = None,
    forget_sources: bool = False,
    encoder: Encoder | None = None,
) -> PrepareReport:
    """Prepare videos and synth scenes into a dataset; the same call goes on where it was interrupted.

    A dataset grows: sources of earlier calls stay in it, a source that is named again is replaced if it or a
    parameter changed.

    Args:
        sources: Videos, folders of videos, folders of synth scenes: paths, or any fsspec URLs.
        output: The dataset's folder, or its URL.
        target: As in `PrepareConfig`, like the following.
        annotations: Where landmarks come from.
        active_speaker: Who says who speaks.
        workers: Processes; one that dies costs the source it was at, which is tried once more. With 1, this process.
        ray: Address of the Ray cluster whose processes do it, "local" for one of this machine's that ends with the
            call; there `workers` is the most at once, and 1 as many as it has. None: no cluster.
        progress: Told of kilobytes of sources done, and in brackets of the source and the stage at work.
        person: Name of the person in real videos; None: of the group, `group-N`, for somebody whom several sources
            show, else of the source.
        split_by: JSON file of names put into a split by hand.
        augment: Reframed copies of each training clip of a real video.
        seed: Root of the reframing.
        min_s: Shortest clip, seconds.
        min_sync: Least agreement of mouth and sound around a clip; 0: sync is not looked at.
        max_covered: Largest share of the head's mask that hands and nearer heads may cover; 1: neither counts.
        interpolate: Let sources of 10 to 23 fps give clips, too: pictures between theirs are made along optical flow.
        contact_sheet: Picture to draw before the first clip is cut: who is in all sources together, a row a person.
        forget_sources: Remove the copy of a video at a URL when its clips are finished.
        encoder: Tells people apart; None: `PlainEncoder`.

    Raises:
        DatasetError: A number out of its range, a source that does not exist, a folder without videos, another call at
            work on the same dataset, no such group, nobody to draw on the contact sheet, or no clip in any of the
            sources (the manifest of the reasons is written all the same).
        ContextalkError: An active speaker that is not there.
            work on the same dataset, no such group, nobody to draw on the contact sheet, no such cluster, files that
            its machines do not reach, or no clip in any of the sources (the manifest of the reasons is written all the
            same).
        PlaceError: A URL that cannot be read, or written to.
    """
    started = time.monotonic()
    if ray is not None:  # workers of a cluster stand in folders of their own
        sources, output = [_absolute(source) for source in sources], _absolute(output)
        target = str(_absolute(target)) if Path(target).is_file() else target
        annotations = annotations if annotations in ("auto", "none") else str(_absolute(annotations))
        split_by = None if split_by is None else split_by.absolute()
    config = PrepareConfig(
        target=target,
        annotations=annotations,
        active_speaker=active_speaker,
        person=person,
        split_by=split_by,
        augment=augment,
        seed=seed,
        min_s=min_s,
        min_sync=min_sync,
        max_covered=max_covered,
        interpolate=interpolate,
    )
    found = find_sources(sources)
    read_split_rule(split_by)
    open_active_speaker(active_speaker)  # workers open it for themselves, and would blame the source
    dataset = open_place(output)
    dataset.make()
    for folder in (UNITS, SHARDS, WORK):
        (dataset.folder / folder).mkdir(exist_ok=True)
    with _alone(dataset), _runner(dataset, found, config, workers, ray) as (runner, may_divide):
        run = _Run(
            found,
            dataset,
            config,
            encoder or PlainEncoder(),
            progress,
            runner=runner,
            may_divide=may_divide,
            forgets=forget_sources,
        )
        wanted = group_number(config.target)
        if contact_sheet is not None or wanted is not None:
            known = run.look()
            if contact_sheet is not None:
                draw_groups(dataset, known, contact_sheet)
            if wanted is not None:
                run.choose(members_of(known, wanted))
        run.do()
        rows, records, groups = _collect(dataset, run)
        summary = summarise(rows, records)
        page = write_page(dataset, rows, records, summary, {source.address: source.path for source in found})
    fresh = [row for finished in run.finished for row in finished.record.rows] + run.lost
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
        groups=summarise_groups(groups),
    )


def _absolute(address: Path | str) -> Path | str:
    return address if is_url(address) else Path(address).absolute()


@contextmanager
def _runner(
    dataset: Place, sources: Sequence[Source], config: PrepareConfig, workers: int, ray: str | None
) -> Iterator[tuple[Runner, bool]]:
    """Who does the tasks, and whether a source may be divided among them."""
    if ray is not None:
        from contextalk.dataset.cluster import Cluster  # ray takes seconds, and need not be there

        given = (config.target, config.annotations, config.split_by)
        files = [Path(word) for word in given if word is not None and Path(word).is_absolute()]
        files += [source.path for source in sources if isinstance(source.place, Folder)]
        with Cluster(ray, workers) as cluster:
            cluster.check_reach(dataset, files)
            yield cluster.run, cluster.shares(cache_folder("analysis"))
    elif workers > 1:
        if str(dataset).startswith("memory:"):
            raise DatasetError(f"{dataset} lives in one process, wanted --workers 1")
        yield partial(run_on_workers, num_workers=workers), True
    else:
        yield run_here, False


@contextmanager
def _alone(dataset: Place) -> Iterator[None]:
    """No two calls of a machine write one dataset; the lock goes with the process, however that ends."""
    with (dataset.folder / _LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DatasetError(f"another prepare is at work on {dataset}; wanted one at a time") from error
        yield


class _Run:
    """The sources of a call on their way through the steps."""

    def __init__(
        self,
        sources: Sequence[Source],
        dataset: Place,
        config: PrepareConfig,
        encoder: Encoder,
        progress: Progress | None,
        *,
        runner: Runner,
        may_divide: bool,
        forgets: bool,
    ) -> None:
        self.finished: list[Finished] = []
        self.lost: list[ManifestRow] = []
        self.dataset, self.encoder = dataset, encoder
        self._runner, self._may_divide, self._forgets = runner, may_divide, forgets
        self._older: defaultdict[str, list[UnitRecord]] = defaultdict(list)
        for record in read_records(dataset):
            self._older[record.source].append(record)
        self._sources = [self._recalled(source) for source in sources]
        self._configs = {source.path: config for source in sources}
        self._looked: dict[Path, Looked] = {}
        self._meter = _Meter(sources, progress)
        self._waiting: dict[Path, tuple[UnitStep | PeopleStep, set[FaceStep]]] = {}

    def look(self) -> tuple[Group, ...]:
        """Find out who is in the sources, and group them with those of the dataset's other units."""
        self._work(
            PeopleStep(
                source=source,
                dataset=self.dataset,
                config=self._configs[source.path],
                encoder=self.encoder,
                may_divide=self._may_divide,
            )
            for source in self._sources
        )
        fresh = {source.address: self._looked[source.path].unit for source in self._sources}
        others = [record.unit for address, older in self._older.items() if address not in fresh for record in older]
        return find_groups(self.dataset, [*fresh.values(), *others], self.encoder)

    def choose(self, members: Mapping[str, tuple[int, ...]]) -> None:
        """Make clips of these tracks of each unit alone."""
        for path, looked in self._looked.items():
            self._configs[path] = replace(self._configs[path], members=members.get(looked.unit, ()))

    def do(self) -> None:
        """Prepare all sources."""
        self._work(self._unit(source) for source in self._sources)

    def _recalled(self, source: Source) -> Source:
        """With its content, where an earlier call found it at its URL as it is now."""
        known = (record.content for record in self._older[source.address] if record.version == source.version != "")
        return replace(source, content=next(known, ""))

    def _unit(self, source: Source) -> UnitStep:
        step = UnitStep(
            source=source,
            dataset=self.dataset,
            config=self._configs[source.path],
            encoder=self.encoder,
            may_divide=self._may_divide,
            older=tuple(self._older[source.address]),
            forgets=self._forgets,
        )
        looked = self._looked.get(source.path)
        if looked is None:
            return step
        return replace(step, share=1 - FACES_SHARE, spent={"faces": looked.cost})

    def _work(self, steps: Iterable[UnitStep | PeopleStep]) -> None:
        tasks: deque[Task[Finished | Looked | Divided | Unreached | StageCost]] = deque(steps)
        with closing(self._runner(tasks, told=self._meter.told)) as done:  # whatever happens, workers end here
            for step, result in done:
                if isinstance(step, FaceStep):
                    tasks.extendleft(self._take_faces(step, result))
                else:
                    assert isinstance(step, (UnitStep, PeopleStep))
                    tasks.extendleft(self._take(step, result))

    def _take(self, step: UnitStep | PeopleStep, result: object) -> Sequence[FaceStep]:
        if isinstance(result, Divided):
            share = max(0.0, step.share - FACES_SHARE)
            self._waiting[step.source.path] = replace(step, may_divide=False, share=share), set(result.stretches)
            return result.stretches
        if isinstance(result, Looked):
            self._looked[step.source.path] = result
            return ()
        if isinstance(result, Finished):
            self.finished.append(result)
        else:
            unreached = result if isinstance(result, Unreached) else None
            self.lost.append(lost_row(step.source, step.config, unreached))
            self._sources.remove(step.source)
        self._meter.finish(step.source)
        return ()

    def _take_faces(self, step: FaceStep, result: object) -> Sequence[UnitStep | PeopleStep]:
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
        self._bytes = {source.path: source.num_bytes for source in sources}
        self._total = max(1, sum(self._bytes.values()))
        self._done: dict[Path, dict[object, float]] = {source.path: {} for source in sources}
        self._num_done = 0
        self._progress = progress
        self._tell("starting")

    def told(self, step: Task[object], stage: str, done: int, total: int) -> None:
        """A step tells how far it is."""
        assert isinstance(step, (UnitStep, PeopleStep, FaceStep))
        part = min(1.0, done / max(total, 1))
        if stage == FETCHING:
            self._tell(f"{stage} {part:.0%} of {step.source.path.name}")
            return
        if isinstance(step, UnitStep) and step.share == 1.0:
            part = FACES_SHARE * part if stage != "clips" else FACES_SHARE + (1 - FACES_SHARE) * part
        elif isinstance(step, UnitStep) and stage != "clips":
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


def _collect(dataset: Place, run: _Run) -> tuple[list[ManifestRow], list[UnitRecord], tuple[Group, ...]]:
    """Write the manifest over all units, and forget what newer states of the same sources replaced."""
    current = {finished.record.source: finished.record.unit for finished in run.finished}
    records: list[UnitRecord] = []
    for record in read_records(dataset):
        if current.get(record.source, record.unit) == record.unit:
            records.append(record)
        else:
            dataset.remove(record_name(record.unit))
    units = {record.unit for record in records}
    forget_albums(dataset, units)
    groups = find_groups(dataset, units, run.encoder)
    rows = [*name_people(records, groups), *run.lost]
    write_manifest(dataset, rows)
    wanted = {row.shard for row in rows} | {record_name(unit) for unit in units}
    for folder in (SHARDS, UNITS):
        for name in dataset.names(folder):
            if f"{folder}/{name}" not in wanted:
                dataset.remove(f"{folder}/{name}")
    for name in dataset.names(""):
        if name.endswith(".part"):  # of a call that was killed
            dataset.remove(name)
    return rows, records, groups
