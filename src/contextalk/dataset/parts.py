"""Where a source may be cut into clips: shots, bounds and stretches with a face."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Scene, Shot
from contextalk.core.time import RATE_HZ, clip_times, nearest_frames
from contextalk.dataset.bounds import Bound
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.sampling import Sampling, sample_between

_LONGEST_SPAN_S = 600.0
"""A take that lasts longer is cut evenly: crops are smoothed inside a span, and memory must not grow with it."""

_TIME_SLACK_S = 1e-3
"""Container times are rounded to a time base; half a millisecond must not move a frame across a bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Frames `[start, stop)` without a cut or a bound between them.

    Attributes:
        start: First frame.
        stop: One past the last.
        name: Sentence name or running number.
        sentence: Name of the bound it lies in; empty where none was given.
        text: What is said; empty where unknown.
    """

    start: int
    stop: int
    name: str
    sentence: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a span: a clip, or something to turn down.

    Attributes:
        name: Name of the span, numbered where the span fell apart.
        sentence: The span's.
        text: What is said in the span.
        start: First source frame.
        stop: One past the last.
        start_s: Time of the first frame.
        stop_s: End of the last one.
        reject_reason: Empty for a clip.
    """

    name: str
    sentence: str
    text: str
    start: int
    stop: int
    start_s: float
    stop_s: float
    reject_reason: str = ""

    @property
    def num_frames(self) -> int:
        """Frames at 25 fps."""
        return int(np.floor((self.stop_s - self.start_s + _TIME_SLACK_S) * RATE_HZ))

    def pictures(self, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """(num_frames,) source frame nearest to each clip frame; never one outside the part."""
        nearest = nearest_frames(times_s, self.start_s + clip_times(self.num_frames))
        return np.clip(nearest, self.start, self.stop - 1)

    def sampling(self, times_s: NDArray[np.float64], *, between: bool) -> Sampling:
        """What the clip consists of: the nearest frames, or what lies `between` two where the source is slow."""
        if between:
            at_s = self.start_s + clip_times(self.num_frames)
            return sample_between(times_s, at_s, self.start, self.stop)
        return Sampling(pictures=self.pictures(times_s), shares=np.zeros(self.num_frames, np.float32))


def frame_end_s(scene: Scene, frame: int) -> float:
    """When `frame` stops being shown."""
    return float(scene.times_s[frame + 1]) if frame + 1 < len(scene.times_s) else scene.duration_s


def find_spans(scene: Scene, shots: Sequence[Shot], bounds: Sequence[Bound]) -> list[Span]:
    """Shots, further cut at the bounds where there are any; frames outside all bounds belong to no span."""
    if not bounds:
        numbered = [Span(start=shot.start, stop=shot.stop, name=f"{number:04d}") for number, shot in enumerate(shots)]
        return [piece for span in numbered for piece in _cut_long(scene, span)]
    spans: list[Span] = []
    for bound in bounds:
        first, last = np.searchsorted(scene.times_s, np.array([bound.start_s, bound.stop_s]) - _TIME_SLACK_S)
        for shot in shots:
            start, stop = max(shot.start, int(first)), min(shot.stop, int(last))
            if start < stop:
                span = Span(start=start, stop=stop, name=bound.name, sentence=bound.name, text=bound.text)
                spans += _cut_long(scene, span)
    return spans


def _cut_long(scene: Scene, span: Span) -> list[Span]:
    length_s = frame_end_s(scene, span.stop - 1) - float(scene.times_s[span.start])
    count = max(1, int(np.ceil(length_s / _LONGEST_SPAN_S)))
    edges = np.linspace(span.start, span.stop, count + 1).round().astype(int).tolist()
    return [replace(span, start=start, stop=stop) for start, stop in itertools.pairwise(edges)]


def tile_frames(num_frames: int, shots: Sequence[Shot], spans: Sequence[Span]) -> tuple[Shot, ...]:
    """Cut all frames wherever a shot or a span begins or ends: the stretches inside which a crop may be smoothed."""
    edges = {0, num_frames}.union(*({piece.start, piece.stop} for piece in (*shots, *spans)))
    ordered = sorted(edges)
    return tuple(Shot(start=start, stop=stop) for start, stop in itertools.pairwise(ordered))


def cut_parts(
    scene: Scene,
    spans: Sequence[Span],
    valid: NDArray[np.bool_],
    damaged: NDArray[np.bool_],
    config: PrepareConfig,
    covered: NDArray[np.float32] | None = None,
) -> list[Part]:
    """Cut spans into clips of whole frames with a face, and into stretches that say why they are none.

    Args:
        scene: Its times.
        spans: Where clips may lie.
        valid: (F,) whether the face is seen.
        damaged: (F,) whether the picture is.
        config: Lengths, and how much may be covered.
        covered: (F,) share of the head's mask that something in front covers; None: nothing was looked for.
    """
    state = np.where(damaged, _DAMAGED, np.where(valid, _SEEN, _UNSEEN))
    if covered is not None:
        state[(state == _SEEN) & (covered > config.max_covered)] = _COVERED
    pieces = [(span, piece) for span in spans for run in _runs(span, state) for piece in _split(scene, *run, config)]
    totals, seen = Counter(span.name for span, _ in pieces), Counter[str]()
    parts: list[Part] = []
    for span, (start, stop, reason) in pieces:
        parts.append(
            Part(
                name=span.name if totals[span.name] == 1 else f"{span.name}-{seen[span.name]}",
                sentence=span.sentence,
                text=span.text,
                start=start,
                stop=stop,
                start_s=float(scene.times_s[start]),
                stop_s=frame_end_s(scene, stop - 1),
                reject_reason=reason,
            )
        )
        seen[span.name] += 1
    return parts


_UNSEEN, _SEEN, _DAMAGED, _COVERED = 0, 1, 2, 3


def _reason(state: int, config: PrepareConfig) -> str:
    if state == _COVERED:
        return f"occluded: hands or other heads in more than {config.max_covered:.0%} of the head's mask"
    return "damaged picture" if state == _DAMAGED else "no face"


def _runs(span: Span, state: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    changes = np.flatnonzero(np.diff(state[span.start : span.stop])) + span.start + 1
    edges = [span.start, *changes.tolist(), span.stop]
    for start, stop in itertools.pairwise(edges):
        yield start, stop, int(state[start])


def _split(scene: Scene, start: int, stop: int, state: int, config: PrepareConfig) -> list[tuple[int, int, str]]:
    if state != _SEEN:
        return [(start, stop, _reason(state, config))]
    start_s, end_s = float(scene.times_s[start]), frame_end_s(scene, stop - 1)
    length_s = end_s - start_s
    if length_s < config.min_s - _TIME_SLACK_S:
        return [(start, stop, f"too short: {length_s:.2f} s, wanted ≥ {config.min_s:g} s")]
    pieces = max(1, int(np.ceil((length_s - _TIME_SLACK_S) / config.max_s)))
    inner = np.searchsorted(scene.times_s, start_s + length_s * np.arange(1, pieces) / pieces - _TIME_SLACK_S)
    edges = [start, *inner.tolist(), stop]
    return [(first, last, "") for first, last in itertools.pairwise(edges)]
