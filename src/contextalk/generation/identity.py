"""The pictures that say who the target is, and which of them a window takes.

Where they come from: `identity_sources.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.core.records import mouth_opening
from contextalk.faces.lending import POSE, misfits
from contextalk.faces.mouth_insides import WIDE_ENOUGH

Picture = NDArray[np.uint8]

_FINEST = 4
"""Times the crop's 256 px that a fine picture has at most: a head of 4K seen closely."""

_SLACK = 0.25
"""Share of the crop that a square may be larger before its own pixels are worth bending."""

_LOYALTY = 0.03
"""A head is left for another that fits the pose better by this share of a face's size: between two that fit alike a
person would change hair and light from window to window."""

_MIRROR_PENALTY = 0.1
"""A head in the mirror parts its hair on the wrong side: it must fit the pose better by this share of a face's size."""

_MIRRORED_POINTS = np.r_[
    16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1
]
_MIRRORED = np.r_[_MIRRORED_POINTS, 69, 68]
"""Where each of the 68 points and two pupils is found in the mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityHead:
    """A head of the target.

    Attributes:
        picture: (256, 256, 3) uint8 RGB head crop.
        points: (70, 2) float32 crop px: 68 landmarks and both pupils, these NaN where unknown.
        fine: (S, S, 3), the same from the scene's own pixels; None where the crop has them all.
        lenders: The same person with other mouths and closed eyes, to be lent.
        matte: (256, 256) share of each pixel that is the person, of a picture from elsewhere; None where what is around
            the head is around it in the scene, too.
    """

    picture: Picture
    points: Points
    fine: Picture | None = None
    lenders: "tuple[IdentityHead, ...]" = ()
    matte: NDArray[np.float32] | None = None

    @property
    def shows_inside(self) -> bool:
        """Whether a mouth is known that shows teeth or tongue."""
        return any(mouth_opening(one.points) >= WIDE_ENOUGH for one in (self, *self.lenders))

    def mirrored(self) -> "IdentityHead":
        """The head in a mirror: turned as far the other way."""
        return replace(
            self,
            picture=np.ascontiguousarray(self.picture[:, ::-1]),
            points=_mirrored(self.points),
            fine=None if self.fine is None else np.ascontiguousarray(self.fine[:, ::-1]),
            lenders=tuple(lender.mirrored() for lender in self.lenders),
            matte=None if self.matte is None else np.ascontiguousarray(self.matte[:, ::-1]),
        )


class Choice(NamedTuple):
    """Which picture a window takes.

    Attributes:
        head: Index of the head.
        mirrored: Whether it is seen in the mirror.
    """

    head: int
    mirrored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Heads of the target.

    Attributes:
        heads: The most frontal one with open eyes first, then others in other poses.
        times_s: When in the scene each was taken; None for a picture from elsewhere.
        lenders: Heads with mouths and closed eyes unlike each other, to be lent.
        lender_times_s: When each of these was taken; None for one from elsewhere.
        stranger: Unlike all that the bundle was taught on.
    """

    heads: tuple[IdentityHead, ...]
    times_s: tuple[float | None, ...]
    lenders: tuple[IdentityHead, ...] = ()
    lender_times_s: tuple[float | None, ...] = ()
    stranger: bool = False

    def choose(self, start_s: float, stop_s: float, wanted: Points | None, before: Choice | None = None) -> Choice:
        """Of the heads that were not taken inside a window (where all were, the last) the one nearest in pose.

        Args:
            start_s: First frame of the window.
            stop_s: Last frame.
            wanted: (F, 70, 2) landmarks to be drawn: of the heads, and of them in the mirror where that is clearly
                nearer, the one nearest in pose. None: the first head.
            before: What the window before took: kept unless another is clearly nearer.
        """
        own = _inside(self.times_s, start_s, stop_s)
        free = [index for index, taken in enumerate(own) if not taken] or [len(own) - 1]
        if wanted is None:
            return Choice(free[0])
        return _nearest({index: self.heads[index].points for index in free}, wanted.mean(axis=0), before)

    def is_free(self, choice: Choice, start_s: float, stop_s: float) -> bool:
        """Whether the chosen picture was not taken inside a window."""
        return not any(_inside([self.times_s[choice.head]], start_s, stop_s))

    def head(self, choice: Choice, start_s: float, stop_s: float) -> IdentityHead:
        """The chosen head, with the lenders that were not taken inside a window."""
        own = _inside(self.lender_times_s, start_s, stop_s)
        lenders = tuple(lender for lender, taken in zip(self.lenders, own, strict=True) if not taken)
        head = replace(self.heads[choice.head], lenders=lenders)
        return head.mirrored() if choice.mirrored else head

    def as_fine_as(self, side_px: float) -> "Identity":
        """The same with pictures no finer than a square of so many scene px can show."""
        size = fine_size(side_px)

        def limited(fine: Picture | None) -> Picture | None:
            if fine is None or size is None:
                return None
            if len(fine) <= size:
                return fine
            return np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA), np.uint8)

        heads, lenders = (
            tuple(replace(head, fine=limited(head.fine)) for head in pictures)
            for pictures in (self.heads, self.lenders)
        )
        return replace(self, heads=heads, lenders=lenders)

    def has_own_head(self, start_s: float, stop_s: float) -> bool:
        """Whether a window from the first to the second time is drawn with a head from inside it: there is no other."""
        return all(_inside(self.times_s, start_s, stop_s))


def _inside(times_s: Sequence[float | None], start_s: float, stop_s: float) -> list[bool]:
    return [time_s is not None and start_s <= time_s <= stop_s for time_s in times_s]


def _nearest(faces: dict[int, Points], wanted: Points, kept: Choice | None) -> Choice:
    """Of some (70, 2) faces, and of them in the mirror, the one nearest in pose, with some favour for one."""
    known = {Choice(index): points for index, points in faces.items()}
    known |= {Choice(index, mirrored=True): _mirrored(points) for index, points in faces.items()}
    apart = misfits(np.stack([*known.values()]), wanted[None], POSE)[0]
    costs = {
        choice: misfit + _MIRROR_PENALTY * choice.mirrored - _LOYALTY * (choice == kept)
        for choice, misfit in zip(known, apart.tolist(), strict=True)
    }
    return min(costs, key=lambda choice: costs[choice])


def _mirrored(points: Points) -> Points:
    """(70, 2) crop px in the mirror."""
    return points[_MIRRORED] * np.array([-1, 1], np.float32) + np.array([CROP_PX, 0], np.float32)


def fine_size(side_px: float) -> int | None:
    """S of fine pictures for a square of so many scene px; None where 256 are enough."""
    times = min(_FINEST, math.ceil(side_px / CROP_PX - _SLACK))
    return times * CROP_PX if times > 1 else None
