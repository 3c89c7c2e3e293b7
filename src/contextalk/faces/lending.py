"""Mouths and closed eyes lent by other pictures of the person.

One mouth bent to all others shows its own teeth and folds in each of them, and eyes that were seen open have no lids.
Of many pictures that are known, every frame is lent the mouth, and in a blink the eyes, most alike in shape, which
hardly have to be bent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.faces.eyes import lid_gap

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating]
Rows = NDArray[np.intp]
Shape = NDArray[np.complex128]

_OUTER_LIPS = np.r_[48:60]
_EYE_CORNERS = (36, 39), (42, 45)

POSE = np.r_[0:48]
"""Points that tell poses apart; a mouth is bent from any other."""

_POSE_WEIGHT = 0.5
"""Of the misfit of the pose beside that of the part: it is shown from about the same side."""

_LENDING, _SWITCHING = 0.02, 0.02
"""A part is lent, and another than in the frame before, where it fits better by these shares of its size: what stays
does not flicker."""

_CLOSING = 0.75
"""Share of its height below which an eye closes: open ones keep their own glance."""

_LIPS_REACH = 1.25
"""How far beyond the outer lips a mouth is lent, in sizes of the mouth."""

_EYE_REACH = 0.75, 0.45
"""How far from an eye's middle it is lent, along and across, in its widths: to the brow and the cheek."""

_SOFT_PX = 3.0
"""Standard deviation of the edge of what is lent, crop px."""

_RING = 0.05, 0.5
"""Weights between which the colour of what is lent is joined to the head's."""

_ROUND = np.linspace(0, 2 * np.pi, 32, endpoint=False)

_FRACTION_BITS = 4
"""Of OpenCV's coordinates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a face that can be lent.

    Attributes:
        shape: Points that must be alike.
        about: Points that pull when a lender is bent: the part and what lies around it.
        areas: (70, 2) points → outlines (n, 2) of what is lent.
        may_be_lent: (70, 2) points of a head and (F, 70, 2) wanted → (F,).
    """

    shape: Rows
    about: Rows
    areas: Callable[[Points], list[Floats]]
    may_be_lent: Callable[[Points, Points], NDArray[np.bool_]]

    def alone(self, points: Points) -> Points:
        """(70, 2) points of which those about the part are known."""
        about = np.full_like(points, np.nan)
        about[self.about] = points[self.about]
        return about


def _lip_area(points: Points) -> list[Floats]:
    lips = points[_OUTER_LIPS].astype(np.float64)
    return [lips.mean(axis=0) + _LIPS_REACH * (lips - lips.mean(axis=0))]


def _eye_areas(points: Points) -> list[Floats]:
    areas: list[Floats] = []
    for corners in _EYE_CORNERS:
        first, last = points[list(corners)].astype(np.float64)
        along = last - first
        across = np.array([-along[1], along[0]])
        areas.append(
            (first + last) / 2
            + _EYE_REACH[0] * np.cos(_ROUND)[:, None] * along
            + _EYE_REACH[1] * np.sin(_ROUND)[:, None] * across
        )
    return areas


def _everywhere(_own: Points, wanted: Points) -> NDArray[np.bool_]:
    return np.ones(len(wanted), bool)


def _where_eyes_close(own: Points, wanted: Points) -> NDArray[np.bool_]:
    return np.asarray(_openness(wanted) < _CLOSING * _openness(own), np.bool_)


def _openness(points: Points) -> Floats:
    """Height between the lids over the distance of the outer eye corners: (…, 70, 2) → (…)."""
    return lid_gap(points) / np.maximum(np.linalg.norm(points[..., 36, :] - points[..., 45, :], axis=-1), 1e-6)


MOUTH = Part(shape=np.r_[48:68], about=np.r_[0:17, 27:36, 48:68], areas=_lip_area, may_be_lent=_everywhere)
EYES = Part(shape=np.r_[36:48], about=np.r_[17:48], areas=_eye_areas, may_be_lent=_where_eyes_close)


