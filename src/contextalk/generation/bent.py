"""The identity bent to a window: what stage 2 and, in the end, the viewer is shown of the target's own head."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.faces.lending import EYES, MOUTH, Part, choose_lenders, lend
from contextalk.faces.matte import behind
from contextalk.faces.mouth_insides import lend_insides
from contextalk.faces.warp import Bend, bend, bends
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """A part that a frame is lent.

    Attributes:
        part: Which.
        frame: To whom, in the window.
        lender: Index among the identity's lenders.
        bend: How the lender's picture is bent there.
    """

    part: Part
    frame: int
    lender: int
    bend: Bend


def bend_identity(identity: IdentityHead, masked: Pictures, wanted: Points) -> BentHeads:
    """The identity's head bent, with mouth and closed eyes of whichever of its pictures is most alike in each frame.

    Args:
        identity: Head and lenders.
        masked: (F, 256, 256, 3) masked crops.
        wanted: (F, 70, 2) crop px.
    """
    bent, lenders = bends(masked, identity.picture, identity.points, wanted), identity.lenders
    loans = [loan for part in (MOUTH, EYES) for loan in _loans(part, identity, wanted)]
    lidless = {loan.frame for loan in loans if loan.part is EYES}

    def at(head: Pictures, others: Sequence[Pictures | None]) -> Pictures:
        heads = np.stack([(one.of_values if frame in lidless else one.of)(head) for frame, one in enumerate(bent)])
        for loan in loans:
            if (other := others[loan.lender]) is not None:
                lent = loan.bend.of_values(other)
                heads[loan.frame] = lend(loan.part, heads[loan.frame], lent, wanted[loan.frame])
        return heads

    heads = at(identity.picture, [lender.picture for lender in lenders])
    fine = None if identity.fine is None else at(identity.fine, [lender.fine for lender in lenders])
    if identity.matte is None:
        return BentHeads(heads=heads, fine=fine)
    mattes = [one.of_values(identity.matte) for one in bent]
    rooms = [behind(picture, matte) for picture, matte in zip(masked, mattes, strict=True)]
    return BentHeads(heads=_set_in(heads, mattes, rooms), fine=None if fine is None else _set_in(fine, mattes, rooms))


def _loans(part: Part, identity: IdentityHead, wanted: Points) -> list[Loan]:
    """Who lends the part in which frames."""
    lenders = [lender.points for lender in identity.lenders]
    chosen = choose_lenders(part, identity.points, lenders, wanted) if lenders else []
    return [
        Loan(part=part, frame=frame, lender=lender, bend=bend(part.alone(lenders[lender]), wanted[frame]))
        for frame, lender in enumerate(chosen)
        if lender is not None
    ]


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
