"""How open eyes are: what is closed in a picture cannot be bent open."""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks
from contextalk.faces.pose import fit_head

_UPPER_LIDS, _LOWER_LIDS = np.array([37, 38, 43, 44]), np.array([41, 40, 47, 46])


def lid_gap(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean height between the lids of both eyes: (…, 68 or more, 2) in any px → (…)."""
    return np.linalg.norm(points[..., _UPPER_LIDS, :] - points[..., _LOWER_LIDS, :], axis=-1).mean(axis=-1)


def eyes_open(landmarks: Landmarks) -> NDArray[np.float32]:
    """(F,) how open the eyes are, over what is usual for the person: about 1, less than a half in a blink; NaN unseen.

    In sizes of the fitted head: over its width an eye that is turned away would seem to open.
    """
    points = np.where(landmarks.valid[:, None, None], landmarks.points, np.nan).astype(np.float32)
    opening = lid_gap(points) / fit_head(points).scale
    if not np.isfinite(opening).any():
        return opening.astype(np.float32)
    return (opening / max(float(np.nanmedian(opening)), 1e-9)).astype(np.float32)
