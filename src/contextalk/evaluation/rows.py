"""The rows of a table: methods' clips, and beside them fakes made of the true heads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.choices import Progress
from contextalk.evaluation import fakes
from contextalk.evaluation.calibration import Calibration
from contextalk.evaluation.estimator import Estimator
from contextalk.evaluation.evidence import Evidence, Shown
from contextalk.evaluation.read_evidence import look, read_evidence
from contextalk.models.bundle import Bundle

GROUND_TRUTH, CODEC, STILL, SHARED, MEAN, OTHER, NEAREST = (
    "ground truth",
    "codec only",
    "still head",
    "one picture for both twins",
    "mean head",
    "another clip's head",
    "copied nearest frame",
)
FAKES = (GROUND_TRUTH, CODEC, STILL, SHARED, MEAN, OTHER, NEAREST)

MOST_OTHERS = 3
"""Other clips of the person that frames are copied from."""

_KEPT_IN_MEMORY = 3 + MOST_OTHERS


class Clips:
    """The pairs of one method, read when asked for; a few at a time are held."""

    def __init__(self, pairs: Sequence[tuple[Path, Path]], estimator: Estimator) -> None:
        """Take (generated, reference) pairs."""
        self._pairs = pairs
        self._estimator = estimator
        self._calibration = Calibration()
        self._read = lru_cache(maxsize=_KEPT_IN_MEMORY)(self._read_one)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Evidence:
        evidence = self._read(index)
        return replace(
            evidence, seen=self._calibration.apply(evidence.seen), truth=self._calibration.apply(evidence.truth)
        )

    def calibrate(self, calibration: Calibration) -> None:
        """Use this calibration from now on."""
        self._calibration = calibration

    def look(self, heads: NDArray[np.uint8]) -> Shown:
        """Heads with what the estimator reads off them, calibrated."""
        return self._calibration.apply(look(heads, self._estimator))

    def _read_one(self, index: int) -> Evidence:
        return read_evidence(*self._pairs[index], self._estimator)


def without_heads(evidence: Evidence) -> Evidence:
    """The evidence without its pictures, which weigh a hundred times the rest."""
    none = np.empty((0, *evidence.truth.heads.shape[1:]), np.uint8)
    return replace(evidence, seen=replace(evidence.seen, heads=none), truth=replace(evidence.truth, heads=none))


def read_all(clips: Clips, progress: Progress | None) -> list[Evidence]:
    """Every clip without its pictures."""
    known = []
    for index in range(len(clips)):
        known.append(without_heads(clips[index]))
        if progress is not None:
            progress("clips read", index + 1, len(clips))
    return known


def jobs(
    clips: Mapping[str, Clips], known: Sequence[Evidence], bundle: Bundle
) -> Iterator[tuple[str, str, Callable[[], Evidence]]]:
    """(method, clip's name, how to make the evidence), clip by clip, so that pictures are read once."""
    first = next(iter(clips.values()))
    for index, clip in enumerate(known):
        for method, make in _fakes(first, index, known, bundle).items():
            yield method, clip.name, make
        yield next(iter(clips)), clip.name, partial(first.__getitem__, index)
    for method, others in list(clips.items())[1:]:
        for index in range(len(others)):
            evidence = others[index]
            yield method, evidence.name, partial(others.__getitem__, index)


def _fakes(clips: Clips, index: int, known: Sequence[Evidence], bundle: Bundle) -> dict[str, Callable[[], Evidence]]:
    own = known[index]
    twin = _twin(own, known)
    return {
        GROUND_TRUTH: lambda: fakes.ground_truth(clips[index]),
        CODEC: lambda: fakes.codec_only(clips[index], bundle.codec, clips.look),
        STILL: lambda: fakes.still_head(clips[index], clips.look),
        SHARED: lambda: fakes.shared_head(clips[index], None if twin is None else clips[twin], clips.look),
        MEAN: lambda: fakes.mean_head(clips[index], [clips[other] for other in _same_person(own, known)], clips.look),
        OTHER: lambda: fakes.other_head(clips[index], clips[next_other(index, known)], clips.look),
        NEAREST: lambda: fakes.nearest_frame(
            clips[index], [clips[other] for other in _same_person(own, known)], clips.look
        ),
    }


def next_other(index: int, known: Sequence[Evidence]) -> int:
    """The next clip, round the end, that is neither this one nor its twin; this one where there is none."""
    twin = known[index].around
    for step in range(1, len(known)):
        other = (index + step) % len(known)
        if twin is None or known[other].name != twin.twin:
            return other
    return index


def _twin(own: Evidence, known: Sequence[Evidence]) -> int | None:
    """The twin, where it is scored too."""
    name = None if own.around is None else own.around.twin
    return next((index for index, clip in enumerate(known) if name is not None and clip.name == name), None)


def _same_person(own: Evidence, known: Sequence[Evidence]) -> list[int]:
    """Other clips of the person, not the twin."""
    if own.person is None:
        return []
    twin = None if own.around is None else own.around.twin
    same = [
        index for index, clip in enumerate(known) if clip.person == own.person and clip.name not in (own.name, twin)
    ]
    return same[:MOST_OTHERS]
