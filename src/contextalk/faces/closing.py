"""Lids and lips that meet, on a head that was bent.

A plate cannot bring two edges to one line: what is between them would have to vanish. An eye or a mouth that closes is
therefore bent open, and its edges are pulled together afterwards, column by column.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from contextalk.core.geometry import CROP_PX, Points

Floats = NDArray[np.floating]

_CLOSING = 0.7
"""Share of its opening below which an eye or a mouth is closed here rather than by the plate."""

_LID_REACH, _LID_EDGE = 0.45, 0.22
"""In openings of the eye: how far from the lids skin follows them, and how thick lids with their
lashes are, which are moved and not stretched."""

_LID_POINTS = 25
"""Along the curve of a lid."""

_SHUT_PX = 1e-3
"""Between lids or lips that meet. A tenth of a px would show a pixel of the eye in every tenth column."""

_BELOW_BROW = 0.5
"""Of the way from the lid to the middle of the brow: what a lid may pull along, so that no hair comes down with it."""

_INNER_LIPS = np.r_[60:68]
_LIPS = (np.r_[48:55], np.r_[60:65], np.r_[60, 67:63:-1], np.r_[48, 59:53:-1])
"""Edges of the lips from above, each from the first corner on."""

_SMALLEST_OPENING_PX = 3.0
"""What is less open than this is left to the plate."""

_THINNEST_MOUTH_PX = 4
"""Columns with thinner lips, at the corners, are left as they are."""


@dataclass(frozen=True, slots=True)
class _Eye:
    """Rows of an eye's points: both corners, the lids from the first corner on, the pupil, the brow."""

    corners: tuple[int, int]
    upper: tuple[int, int]
    lower: tuple[int, int]
    pupil: int
    brow: slice

    def opening_px(self, points: Points) -> float:
        """Height between the lids."""
        return float((points[list(self.lower), 1] - points[list(self.upper), 1]).mean())

    def lids(self, points: Points) -> tuple[Points, Points]:
        """Points (n, 2) along the upper lid and along the lower, from corner to corner."""
        first, last = self.corners
        return _curve(points[[first, *self.upper, last]]), _curve(points[[first, *self.lower, last]])

    def opened(self, points: Points, wanted: Points) -> Points:
        """`wanted`, with this eye as open as in `points`: all of it goes with its corners."""
        seen, aim = (face[:, 0] + 1j * face[:, 1] for face in (points, wanted))
        first, last = self.corners
        rows = [*self.upper, *self.lower, *([self.pupil] if self.pupil < len(points) else [])]
        moved = aim[first] + (aim[last] - aim[first]) / (seen[last] - seen[first]) * (seen[rows] - seen[first])
        opened = wanted.copy()
        opened[rows] = np.stack([moved.real, moved.imag], axis=1)
        return opened


_EYES = (_Eye((36, 39), (37, 38), (41, 40), 68, slice(17, 22)), _Eye((42, 45), (43, 44), (47, 46), 69, slice(22, 27)))


def close_features(points: Points, wanted: Points) -> tuple[Points, Floats | None]:
    """Split a bend into what a plate can do and what is closed afterwards.

    Args:
        points: (70, 2) crop px, where landmarks and pupils of the head are.
        wanted: (70, 2) crop px, where they shall be.

    Returns:
        Where the plate shall bring the points, inner lips NaN where it had better not know them; and for each pixel of
        the closed head, counted from centres, the row (256, 256) of the bent one that it shows. None: nothing closes.
    """
    eyes = [eye for eye in _EYES if _closes(eye.opening_px(points), eye.opening_px(wanted))]
    mouth = _closes(_mouth_opening_px(points), _mouth_opening_px(wanted))
    if not eyes and not mouth:
        return wanted, None
    opened = wanted.copy()
    for eye in eyes:
        opened = eye.opened(points, opened)
    rows = np.repeat(np.arange(CROP_PX, dtype=np.float64)[:, None], CROP_PX, axis=1)
    for eye in eyes:
        _pull_lids(rows, eye.opening_px(opened), opened[eye.brow], eye.lids(opened), eye.lids(wanted))
    if mouth:
        opened[_INNER_LIPS] = np.nan
        _pull_lips(rows, points, wanted)
    return opened, rows