def misfits(known: Points, wanted: Points, rows: Rows) -> Floats:
    """(F, L): what the best shift, turn and scale of some points leaves, over the size of what is wanted, 0…1.

    Args:
        known: (L, 70, 2).
        wanted: (F, 70, 2).
        rows: Which points.
    """
    seen, aim = _shape(known[:, rows]), _shape(wanted[:, rows])
    sizes = np.linalg.norm(aim, axis=1)[:, None] * np.linalg.norm(seen, axis=1)
    alike = np.abs(aim @ seen.conj().T) / np.maximum(sizes, 1e-9)
    return np.sqrt(np.maximum(1 - alike**2, 0))


def _shape(points: Points) -> Shape:
    """(…, n, 2) → (…, n) about their middle."""
    flat = points[..., 0].astype(np.float64) + 1j * points[..., 1]
    return flat - flat.mean(axis=-1, keepdims=True)


def choose_lenders(part: Part, own: Points, lenders: Sequence[Points], wanted: Points) -> list[int | None]:
    """Who lends a part in each frame: the least misfits of part and pose over all frames, switches counted.

    Args:
        part: What is lent.
        own: (70, 2) crop px, of the head that is bent.
        lenders: (70, 2) of each other picture.
        wanted: (F, 70, 2) crop px.

    Returns:
        For each frame the index of a lender, or None: its own.
    """
    known = np.stack([own, *lenders])
    costs = misfits(known, wanted, part.shape) + _POSE_WEIGHT * misfits(known, wanted, POSE)
    costs[:, 1:] += _LENDING
    # Nobody is like a face that is not drawn.
    costs[~(part.may_be_lent(own, wanted) & np.isfinite(costs).all(axis=1)), 1:] = np.inf
    costs[:, 0] = np.nan_to_num(costs[:, 0])
    # Viterbi: the cheapest way through the frames.
    total, before = costs[0], []
    for row in costs[1:]:
        switched = total.min() + _SWITCHING
        before.append(np.where(total <= switched, np.arange(len(known)), total.argmin()))
        total = np.minimum(total, switched) + row
    way = [int(total.argmin())]
    for come_from in reversed(before):
        way.append(int(come_from[way[-1]]))
    return [index - 1 if index else None for index in reversed(way)]


def varied(part: Part, points: Points, most: int) -> list[int]:
    """Which of (F, 68 or more, 2) faces have parts unlike each other: the least usual, then each as unlike as can be.

    Args:
        part: What is compared.
        points: In any px.
        most: How many at most.
    """
    sizes = np.linalg.norm(_shape(points[:, POSE]), axis=1)
    shapes = _shape(points[:, part.shape]) / np.maximum(sizes, 1e-9)[:, None]
    apart = np.linalg.norm(shapes - shapes.mean(axis=0), axis=1)
    chosen = [int(apart.argmax())]
    apart = np.linalg.norm(shapes - shapes[chosen[0]], axis=1)
    while len(chosen) < most and apart.max() > 0:
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(shapes - shapes[chosen[-1]], axis=1))
    return chosen


def lend(part: Part, head: Picture, other: Picture, points: Points) -> Picture:
    """A head with another's part, in the head's colours.

    Args:
        part: What is lent.
        head: (S, S, 3) head crop, S being 256 or larger.
        other: (S, S, 3), the same person, whose part lies at the same points.
        points: (70, 2) crop px.

    Returns:
        (S, S, 3).
    """
    weight, base = _weight(part.areas(points), len(head)), head.astype(np.float32)
    lent, ring = other.astype(np.float32), (weight > _RING[0]) & (weight < _RING[1])
    if ring.any():
        lent += (base[ring] - lent[ring]).mean(axis=0)
    return np.clip(np.rint(base + weight[..., None] * (lent - base)), 0, 255).astype(np.uint8)


def _weight(areas: Sequence[Floats], size: int) -> NDArray[np.float32]:
    """(size, size): 1 inside, 0 elsewhere, softly."""
    shape, finer = np.zeros((size, size), np.uint8), size / CROP_PX
    for area in areas:
        # OpenCV counts from pixel centres, crop px from edges.
        corners = np.rint((area * finer - 0.5) * 2**_FRACTION_BITS).astype(np.int32)
        cv2.fillPoly(shape, [corners], (255,), cv2.LINE_AA, _FRACTION_BITS)
    return cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), _SOFT_PX * finer)  # pyright: ignore[reportReturnType]
