"""What is sent to workers: a source, or a stretch of the first decode of a long one."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from contextalk.core.errors import ContextalkError
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.sources import Source
from contextalk.dataset.unit import StageCost, UnitRecord, find_record, prepare_unit
from contextalk.dataset.workers import Told

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
            FaceLook(self.source.path, annotations=self.annotations).make(self.numbers, told)
        except ContextalkError:
            return StageCost()
        return StageCost(frames=len(self.numbers) * BLOCK_FRAMES, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStep:
    """A source.

    Attributes:
        source: What to prepare.
        dataset: The dataset's folder.
        config: Choices.
        may_divide: Whether other workers may do a part of it.
        share: Of the work on the source, what was not done apart.
        spent: Costs of what was done apart.
    """

    source: Source
    dataset: Path
    config: PrepareConfig
    may_divide: bool = False
    share: float = 1.0
    spent: dict[str, StageCost] = field(default_factory=dict[str, StageCost], hash=False)

    def __call__(self, told: Told) -> Finished | Divided:
        """Find it finished, divide it, or prepare it."""
        record = find_record(self.source, self.dataset, self.config)
        if record is not None:
            return Finished(record=record, reused=True)
        if self.may_divide and (stretches := self._stretches()):
            return Divided(stretches=stretches)
        record = prepare_unit(self.source, self.dataset, self.config, told, self.spent)
        return Finished(record=record, reused=False)

    def _stretches(self) -> tuple[FaceStep, ...]:
        from contextalk.faces.analysis import FaceLook

        if self.source.synth and self.config.annotations == "auto":
            return ()
        try:
            missing = FaceLook(self.source.path, annotations=self.config.annotations).missing() or []
        except ContextalkError:
            return ()  # said when it is prepared
        if len(missing) <= SPLIT_BLOCKS:
            return ()
        runs = [tuple(missing[start : start + SPLIT_BLOCKS]) for start in range(0, len(missing), SPLIT_BLOCKS)]
        return tuple(
            FaceStep(
                source=self.source,
                annotations=self.config.annotations,
                numbers=run,
                share=FACES_SHARE * len(run) / len(missing),
            )
            for run in runs
        )


def died_row(step: UnitStep) -> ManifestRow:
    """The row of a source whose worker died each time."""
    name = step.config.person or step.source.name
    reason = "worker died: twice while it was prepared; the same command tries again"
    return ManifestRow(key=step.source.name, source=step.source.shown, person=name, reject_reason=reason)
