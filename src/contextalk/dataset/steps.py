"""What is sent to workers: a source, who is in it, or a stretch of the first decode of a long one."""

import time
from dataclasses import dataclass, field, replace

from contextalk.core.errors import ContextalkError, PlaceError
from contextalk.dataset.album import Album, album_of
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.people import analyse_source
from contextalk.dataset.places import Place
from contextalk.dataset.sources import Source
from contextalk.dataset.unit import StageCost, UnitRecord, find_record, header_reason, prepare_unit
from contextalk.dataset.workers import Told
from contextalk.faces.appearance import Encoder

SPLIT_BLOCKS = 8
"""Blocks of the first decode that one worker does of a source that is shared: minutes, so that a seek is nothing."""

FACES_SHARE = 0.7
"""Of the work on a source, finding faces is about this much; for the time left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A source is done.

    Attributes:
        record: What it left.
        reused: Whether it was there before.
    """

    record: UnitRecord
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """A source is long enough for several workers: these stretches of its first decode come first."""

    stretches: "tuple[FaceStep, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A source at a URL that cannot be fetched now.

    Attributes:
        reason: What is in the way, in one line.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceStep:
    """Some blocks of a source's first decode.

    Attributes:
        source: Whose.
        annotations: Where landmarks come from.
        numbers: Of the blocks.
        share: Of the work on the source.
    """

    source: Source
    annotations: str
    numbers: tuple[int, ...]
    share: float

    def __call__(self, told: Told) -> StageCost:
        """Make them, and say what that cost; what is wrong with the source is said when it is prepared."""
        from contextalk.faces.analysis import FaceLook
        from contextalk.faces.blocks import BLOCK_FRAMES

        started = time.monotonic()
        try:
            self.source.fetch(told)
            FaceLook(self.source.path, annotations=self.annotations).make(self.numbers, told)
        except ContextalkError:
            return StageCost()
        return StageCost(frames=len(self.numbers) * BLOCK_FRAMES, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The people of a source are known, as far as there are any.

    Attributes:
        unit: Name of the source in its present state.
        cost: Of finding their faces.
    """

    unit: str
    cost: StageCost


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleStep:
    """Who is in a source, where that must be known of all sources before one is cut.

    Attributes:
        source: Whose people.
        dataset: Where it goes.
        config: Choices.
        encoder: Of their portraits.
        may_divide: Whether other workers may do a part of it.
        share: Of the work on the source, what was not done apart.
        spent: Costs of what was done apart.
    """

    source: Source
    dataset: Place
    config: PrepareConfig
    encoder: Encoder = field(hash=False)
    may_divide: bool = False
    share: float = FACES_SHARE
    spent: dict[str, StageCost] = field(default_factory=dict[str, StageCost], hash=False)

    def __call__(self, told: Told) -> Looked | Divided | Unreached:
        """Find them portrayed, divide the first decode, or do it; what is wrong is said when the source is prepared."""
        if self.source.content and (album := self._album()).is_current():  # known portrayed, it need not be fetched
            return self._known(album)
        try:
            self.source.fetch(told)
        except PlaceError as error:
            return Unreached(reason=str(error))
        album = self._album()
        known = self._known(album)
        try:
            if self._needs_no_look(album):
                return known
            if self.may_divide and (stretches := _stretches(self.source, self.config)):
                return Divided(stretches=stretches)
            return replace(known, cost=known.cost + self._look(album, told))
        except PlaceError:  # the dataset's
            raise
        except ContextalkError:
            return known

    def _album(self) -> Album:
        return album_of(self.source, self.dataset, self.config, self.encoder)

    def _known(self, album: Album) -> Looked:
        return Looked(unit=album.unit, cost=self.spent.get("faces", StageCost()))

    def _needs_no_look(self, album: Album) -> bool:
        labelled = self.source.synth and self.config.annotations == "auto"
        return labelled or album.is_current() or bool(header_reason(self.source.path, self.config))

    def _look(self, album: Album, told: Told) -> StageCost:
        frames, started = 0, time.monotonic()

        def count(stage: str, done: int, total: int) -> None:
            nonlocal frames
            frames += stage == "faces"
            told(stage, done, total)

        album.fill(analyse_source(self.source, self.config, count))
        return StageCost(frames=frames, seconds=time.monotonic() - started) if frames else StageCost()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStep:
    """A source.

    Attributes:
        source: What to prepare.
        dataset: Where it goes.
        config: Choices.
        encoder: Of its people's portraits.
        may_divide: Whether other workers may do a part of it.
        share: Of the work on the source, what was not done apart.
        spent: Costs of what was done apart.
        older: Records that earlier calls left of it.
        forgets: Whether the copy of a video at a URL goes when it is done.
    """

    source: Source
    dataset: Place
    config: PrepareConfig
    encoder: Encoder = field(hash=False)
    may_divide: bool = False
    share: float = 1.0
    spent: dict[str, StageCost] = field(default_factory=dict[str, StageCost], hash=False)
    older: tuple[UnitRecord, ...] = field(default=(), hash=False)
    forgets: bool = False

    def __call__(self, told: Told) -> Finished | Divided | Unreached:
        """Find it finished, divide it, or prepare it."""
        record = self._find() if self.source.content else None  # known finished, it need not be fetched
        if record is None:
            try:
                self.source.fetch(told)
            except PlaceError as error:
                return Unreached(reason=str(error))
            record = self._find()
        reused = record is not None
        if record is None:
            if self.may_divide and (stretches := _stretches(self.source, self.config)):
                return Divided(stretches=stretches)
            record = prepare_unit(
                self.source, self.dataset, self.config, self.encoder, told, spent=self.spent, older=self.older
            )
        if self.forgets:
            self.source.forget()
        return Finished(record=record, reused=reused)

    def _find(self) -> UnitRecord | None:
        return find_record(self.source, self.dataset, self.config, self.encoder)


def _stretches(source: Source, config: PrepareConfig) -> tuple[FaceStep, ...]:
    """The first decode of a source that is long enough for several workers; empty for any other."""
    from contextalk.faces.analysis import FaceLook

    if source.synth and config.annotations == "auto":
        return ()
    try:
        missing = FaceLook(source.path, annotations=config.annotations).missing() or []
    except ContextalkError:
        return ()  # said when it is prepared
    if len(missing) <= SPLIT_BLOCKS:
        return ()
    runs = [tuple(missing[start : start + SPLIT_BLOCKS]) for start in range(0, len(missing), SPLIT_BLOCKS)]
    return tuple(
        FaceStep(
            source=source,
            annotations=config.annotations,
            numbers=run,
            share=FACES_SHARE * len(run) / len(missing),
        )
        for run in runs
    )


def lost_row(source: Source, config: PrepareConfig, unreached: Unreached | None) -> ManifestRow:
    """The row of a source that could not be fetched, or (None) whose worker died each time."""
    reason = "worker died: twice while it was prepared" if unreached is None else f"out of reach: {unreached.reason}"
    reason += "; the same command tries again"
    person = config.person or source.name
    return ManifestRow(key=source.name, source=source.shown, person=person, reject_reason=reason)
