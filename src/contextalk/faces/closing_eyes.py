"""Eyes that close on a bent head: skin is drawn down over them, as a lid comes down.

A plate cannot bring two edges to one line: what is between them would have to vanish. The head is therefore bent with
its eyes as open as they were, and lids are painted on top: of the skin above and below the eye, with a line as dark as
its lashes where the lid ends. Stretched from what is seen of it over an open eye, a lid is as dark as the crease.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import median_filter

from contextalk.core.geometry import CROP_PX, Points, heights

Floats = NDArray[np.floating]
Picture = NDArray[np.uint8]

_CLOSING, _TAKEN_OVER, _SHUT = 0.7, 0.55, 0.3
"""Shares of its opening: below the first a lid takes over from the plate, has all of it from the second on, and has
shut the eye at the third: shut eyes of real people are read as 0.19 to 0.5, and some keep a slit."""

_NARROWEST = 0.35
"""Share of its width below which an eye is too far turned away for a lid."""

_SMALLEST_OPENING_PX = 3.0
"""What is less open than this is left to the plate."""

_LID_POINTS = 25
"""Along the curve of a lid."""

_MEET = 0.85
"""Lids meet this far down the eye: nearly all of the way is the upper one's."""

_TO_BROW, _TALLEST = 0.5, 1.0
"""A lid begins so much of the way from the eye to the middle of the brow, where no hair is, but no more than so many
openings above the eye."""

_RIM, _FADE = 0.3, 0.35
"""In openings: how far below the lower lid's points there may be white, and over how much painted skin ends there."""

_SKIN_ABOVE, _SKIN_BELOW = np.r_[1.0, 1.1, 0.9, 0.8, 0.7, 0.6, 1.2, 1.3], np.linspace(1, 3, 8)
"""Where skin is looked at, as shares of the lid above the eye and of the fade below, the best place first."""

_UNLIKE_SKIN = 45.0
"""Levels, over three channels, from the middle colour below the eye: what differs more may be hair or the rim of
glasses, and the next place is looked at."""

_BEYOND = 0.14
"""Of the eye's width: how far beyond its corners lashes of the open lid are painted over."""

_LASHES, _LASHES_PX = 0.07, 0.7
"""Standard deviation of the dark line, in openings, and its least, crop px."""

_LASHES_NEAR = np.linspace(-0.25, 0.25, 9)
"""In openings about the open upper lid, or in heights of the lid where that is less: where the darkest is taken for
the lashes' colour."""


@dataclass(frozen=True, slots=True)
class _Eye:
    """Rows of an eye's points: both corners, the lids from the first corner on, the pupil, the brow."""

    corners: tuple[int, int]
    upper: tuple[int, int]
    lower: tuple[int, int]
    pupil: int
    brow: slice

    def can_close(self, points: Points, wanted: Points) -> bool:
        """Whether all of it is known, and is seen from the same side."""
        rows = [*self.corners, *self.upper, *self.lower, *range(self.brow.start, self.brow.stop)]
        if not (np.isfinite(points[rows]).all() and np.isfinite(wanted[rows]).all()):
            return False
        seen, aim = (face[self.corners[1]] - face[self.corners[0]] for face in (points, wanted))
        return bool(np.dot(seen, aim) > 0 and np.linalg.norm(aim) > _NARROWEST * np.linalg.norm(seen))

    def opening_px(self, points: Points) -> float:
        """Height between the lids, across the line between the corners."""
        _, across = self._along_and_across(points)
        return float(across[list(self.lower)].mean() - across[list(self.upper)].mean())

    def opened(self, points: Points, wanted: Points, by: float) -> Points:
        """`wanted`, with this eye by a share as high as in `points`; its corners and its glance stay."""
        (along, across), (wanted_along, _) = (self._along_and_across(face) for face in (points, wanted))
        rows = [*self.upper, *self.lower]
        if self.pupil < len(points):
            rows.append(self.pupil)
            along[self.pupil] = wanted_along[self.pupil]
        line = wanted[self.corners[1]] - wanted[self.corners[0]]
        down = np.array([-line[1], line[0]]) / np.linalg.norm(line)
        there = wanted[self.corners[0]] + along[rows, None] * line + across[rows, None] * down
        opened = wanted.copy()
        opened[rows] += by * (there - wanted[rows])
        return opened

    def lid(self, opened: Points, share: float, weight: float) -> "Lid":
        """The lid that leaves a share of this open eye to be seen."""
        first, last = self.corners
        upper, lower = (_curve(opened[[first, *rows, last]]) for rows in (self.upper, self.lower))
        brow, opening_px = opened[self.brow], self.opening_px(opened)
        return Lid(upper=upper, lower=lower, brow=brow, opening_px=opening_px, share=share, weight=weight)

    def _along_and_across(self, points: Points) -> tuple[Floats, Floats]:
        """Of all points: how far along the line between the corners, in its length, and how far below it, px."""
        first, last = self.corners
        line = (points[last] - points[first]).astype(np.float64)
        length = np.linalg.norm(line)
        from_first = points - points[first]
        return from_first @ line / length**2, from_first @ np.array([-line[1], line[0]]) / length


