"""Frame rates, windows and which frame stands for which time.

Timestamps rule; a frame count is never turned into a time except at `RATE_HZ`, the rate the networks live at.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 25
"""Video rate of stage 1 and of every dataset clip (paper, Table 3)."""

SAMPLE_RATE_HZ = 16_000
"""Sound rate (paper, Table 3)."""

WINDOW_FRAMES = 8
"""Frames a network sees at once (paper, Table 3); the first is carried, seven are new."""

SLOWEST_RENDER_HZ, FASTEST_RENDER_HZ = 20.0, 33.0
"""Between these scene rates stage 2 draws a head for every scene frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Frames `start … start + WINDOW_FRAMES − 1` of a shot; those in `[new_start, new_stop)` are made in it.

    `new_stop` may be less than `start + WINDOW_FRAMES`: the rest is padding and is trimmed.
    """

    start: int
    new_start: int
    new_stop: int

    @property
    def is_first(self) -> bool:
        """Whether this is the single first frame (F = 1), which no earlier frame starts."""
        return self.start == self.new_start


def tile_windows(num_frames: int) -> list[Window]:
    """Tile a shot: one first frame, then windows that carry one frame and add seven (paper, Sec. 4.4).

    Args:
        num_frames: Frames of the shot, ≥ 1.

    Returns:
        Windows whose new frames are 0 … num_frames − 1, each once, in order.
    """
    if num_frames < 1:
        raise ValueError(f"a shot has at least one frame, seen {num_frames}")
    windows = [Window(start=0, new_start=0, new_stop=1)]
    for start in range(0, num_frames - 1, WINDOW_FRAMES - 1):
        windows.append(Window(start=start, new_start=start + 1, new_stop=min(start + WINDOW_FRAMES, num_frames)))
    return windows


def clip_times(num_frames: int) -> NDArray[np.float64]:
    """Times in seconds of `num_frames` frames at `RATE_HZ`, from 0."""
    return np.arange(num_frames, dtype=np.float64) / RATE_HZ


def nearest_frames(times_s: NDArray[np.float64], at_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the frame of increasing `times_s` nearest to each of `at_s`; the earlier of two equally near."""
    right = np.clip(np.searchsorted(times_s, at_s, side="left"), 0, len(times_s) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(at_s - times_s[left] <= times_s[right] - at_s, left, right).astype(np.int64)


def render_stride(rate_hz: float) -> int:
    """Every how many scene frames stage 2 draws a head: 1 up to 33 fps, then 2, 3 … so that it stays ≤ 33 Hz.

    Args:
        rate_hz: Mean rate of the scene, > 0.
    """
    if not rate_hz > 0:
        raise ValueError(f"a frame rate is positive, seen {rate_hz}")
    return max(1, int(np.ceil(rate_hz / FASTEST_RENDER_HZ)))
