"""The two trained steps as `generate` sees them; anything with these methods may stand in for the networks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.geometry import Points
from contextalk.generation.identity import IdentityHead
from contextalk.media.mel import CHUNK_LEAD_S

Picture = NDArray[np.uint8]
Face = tuple[Points, Points]
"""Points (68, 2) and pupils (2, 2) of one frame, crop px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What stage 1 is told of a window. Of a stranger the last three are None: it would not understand them.

    Attributes:
        mel: (F, 80, 16) chunks of the driving audio.
        others: (F, 3, 7) the people around the target, as `faces/others.py` tells.
        scene_view: (F, 256, 256, 3), the target hidden.
        place: (F, 3) crop centre and side in scene units.
        identity_head: (256, 256, 3) head crop of the target.
    """

    mel: NDArray[np.float32]
    others: NDArray[np.float32]
    scene_view: Picture | None = None
    place: NDArray[np.float32] | None = None
    identity_head: Picture | None = None


class LandmarkStage(Protocol):
    """Stage 1, one window: what the scene shows and the audio says → a face in crop px."""

    def window(self, told: Told, carried: Face | None, seed: int) -> tuple[Points, Points]:
        """(F, 68, 2) and (F, 2, 2); F = 1 without `carried`, else 8 of which frame 0 is the carried one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What stage 2 is shown of a window.

    Attributes:
        drawing: (F, 256, 256, 3) landmark drawings.
        masked_crop: (F, 256, 256, 3), the head hidden.
        points: (F, 70, 2) crop px, what is drawn: landmarks and pupils.
        times_s: (F,) when, in the scene.
        mel: (F, 80, 16) chunks of the driving audio, as stage 1 hears it.
        lip_mel: (F, 80, 16), for lip references: these begin `Pipeline.lip_lead_s` before their frames.
        identity: Head crop of the target with its landmarks.
        bent: (F, 256, 256, 3), that head bent to the points, in the masked crops; None for a stage that does not want
            it.
        scene_view: (F, 256, 256, 3), the target hidden; None for a stage that does not want it.
    """

    drawing: Picture
    masked_crop: Picture
    points: Points
    times_s: NDArray[np.float64]
    mel: NDArray[np.float32]
    lip_mel: NDArray[np.float32]
    identity: IdentityHead
    bent: Picture | None = None
    scene_view: Picture | None = None


Want = Literal["bent", "scene_view"]


class FaceStage(Protocol):
    """Stage 2, one window: drawings and what is known around the head → heads."""

    @property
    def wants(self) -> frozenset[Want]:
        """What of `Shown` costs work and is looked at."""
        ...

    def window(self, shown: Shown, carried: Tensor | None, seed: int) -> tuple[Picture, Tensor]:
        """Heads (F, 256, 256, 3) and latents (F, 16, 16, 16); F = 1 without `carried`, else 8."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Both stages and who they are.

    Attributes:
        decode: Latents (F, 16, 16, 16) → heads (F, 256, 256, 3), for frames between drawn ones.
        encode: Heads → latents, where strangers are shown their own heads, bent, and stage 2 is left out; None: it
            draws theirs like anybody's.
        draws_pupils: Whether the drawings that stage 2 was trained on show them.
        why_not: Given an identity (256, 256, 3): why this is a stranger, or None.
        lip_lead_s: How long before its frame the sound begins that a lip reference is drawn from.
        meets_strangers: Whether stage 1 can do with what it is told of a stranger.
        fingerprint: Changes when anything in the trained models changes.
        description: For the report: name, solver, steps, licence.
    """

    landmarks: LandmarkStage
    faces: FaceStage
    decode: Callable[[Tensor], Picture]
    draws_pupils: bool
    why_not: Callable[[Picture], str | None]
    fingerprint: str
    description: dict[str, object]
    encode: Callable[[Picture], Tensor] | None = None
    lip_lead_s: float = CHUNK_LEAD_S
    meets_strangers: bool = False