_EYES = (_Eye((36, 39), (37, 38), (41, 40), 68, slice(17, 22)), _Eye((42, 45), (43, 44), (47, 46), 69, slice(22, 27)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lid:
    """A lid over an eye that is open in the picture; all in crop px.

    Attributes:
        upper: (n, 2) along the rim of the open upper lid, from corner to corner.
        lower: (n, 2) along that of the lower one.
        brow: (5, 2) points of the brow above.
        opening_px: Of the open eye.
        share: Of the eye that is left to be seen, 0…1.
        weight: How much of the lid is painted, 0…1.
    """

    upper: Points
    lower: Points
    brow: Points
    opening_px: float
    share: float
    weight: float

    def paint(self, head: Picture) -> None:
        """Over the eye of a head crop (S, S, 3), in place."""
        finer = len(head) / CROP_PX
        opening = self.opening_px * finer
        left, right = (float(x) * finer for x in sorted(self.upper[[0, -1], 0]))
        margin = _BEYOND * (right - left)
        columns = np.arange(max(0, int(left - margin)), min(len(head), int(np.ceil(right + margin))))
        if not len(columns):
            return
        upper, lower, brow = (heights(edge * finer, columns) for edge in (self.upper, self.lower, self.brow))
        height = np.maximum(lower - upper, 0)
        roundness = np.clip(height / opening, 0, 1)
        edge = upper + _MEET * height * (1 - self.share)
        above = np.clip(_TO_BROW * (upper - brow), 2 * finer, _TALLEST * opening)
        top, rim = upper - above, lower + _RIM * opening * roundness
        bottom = rim + _FADE * opening
        first, last = max(0, int(top.min())), min(len(head), int(np.ceil(bottom.max())) + 1)
        if first >= last:
            return

        rows = np.arange(first, last)[:, None]
        down = np.clip((rows - top) / (bottom - top), 0, 1)[..., None]
        fade = np.full(len(columns), _FADE * opening)
        over = _sample(head, columns, upper - np.multiply.outer(_SKIN_ABOVE, above))
        under = _sample(head, columns, rim + np.multiply.outer(_SKIN_BELOW, fade))
        usual = np.median(under, axis=(0, 1))
        skin = _skin(usual, over) * (1 - down) + _skin(usual, under) * down
        over_eye = _smooth((rows - top) / (0.45 * above)) * _smooth((edge - rows) / finer + 0.5)
        below = _smooth((rows - edge) / finer + 0.5) * (1 - _smooth((rows - rim) / (bottom - rim)))
        shut = 1 - _smooth(self.share / 0.2)
        outside = np.maximum(left - columns - 0.5, columns + 0.5 - right) / max(margin, 1e-6)
        weight = self.weight * (over_eye + below * shut) * (1 - _smooth(outside))

        part = head[first:last, columns[0] : columns[-1] + 1].astype(np.float32)
        part += weight[..., None] * (skin - part)
        spread = max(_LASHES_PX * finer, _LASHES * opening)
        line = 0.9 * self.weight * np.exp(-0.5 * ((rows - edge) / spread) ** 2) * _smooth((roundness - 0.02) / 0.28)
        part += line[..., None] * np.minimum(self._lashes(head, columns, upper, np.minimum(opening, above)) - part, 0)
        head[first:last, columns[0] : columns[-1] + 1] = np.rint(part)

    @staticmethod
    def _lashes(head: Picture, columns: NDArray[np.intp], upper: Floats, size: Floats) -> Floats:
        """(n, 3) the darkest about the rim of the open lid in each column, evened along it."""
        strip = _sample(head, columns, upper + np.multiply.outer(_LASHES_NEAR, size))
        darkest = strip.sum(axis=-1).argmin(axis=0)
        return _even(strip[darkest, np.arange(len(columns))])


def close_eyes(points: Points, wanted: Points) -> tuple[Points, tuple[Lid, ...]]:
    """Split a bend into what a plate can do and the lids to be painted afterwards.

    Args:
        points: (70, 2) crop px, where landmarks and pupils of the head are.
        wanted: (70, 2) crop px, where they shall be.

    Returns:
        Where the plate shall bring the points, eyes that close as open as they are; and a lid for each of those.
    """
    opened, lids = wanted, list[Lid]()
    for eye in _EYES:
        if not eye.can_close(points, wanted) or (seen_px := eye.opening_px(points)) < _SMALLEST_OPENING_PX:
            continue
        left = eye.opening_px(wanted) / seen_px
        taken_over = float(_smooth((_CLOSING - left) / (_CLOSING - _TAKEN_OVER)))
        if taken_over > 0:
            opened = eye.opened(points, opened, taken_over)
            shown = _CLOSING * float(np.clip((left - _SHUT) / (_CLOSING - _SHUT), 0, 1))
            lids.append(eye.lid(opened, min(1.0, shown * seen_px / eye.opening_px(opened)), taken_over))
    return opened, tuple(lids)


def _curve(edge: Points) -> Points:
    """Lids are round: a cubic through corners and two points between them, by distance along it."""
    along = np.r_[0, np.linalg.norm(np.diff(edge, axis=0), axis=1).cumsum()]
    if (np.diff(along) <= 0).any():
        return edge
    return CubicSpline(along, edge)(np.linspace(0, along[-1], _LID_POINTS))


def _sample(head: Picture, columns: NDArray[np.intp], lines: Floats) -> Floats:
    """(m, n, 3) of a head along lines (m, n) of rows, counted from pixel centres, bilinear."""
    rows = lines.astype(np.float32)
    across = np.broadcast_to(columns.astype(np.float32), rows.shape)
    return cv2.remap(head, across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def _skin(usual: Floats, colours: Floats) -> Floats:
    """(n, 3) of colours (m, n, 3) in each column the first that may be skin, or that most like it, evened."""
    unlike = np.linalg.norm(colours - usual, axis=2)
    fits = unlike < _UNLIKE_SKIN
    chosen = np.where(fits.any(axis=0), fits.argmax(axis=0), unlike.argmin(axis=0))
    skin = colours[chosen, np.arange(colours.shape[1])]
    return _even(median_filter(skin, size=(max(3, len(skin) // 3), 1), mode="nearest"))


def _even(colours: Floats) -> Floats:
    """Colours (n, 3) along a lid without what is narrower than a tenth of it."""
    return cv2.GaussianBlur(
        colours[None].astype(np.float32), (0, 0), len(colours) / 10, borderType=cv2.BORDER_REPLICATE
    )[0]


def _smooth(share: Floats | float) -> Floats:
    """0 below 0, 1 above 1, without an edge between."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
