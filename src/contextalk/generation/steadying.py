"""Drawn heads are held still: stage 1 places every face by a sample of its own, and its noise would shake them."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.geometry import Points

_HEAD, _SHAPE, _FEATURES = 2.0, 1.5, 0.5
"""Standard deviations of low-passes, frames at 25 Hz: of where the head is, of jaw, nose and brows about that, of eyes
and mouth about that. Chosen so that heads move as true ones do, and lips follow the sound as before (docs/log.md)."""

_STEADIEST = np.r_[27:36, 36, 39, 42, 45]
"""Nose and corners of the eyes: where the head is, whatever is said."""

_NUM_LANDMARKS = 68
_FREE = np.r_[36:68, 68, 69]
"""Eyes, mouth and pupils."""


def steady(points: Points, pupils: Points) -> tuple[Points, Points]:
    """Consecutive faces of one span, as they are where any point is NaN.

    Args:
        points: (F, 68, 2) at 25 Hz, any px.
        pupils: (F, 2, 2).

    Returns:
        Points and pupils.
    """
    faces = np.concatenate([points, pupils], axis=1).astype(np.float64)
    if not np.isfinite(faces).all():
        return points, pupils
    place = faces[:, _STEADIEST].mean(axis=1, keepdims=True)
    about = faces - place
    held = _low_pass(about, _SHAPE)
    held[:, _FREE] = _low_pass(about[:, _FREE], _FEATURES)
    held = (held + _low_pass(place, _HEAD)).astype(np.float32)
    return held[:, :_NUM_LANDMARKS], held[:, _NUM_LANDMARKS:]


def _low_pass(values: NDArray[np.float64], frames: float) -> NDArray[np.float64]:
    return gaussian_filter1d(values, frames, axis=0, mode="nearest")
