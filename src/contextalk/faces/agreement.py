"""Whether a mouth and a sound belong together, and how far apart in time: how wide it opens against how loud it is.

The plain judge, which needs no weights: it knows nothing of phonemes, so a sentence alone may deceive it, and half a
minute of one person speaking does not (figures in docs/data.md).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ

REACH = 15
"""Shifts tried, in frames either way."""

_SLOW_S = 1.0
"""Changes slower than this are no syllables: a face that comes nearer, somebody who steps back from the microphone."""

_RANGE_DB = 45.0
"""Below the loud parts, from which on it is silence."""

_HALF_WINDOW = SAMPLE_RATE_HZ // RATE_HZ * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What stretches of one mouth and one sound say together; they add up.

    Attributes:
        products: (31,) of the two signals at shifts −15 … 15; at a positive shift the sound comes after the picture.
        mouth: Energy of the mouth's signal.
        sound: Energy of the sound's.
        frames: Frames at 25 Hz.
    """

    products: NDArray[np.float64]
    mouth: float
    sound: float
    frames: int

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            products=self.products + other.products,
            mouth=self.mouth + other.mouth,
            sound=self.sound + other.sound,
            frames=self.frames + other.frames,
        )

    @property
    def curve(self) -> NDArray[np.float64]:
        """(31,) correlation at each shift, in [−1, 1]; 0 where either signal is still."""
        energy = np.sqrt(self.mouth * self.sound)
        return self.products / energy if energy > 0 else np.zeros_like(self.products)

    @property
    def offset_frames(self) -> int:
        """The shift of best agreement: frames by which the sound comes after the picture."""
        return int(self.curve.argmax()) - REACH

    @property
    def strength(self) -> float:
        """The correlation at that shift."""
        return float(self.curve.max())


NOTHING = Agreement(products=np.zeros(2 * REACH + 1), mouth=0.0, sound=0.0, frames=0)


def agreement(mouth_open: NDArray[np.floating], wave: NDArray[np.float32]) -> Agreement:
    """Compare a mouth with a sound.

    Args:
        mouth_open: (F,) at 25 Hz, finite.
        wave: (F · 640,) at 16 kHz, the same stretch.
    """
    frames = len(mouth_open)
    mouth, sound = _fast(mouth_open.astype(np.float64)), _fast(loudness_db(wave, frames))
    products = np.zeros(2 * REACH + 1)
    for shift in range(-min(REACH, frames - 1), min(REACH, frames - 1) + 1):
        early, late = mouth[max(0, -shift) : frames - max(0, shift)], sound[max(0, shift) : frames - max(0, -shift)]
        products[shift + REACH] = early @ late
    return Agreement(products=products, mouth=float(mouth @ mouth), sound=float(sound @ sound), frames=frames)


def loudness_db(wave: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """(F,) loudness around each frame at 25 Hz, no lower than 45 dB below the loud parts."""
    energy = np.concatenate([[0.0], np.cumsum(wave.astype(np.float64) ** 2)])
    middle = np.arange(frames) * (SAMPLE_RATE_HZ // RATE_HZ)
    low, high = np.clip(middle - _HALF_WINDOW, 0, len(wave)), np.clip(middle + _HALF_WINDOW, 0, len(wave))
    level = 10 * np.log10(np.maximum((energy[high] - energy[low]) / np.maximum(high - low, 1), 1e-12))
    return np.maximum(level, np.percentile(level, 95) - _RANGE_DB)


def _fast(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    fast = signal - gaussian_filter1d(signal, _SLOW_S * RATE_HZ)
    return fast - fast.mean()
