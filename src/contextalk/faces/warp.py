"""An identity's head bent to other landmarks: a thin-plate spline over the points, joined to what is seen around them.

It knows nothing of what a turned head hides or a closed mouth holds. It brings skin, hair, eyes and clothes about to
their places, so that a network need only put right what bending cannot do.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.geometry import CROP_PX, Points
from contextalk.faces.border import BORDER, find_border
from contextalk.faces.closing_eyes import Lid, close_eyes
from contextalk.faces.closing_lips import close_lips
from contextalk.faces.crop import head_mask

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating]
Values = TypeVar("Values", bound=np.generic)

_STIFFNESS = 1e-3
"""Of the spline: points may be missed by a px or two, where lips that touch would else tear the plate. Pupils, between
lids and far from each other, are met: a px is half a glance."""

_BEHIND = 1.0
"""Stiffness where an outline is hidden: the plate passes such points by."""

_HIDDEN, _SEEN = 0.15, 0.3
"""How far a jaw's point is from the nearest of eyes, nose and lips, in root mean square radii of the face. A far cheek
runs behind the nose when the head is turned, and two points in one place that move apart would tear the plate."""

_NUM_LANDMARKS = 68
_JAW, _FEATURES = slice(0, 17), slice(27, 68)

_PIXELS = np.arange(CROP_PX, dtype=np.float32)

_GRID_PX = 4
"""The spline is worked out on this grid and interpolated between."""

_INSIDE = head_mask().astype(bool)


_CALM_FRAMES = 1.5
"""Standard deviation of the low-pass over where the border is found: by whole px, else shirts would twitch."""

_CELLS = CROP_PX // _GRID_PX + 1
_STEPS = np.arange(_CELLS) * (_GRID_PX / CROP_PX)
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """How a picture is bent.

    Attributes:
        across: (256, 256), which column of the picture, counted from the first one's centre, comes to each pixel.
        down: (256, 256), which row.
        lids: To be painted over eyes that close, on top.
    """

    across: Floats
    down: Floats
    lids: tuple[Lid, ...] = ()

    def of(self, head: Picture) -> Picture:
        """A head crop bent, good for inside the mask: (S, S, 3) → (S, S, 3), S being 256 or larger."""
        bent = self.of_values(head)
        for lid in self.lids:
            lid.paint(bent)
        return bent

    def of_values(self, picture: NDArray[Values]) -> NDArray[Values]:
        """What belongs to a head crop, such as its matte, bent likewise without lids: (S, S, …) → (S, S, …)."""
        size = len(picture)
        if size == CROP_PX:
            return np.asarray(_sample(picture, self.across, self.down), picture.dtype)
        finer = size / CROP_PX
        across, down = (
            (cv2.resize(field.astype(np.float32) + 0.5, (size, size), interpolation=cv2.INTER_LINEAR)) * finer - 0.5
            for field in (self.across, self.down)
        )
        return np.asarray(_sample(picture, across, down), picture.dtype)


def bend(points: Points, wanted: Points, border: Floats = BORDER) -> Bend:
    """How a head is bent so that its points come to lie where they are wanted.

    Args:
        points: (70, 2) crop px, where its landmarks and pupils are; what is NaN here or in `wanted` is left out.
        wanted: (70, 2) crop px, where they shall be.
        border: (32, 2) crop px, what shall lie at the places of `BORDER`, on the mask's outline; at rest if not given.
    """
    opened, lids = close_eyes(points, wanted)
    plate, rows = close_lips(points, opened)
    across, down = _pull(points, plate, border)
    if rows is not None:
        columns = np.broadcast_to(_PIXELS, rows.shape)
        across, down = (_sample(field, columns, rows) for field in (across, down))
    return Bend(across=across, down=down, lids=lids)


def _pull(points: Points, wanted: Points, border: Floats) -> tuple[Floats, Floats]:
    """Which pixel (x, y), counted from the first one's centre, comes to lie in each of (256, 256)."""
    known = np.isfinite(points + wanted).all(axis=1)
    stiff = np.where(np.arange(len(points)) < _NUM_LANDMARKS, _STIFFNESS, 0.0)
    hidden = np.maximum(_hidden(points), _hidden(wanted))
    stiff[_JAW] *= (_BEHIND / _STIFFNESS) ** hidden
    stiffness = np.concatenate([stiff[known], np.full(len(BORDER), _STIFFNESS)])
    points, wanted = points[known], wanted[known]
    sites = np.concatenate([wanted.astype(np.float64), BORDER]) / CROP_PX
    moves = np.concatenate([(points - wanted).astype(np.float64), border - BORDER]) / CROP_PX
    grid = (_spline(sites, moves, stiffness, _GRID) * CROP_PX).reshape(_CELLS, _CELLS, 2).astype(np.float32)
    # Between grid points: the plate is smooth. remap counts from pixel centres, crop px from edges.
    at = (_PIXELS + np.float32(0.5)) / _GRID_PX
    move = _sample(grid, *np.meshgrid(at, at))
    return _PIXELS + move[..., 0], _PIXELS[:, None] + move[..., 1]


