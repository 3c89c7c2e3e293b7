"""The identity bent to a window: what stage 2 and, in the end, the viewer is shown of the target's own head."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.faces.matte import behind
from contextalk.faces.mouth_insides import inside_lacking, lend_insides
from contextalk.faces.warp import bend, bends
from contextalk.generation.detail import refine
from contextalk.generation.identity import IdentityHead

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class BentHeads:
    """Heads bent to a window.

    Attributes:
        heads: (F, 256, 256, 3), whole crops: around the mask they show what was around the identity.
        fine: (F, S, S, 3), the same from the scene's own pixels; None where the crop has them all.
    """

    heads: Pictures
    fine: Pictures | None

    def __getitem__(self, frames: slice) -> "BentHeads":
        return BentHeads(heads=self.heads[frames], fine=None if self.fine is None else self.fine[frames])


def bend_identity(identity: IdentityHead, masked: Pictures, wanted: Points) -> BentHeads:
    """The identity's head bent, and the inside of its wider mouth where that is wanted.

    Args:
        identity: Head and mouth.
        masked: (F, 256, 256, 3) masked crops.
        wanted: (F, 70, 2) crop px.
    """
    bent, mouth = bends(masked, identity.picture, identity.points, wanted), identity.mouth
    lacking = [] if mouth is None else np.flatnonzero(inside_lacking(identity.points, wanted) > 0).tolist()
    lent = {} if mouth is None else {index: bend(mouth.points, wanted[index]) for index in lacking}

    def at(head: Pictures, wide: Pictures | None) -> Pictures:
        heads = np.stack([one.of(head) for one in bent])
        if wide is None or not lent:
            return heads
        others = heads.copy()
        for index, one in lent.items():
            others[index] = one.of_values(wide)  # of which the mouth alone is shown
        return lend_insides(heads, identity.points, wanted, others)

    heads = at(identity.picture, mouth and mouth.picture)
    fine = None if identity.fine is None else at(identity.fine, mouth and mouth.fine)
    if identity.matte is None:
        return BentHeads(heads=heads, fine=fine)
    mattes = [one.of_values(identity.matte) for one in bent]
    rooms = [behind(picture, matte) for picture, matte in zip(masked, mattes, strict=True)]
    return BentHeads(heads=_set_in(heads, mattes, rooms), fine=None if fine is None else _set_in(fine, mattes, rooms))


def _set_in(heads: Pictures, mattes: Sequence[Floats], rooms: Sequence[Pictures]) -> Pictures:
    """Heads (F, S, S, 3) before what may be behind them."""
    size = heads.shape[2], heads.shape[1]
    whole = np.empty_like(heads)
    for index, (head, matte, room) in enumerate(zip(heads, mattes, rooms, strict=True)):
        share, wall = (cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR) for picture in (matte, room))
        whole[index] = np.rint(wall + share[..., None] * (head.astype(np.float32) - wall))
    return whole


def cross_fade(one: BentHeads, other: BentHeads) -> BentHeads:
    """From heads of one identity picture to those of another, over a window: both lie on the same landmarks."""
    share = np.linspace(0, 1, len(one.heads), dtype=np.float32)

    def between(before: Pictures, after: Pictures) -> Pictures:
        rows = zip(before, after, share, strict=True)
        mixed = [np.rint(old + weight * (new.astype(np.float32) - old)) for old, new, weight in rows]
        return np.stack(mixed).astype(np.uint8)

    fine = None if one.fine is None or other.fine is None else between(one.fine, other.fine)
    return BentHeads(heads=between(one.heads, other.heads), fine=fine)


def finish(heads: Pictures, bent: BentHeads, identity: IdentityHead, wanted: Points, *, own: bool) -> Pictures:
    """What the viewer is shown.

    Args:
        heads: (F, 256, 256, 3), generated.
        bent: The identity at the same landmarks.
        identity: Its head.
        wanted: (F, 70, 2) crop px, those landmarks.
        own: Shown is the bent head, and of what was generated the inside of a mouth that was never seen open.

    Returns:
        (F, S, S, 3), as fine as the bent head is.
    """
    if own:
        heads = lend_insides(bent.heads, identity.points, wanted, heads)
    return heads if bent.fine is None else refine(heads, bent.heads, bent.fine)
