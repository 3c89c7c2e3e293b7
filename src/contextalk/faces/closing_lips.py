"""Lips that meet, on a head that was bent.

A plate cannot bring two edges to one line: what is between them would have to vanish. A mouth that closes is bent with
its inner lips unknown, and their edges are pulled together afterwards, column by column.
"""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points, heights

Floats = NDArray[np.floating]

_CLOSING = 0.7
"""Share of its opening below which a mouth is closed here rather than by the plate."""

_SHUT_PX = 1e-3
"""Between lips that meet. A tenth of a px would show a pixel of the teeth in every tenth column."""

_INNER_LIPS = np.r_[60:68]
_LIPS = (np.r_[48:55], np.r_[60:65], np.r_[60, 67:63:-1], np.r_[48, 59:53:-1])
"""Edges of the lips from above, each from the first corner on."""

_SMALLEST_OPENING_PX = 3.0
"""What is less open than this is left to the plate."""

_THINNEST_MOUTH_PX = 4
"""Columns with thinner lips, at the corners, are left as they are."""


def close_lips(points: Points, wanted: Points) -> tuple[Points, Floats | None]:
    """Split a bend into what a plate can do and what is closed afterwards.

    Args:
        points: (70, 2) crop px, where landmarks and pupils of the head are.
        wanted: (70, 2) crop px, where they shall be.

    Returns:
        Where the plate shall bring the points, inner lips NaN where it had better not know them; and for each pixel of
        the closed head, counted from centres, the row (256, 256) of the bent one that it shows. None: nothing closes.
    """
    opening_px = _mouth_opening_px(points)
    if opening_px < _SMALLEST_OPENING_PX or not _mouth_opening_px(wanted) < _CLOSING * opening_px:
        return wanted, None
    plate = wanted.copy()
    plate[_INNER_LIPS] = np.nan
    rows = np.repeat(np.arange(CROP_PX, dtype=np.float64)[:, None], CROP_PX, axis=1)
    _pull_lips(rows, points, wanted)
    return plate, rows


def _pull_lips(rows: Floats, points: Points, wanted: Points) -> None:
    """Lips come to lie where wanted, what is between them is squeezed."""
    mouth = wanted[_LIPS[0]]
    (left, _), (right, _) = mouth[0], mouth[-1]
    columns = np.array(_columns(mouth))
    share = (columns + 0.5 - left) / (right - left)
    there = points[48, 0] + share * (points[54, 0] - points[48, 0]) - 0.5
    aims = np.stack([heights(wanted[edge], columns) for edge in _LIPS], axis=1)
    known = np.stack([heights(points[edge], there) for edge in _LIPS], axis=1)
    for column, (over, upper, lower, under), seen in zip(columns.tolist(), aims, known, strict=True):
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


def _columns(edge: Points) -> range:
    left, right = sorted(edge[[0, -1], 0])
    return range(max(0, int(left)), min(CROP_PX, int(np.ceil(right))))


def _mouth_opening_px(points: Points) -> float:
    return float((points[_LIPS[2][1:-1], 1] - points[_LIPS[1][1:-1], 1]).mean())