def _hidden(points: Points) -> Floats:
    """How much each of the jaw's 17 points lies behind the face: 0…1, without a step."""
    face = points[:_NUM_LANDMARKS].astype(np.float64)
    known = face[np.isfinite(face).all(axis=1)]
    features = face[_FEATURES][np.isfinite(face[_FEATURES]).all(axis=1)]
    if not len(features):
        return np.zeros(_JAW.stop)
    radius = np.sqrt(np.square(known - known.mean(axis=0)).sum(axis=1).mean())
    nearest = np.linalg.norm(face[_JAW, None] - features, axis=2).min(axis=1) / radius
    return np.nan_to_num(np.clip((_SEEN - nearest) / (_SEEN - _HIDDEN), 0, 1))


def _sample(values: NDArray[Any], across: Floats, down: Floats) -> NDArray[Any]:
    """Values (H, W, …) at places counted from the first pixel's centre, bilinear."""
    places = across.astype(np.float32), down.astype(np.float32)
    return cv2.remap(values, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def bends(masked: Picture, head: Picture, points: Points, wanted: Points) -> list[Bend]:
    """How a head is bent to consecutive frames, joined to what is seen around their masks.

    Args:
        masked: (F, 256, 256, 3) masked crops.
        head: (256, 256, 3) head crop.
        points: (70, 2) crop px, where its landmarks and pupils are.
        wanted: (F, 70, 2) crop px.
    """
    return [bend(points, face, border) for face, border in zip(wanted, _borders(masked, head), strict=True)]


def lay_heads(masked: Picture, head: Picture, points: Points, wanted: Points) -> Picture:
    """Masked crops with the head, bent as `bends` says, in their masks: (F, 256, 256, 3)."""
    return lay(masked, np.stack([one.of(head) for one in bends(masked, head, points, wanted)]))


def lay(masked: Picture, heads: Picture) -> Picture:
    """Masked crops (F, 256, 256, 3) with heads (F, 256, 256, 3) in their masks."""
    return np.where(_INSIDE[..., None], heads, masked)


def _borders(masked: Picture, head: Picture) -> NDArray[np.float64]:
    """`find_border` of consecutive masked crops, calmed: (F, 32, 2)."""
    found = np.stack([find_border(picture, head) for picture in masked])
    # What glides evenly beyond the ends goes on gliding: windows are calmed one by one, and must meet.
    reach = len(found) - 1
    longer = np.pad(found, ((reach, reach), (0, 0), (0, 0)), mode="reflect", reflect_type="odd")
    return gaussian_filter1d(longer, _CALM_FRAMES, axis=0, mode="nearest")[reach : reach + len(found)]


def _spline(sites: Floats, values: Floats, stiffness: Floats, at: Floats) -> Floats:
    """Smoothing thin-plate spline through (n, 2) sites and (n, 2) values of (n,) stiffness, at (m, 2) places."""
    count = len(sites)
    plane = np.c_[np.ones(count), sites]
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _plate(sites, sites) + np.diag(stiffness)
    system[:count, count:], system[count:, :count] = plane, plane.T
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros((3, 2))]))
    return _plate(at, sites) @ weights[:count] + np.c_[np.ones(len(at)), at] @ weights[count:]


def _plate(one: Floats, other: Floats) -> Floats:
    """r² log r between places, (n, m)."""
    squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    np.maximum(squared, 1e-12, out=squared)
    return 0.5 * squared * np.log(squared)
