"""The identity bent to a window: what the network and, in the end, the viewer is shown of the target's own head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.faces.mouth import inside_lacking, lend_insides
from contextalk.faces.warp import bend, bends, lay
from contextalk.generation.identity import IdentityHead

Picture = Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class BentHeads:
    """Heads bent to a window.

    Attributes:
        heads: (F, 256, 256, 3), around the mask what the scene shows.
        fine: (F, S, S, 3), from the scene's own pixels, good for inside the mask; None where the crop has them all.
    """

    heads: Pictures
    fine: Pictures | None

    @property
    def finest(self) -> Pictures:
        """`fine`, or `heads` where there is nothing finer."""
        return self.heads if self.fine is None else self.fine


def bend_identity(identity: IdentityHead, masked: Pictures, wanted: Points) -> BentHeads:
    """The identity's head bent, and the inside of its wider mouth where that is wanted.

    Args:
        identity: Head and mouth.
        masked: (F, 256, 256, 3) masked crops.
        wanted: (F, 70, 2) crop px.
    """
    bent, mouth = bends(masked, identity.picture, identity.points, wanted), identity.mouth
    lacking = [] if mouth is None else np.flatnonzero(inside_lacking(identity.points, wanted)).tolist()
    lent = {} if mouth is None else {index: bend(mouth.points, wanted[index]) for index in lacking}

    def at(head: Picture, wide: Picture | None) -> Pictures:
        heads = np.stack([one.of(head) for one in bent])
        if wide is None or not lent:
            return heads
        others = heads.copy()
        for index, one in lent.items():
            others[index] = one.of(wide)
        return lend_insides(heads, identity.points, wanted, others)

    heads = lay(masked, at(identity.picture, mouth and mouth.picture))
    return BentHeads(heads=heads, fine=None if identity.fine is None else at(identity.fine, mouth and mouth.fine))