def _closes(seen_px: float, wanted_px: float) -> bool:
    return seen_px >= _SMALLEST_OPENING_PX and wanted_px < _CLOSING * seen_px


def _pull_lids(
    rows: Floats, opening: float, brow: Points, lids: tuple[Points, Points], wanted: tuple[Points, Points]
) -> None:
    """Lids come to lie where wanted: their edges whole, skin stretched, the eye squeezed."""
    reach, edge = _LID_REACH * opening, _LID_EDGE * opening
    for column in _columns(lids[0]):
        upper, lower = (_height(lid, column) for lid in lids)
        above = float(np.clip(_BELOW_BROW * (upper - _height(brow, column)), 2, reach))
        lashes = min(edge, above / 2)
        top, bottom = upper - above, lower + reach
        over = np.clip(_height(wanted[0], column), top + lashes + 1, bottom - edge - 2)
        under = np.clip(_height(wanted[1], column), over + _SHUT_PX, bottom - edge - 1)
        _pull_column(
            rows,
            column,
            [top, over - lashes, over, under, under + edge, bottom],
            [top, upper - lashes, upper, lower, lower + edge, bottom],
        )


def _pull_lips(rows: Floats, points: Points, wanted: Points) -> None:
    """Lips come to lie where wanted, what is between them is squeezed."""
    mouth = wanted[_LIPS[0]]
    (left, _), (right, _) = mouth[0], mouth[-1]
    for column in _columns(mouth):
        over, upper, lower, under = (_height(wanted[edge], column) for edge in _LIPS)
        share = (column + 0.5 - left) / (right - left)
        there = points[48, 0] + share * (points[54, 0] - points[48, 0]) - 0.5
        seen = np.array([_height(points[edge], there) for edge in _LIPS])
        if under - over < _THINNEST_MOUTH_PX or seen[3] - seen[0] < _THINNEST_MOUTH_PX:
            continue
        # The plate, which knew the outer edges alone, has kept what is between them in proportion.
        bent = over + (seen - seen[0]) / (seen[3] - seen[0]) * (under - over)
        upper = np.clip(upper, over + 1, under - 2)
        lower = np.clip(lower, upper + _SHUT_PX, under - 1)
        _pull_column(rows, column, [over, upper, lower, under], list(bent))


def _pull_column(rows: Floats, column: int, heights: list[float], seen: list[float]) -> None:
    """Show at each of rising heights what is seen at another, and what is between them in between."""
    at = np.arange(max(0, int(np.ceil(heights[0]))), min(CROP_PX, int(heights[-1]) + 1))
    rows[at, column] = np.interp(at, heights, seen)


def _curve(edge: Points) -> Points:
    """Lids are round: a cubic through corners and two points between them, by distance along it."""
    along = np.r_[0, np.linalg.norm(np.diff(edge, axis=0), axis=1).cumsum()]
    if (np.diff(along) <= 0).any():
        return edge
    return CubicSpline(along, edge)(np.linspace(0, along[-1], _LID_POINTS))


def _columns(edge: Points) -> range:
    left, right = sorted(edge[[0, -1], 0])
    return range(max(0, int(left)), min(CROP_PX, int(np.ceil(right))))


def _height(edge: Points, column: float) -> float:
    """Row of a line of points in a column, both counted from pixel centres."""
    order = np.argsort(edge[:, 0])
    return float(np.interp(column + 0.5, edge[order, 0], edge[order, 1])) - 0.5


def _mouth_opening_px(points: Points) -> float:
    return float((points[_LIPS[2][1:-1], 1] - points[_LIPS[1][1:-1], 1]).mean())
