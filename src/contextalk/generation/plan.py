"""Which frames are generated, in which windows, and where a segment ends. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Shot
from contextalk.core.time import RATE_HZ, WINDOW_FRAMES, Window, tile_windows

SEGMENT_WINDOWS = 36
"""Windows after which work is put by: about 252 frames, ten seconds at 25 fps."""

UNTOUCHED_FRAMES = SEGMENT_WINDOWS * (WINDOW_FRAMES - 1)
"""Longest step of frames that pass through."""

GRID_SLACK_S = 1e-3
"""Containers round times to a millisecond; a frame that far past a 25 Hz instant still is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Scene frames `[start, stop)` of one shot that are generated without a break; windows restart at each.

    Attributes:
        shot: Index of its shot.
    """

    shot: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The smallest piece of work of stage 2: scene frames `[start, stop)`, composited after one window or untouched.

    Attributes:
        span: Index of the span, None where frames pass through untouched.
        window: Index of the window in its span, 0 the first frame.
        drawn: Scene frames that the window draws, without the carried one and without padding.
    """

    start: int
    stop: int
    span: int | None = None
    window: int = 0
    drawn: tuple[int, ...] = ()


def find_spans(shots: Sequence[Shot], active: NDArray[np.bool_]) -> list[Span]:
    """Runs of active frames, cut where shots are.

    Args:
        shots: Tile the frames.
        active: (F,) whether a frame is generated.
    """
    spans: list[Span] = []
    for index, shot in enumerate(shots):
        padded = np.concatenate([[False], active[shot.start : shot.stop], [False]])
        edges = np.flatnonzero(padded[1:] != padded[:-1]) + shot.start
        spans += [
            Span(shot=index, start=int(start), stop=int(stop))
            for start, stop in zip(edges[::2], edges[1::2], strict=True)
        ]
    return spans


def span_times(times_s: NDArray[np.float64], span: Span) -> NDArray[np.float64]:
    """The instants at 25 Hz from a span's first frame to its last; what remains after the last one is held."""
    start_s, last_s = times_s[span.start], times_s[span.stop - 1]
    count = int((last_s - start_s + GRID_SLACK_S) * RATE_HZ) + 1
    return start_s + np.arange(count) / RATE_HZ


def landmark_window_times(times_s: NDArray[np.float64], spans: Sequence[Span]) -> list[tuple[float, float]]:
    """First and last instant of each of stage 1's windows."""
    of_spans = [span_times(times_s, span) for span in spans]
    return [
        (float(times[window.start]), float(times[window.new_stop - 1]))
        for times in of_spans
        for window in tile_windows(len(times))
    ]


def head_window_times(times_s: NDArray[np.float64], steps: Sequence[Step]) -> list[tuple[float, float]]:
    """First and last frame's time of each of stage 2's windows; all but a span's first begin with the carried frame."""
    drawn = [step for step in steps if step.span is not None]
    carried = [None, *(step.drawn[-1] for step in drawn[:-1])]
    return [
        (float(times_s[step.drawn[0] if step.window == 0 else before]), float(times_s[step.stop - 1]))
        for step, before in zip(drawn, carried, strict=True)
    ]


def plan_steps(spans: Sequence[Span], num_frames: int, stride: int) -> list[Step]:
    """Tile all frames of a scene with steps.

    A window's step covers the frames after the last one drawn before it up to the last one it draws; frames between
    drawn ones are interpolated, and those after a span's last drawn one belong to the span's last step.

    Args:
        spans: In order, apart from each other.
        num_frames: Of the scene.
        stride: Every how many frames a head is drawn.
    """
    steps: list[Step] = []
    reached = 0
    for index, span in enumerate(spans):
        steps += _untouched(reached, span.start)
        drawn = np.arange(span.start, span.stop, stride)
        windows = tile_windows(len(drawn))
        start = span.start
        for number, window in enumerate(windows):
            new = tuple(int(frame) for frame in drawn[window.new_start : window.new_stop])
            stop = span.stop if number == len(windows) - 1 else new[-1] + 1
            steps.append(Step(start=start, stop=stop, span=index, window=number, drawn=new))
            start = stop
        reached = span.stop
    return steps + _untouched(reached, num_frames)


def group_segments(steps: Sequence[Step], max_frames: int) -> list[tuple[Step, ...]]:
    """Consecutive steps of at most `max_frames` frames together, or one longer step: a file of the work folder each."""
    segments: list[tuple[Step, ...]] = []
    current: list[Step] = []
    for step in steps:
        if current and step.stop - current[0].start > max_frames:
            segments.append(tuple(current))
            current = []
        current.append(step)
    return [*segments, tuple(current)]


def group_windows(counts: Sequence[int], max_windows: int) -> list[list[tuple[int, int, Window]]]:
    """Stage 1's windows over all spans, in portions of `max_windows`: (span, number in the span, window).

    Args:
        counts: 25 Hz frames of each span.
        max_windows: Of a portion.
    """
    windows = [
        (span, number, window) for span, count in enumerate(counts) for number, window in enumerate(tile_windows(count))
    ]
    return [windows[start : start + max_windows] for start in range(0, len(windows), max_windows)]


def window_seed(seed: int, target: int, stage: int, span_start: int, window: int) -> int:
    """One number for one window, so that randomness depends on nothing that was drawn before."""
    return int(np.random.SeedSequence([seed, target, stage, span_start, window]).generate_state(1)[0])


def _untouched(start: int, stop: int) -> list[Step]:
    edges = [*range(start, stop, UNTOUCHED_FRAMES), stop]
    return [Step(start=first, stop=last) for first, last in pairwise(edges)]
