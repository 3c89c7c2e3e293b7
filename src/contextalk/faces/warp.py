"""An identity's head bent to other landmarks: a thin-plate spline over the points, at rest at the crop's border.

It knows nothing of what a turned head hides or a closed mouth holds. It brings skin, hair, eyes and clothes about to
their places, so that a network need only put right what bending cannot do.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.faces.crop import head_mask

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating]

_STIFFNESS = 1e-3
"""Of the spline: points may be missed by a px or two, where lips that touch would else tear the plate. Pupils, between
lids and far from each other, are met: a px is half a glance."""

_NUM_LANDMARKS = 68

_PIXELS = np.arange(CROP_PX, dtype=np.float32)

_GRID_PX = 4
"""The spline is worked out on this grid and interpolated between."""

_INSIDE = head_mask().astype(bool)


def _border() -> Floats:
    """Sixteen points around the crop, in units of the crop."""
    along = np.linspace(0, 1, 5)[:-1]
    still, far = np.zeros(4), np.ones(4)
    sides = [(along, still), (far, along), (1 - along, far), (still, 1 - along)]
    return np.concatenate([np.stack(side, axis=1) for side in sides])


_ANCHORS = _border()
_CELLS = CROP_PX // _GRID_PX + 1
_STEPS = np.arange(_CELLS) * (_GRID_PX / CROP_PX)
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Eye:
    """Rows of an eye's points: both corners, the lids from the first corner on, the pupil."""

    corners: tuple[int, int]
    upper: tuple[int, int]
    lower: tuple[int, int]
    pupil: int

    def opening_px(self, points: Points) -> float:
        """Height between the lids."""
        return float((points[list(self.lower), 1] - points[list(self.upper), 1]).mean())

    def lids(self, points: Points) -> tuple[Points, Points]:
        """The (4, 2) points of the upper lid and of the lower, corners included."""
        first, last = self.corners
        return points[[first, *self.upper, last]], points[[first, *self.lower, last]]

    def opened(self, points: Points, wanted: Points) -> Points:
        """`wanted`, with this eye as open as in `points`: all of it goes with its corners."""
        seen, aim = (face[:, 0] + 1j * face[:, 1] for face in (points, wanted))
        first, last = self.corners
        rows = [*self.upper, *self.lower, *([self.pupil] if self.pupil < len(points) else [])]
        moved = aim[first] + (aim[last] - aim[first]) / (seen[last] - seen[first]) * (seen[rows] - seen[first])
        opened = wanted.copy()
        opened[rows] = np.stack([moved.real, moved.imag], axis=1)
        return opened


_EYES = (_Eye((36, 39), (37, 38), (41, 40), 68), _Eye((42, 45), (43, 44), (47, 46), 69))

_CLOSING = 0.7
"""Share of its opening below which an eye's lids are pulled over it. A plate cannot do it: between lids that meet, the
eye would have to vanish."""

_LID_REACH, _LID_EDGE = 0.45, 0.22
"""In openings of the eye: how far from the lids skin follows them, less than to the brow, and how thick lids with their
lashes are, which are moved and not stretched."""


def bend_head(head: Picture, points: Points, wanted: Points) -> Picture:
    """The head as it looks when its points are drawn to where they are wanted.

    Args:
        head: (256, 256, 3) head crop.
        points: (70, 2) crop px, where its landmarks and pupils are; what is NaN here or in `wanted` is left out.
        wanted: (70, 2) crop px, where they shall be.

    Returns:
        (256, 256, 3); the crop's border stays where it is.
    """
    closing = [eye for eye in _EYES if eye.opening_px(wanted) < _CLOSING * eye.opening_px(points)]
    opened = wanted
    for eye in closing:
        opened = eye.opened(points, opened)
    across, down = _pull(points, opened)
    columns, rows = np.meshgrid(_PIXELS, _PIXELS)
    for eye in closing:
        rows = _pull_lids(rows, eye.lids(opened), eye.lids(wanted))
    if closing:
        across, down = (_sample(field, columns, rows) for field in (across, down))
    return np.asarray(_sample(head, across, down), np.uint8)


def _pull(points: Points, wanted: Points) -> tuple[Floats, Floats]:
    """Which pixel (x, y), counted from the first one's centre, comes to lie in each of (256, 256)."""
    known = np.isfinite(points + wanted).all(axis=1)
    points, wanted = points[known], wanted[known]
    stiff = np.where(np.flatnonzero(known) < _NUM_LANDMARKS, _STIFFNESS, 0.0)
    stiffness = np.concatenate([stiff, np.full(len(_ANCHORS), _STIFFNESS)])
    sites = np.concatenate([wanted.astype(np.float64) / CROP_PX, _ANCHORS])
    moves = np.concatenate([(points - wanted).astype(np.float64) / CROP_PX, np.zeros_like(_ANCHORS)])
    grid = (_spline(sites, moves, stiffness, _GRID) * CROP_PX).reshape(_CELLS, _CELLS, 2).astype(np.float32)
    # Between grid points: the plate is smooth. remap counts from pixel centres, crop px from edges.
    at = (_PIXELS + np.float32(0.5)) / _GRID_PX
    move = _sample(grid, *np.meshgrid(at, at))
    return _PIXELS + move[..., 0], _PIXELS[:, None] + move[..., 1]


def _pull_lids(rows: Floats, lids: tuple[Points, Points], wanted: tuple[Points, Points]) -> Floats:
    """Rows of an eye's columns so that lids lie where wanted, their edges whole, skin stretched, the eye squeezed."""
    rows = rows.copy()
    left, right = sorted(lids[0][[0, -1], 0])
    opening = float(np.mean(lids[1][1:3, 1] - lids[0][1:3, 1]))
    reach, edge = _LID_REACH * opening, _LID_EDGE * opening
    for column in range(max(0, int(left)), min(CROP_PX, int(np.ceil(right)))):
        upper, lower = (_height(lid, column) for lid in lids)
        top, bottom = upper - reach, lower + reach
        over = np.clip(_height(wanted[0], column), top + edge + 1, bottom - edge - 2)
        under = np.clip(_height(wanted[1], column), over + 0.1, bottom - edge - 1)
        at = np.arange(max(0, int(np.ceil(top))), min(CROP_PX, int(bottom) + 1))
        there = [top, upper - edge, upper, lower, lower + edge, bottom]
        rows[at, column] = np.interp(at, [top, over - edge, over, under, under + edge, bottom], there)
    return rows


def _height(lid: Points, column: int) -> float:
    """Row of a lid of (4, 2) points in a column, both counted from pixel centres."""
    order = np.argsort(lid[:, 0])
    return float(np.interp(column + 0.5, lid[order, 0], lid[order, 1])) - 0.5


def _sample(values: NDArray[Any], across: Floats, down: Floats) -> NDArray[Any]:
    """Values (H, W, …) at places counted from the first pixel's centre, bilinear."""
    places = across.astype(np.float32), down.astype(np.float32)
    return cv2.remap(values, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def lay_heads(masked: Picture, head: Picture, points: Points, wanted: Points) -> Picture:
    """Masked crops with the bent head in their masks.

    Args:
        masked: (F, 256, 256, 3).
        head: (256, 256, 3) head crop.
        points: (70, 2) crop px, where its landmarks and pupils are.
        wanted: (F, 70, 2) crop px.

    Returns:
        (F, 256, 256, 3).
    """
    laid = masked.copy()
    for picture, face in zip(laid, wanted, strict=True):
        picture[_INSIDE] = bend_head(head, points, face)[_INSIDE]
    return laid


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
    squared = ((one[:, None] - other[None]) ** 2).sum(axis=-1)
    return 0.5 * squared * np.log(np.maximum(squared, 1e-12))
