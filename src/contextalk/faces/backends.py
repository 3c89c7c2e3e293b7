"""What finds people in a scene; nothing beyond this protocol knows where a track came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks, Scene, Shot
from contextalk.media.video import Picture

if TYPE_CHECKING:
    from contextalk.faces.blocks import FaceBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFace:
    """One face in one frame.

    Attributes:
        points: (68, 2) scene px.
        pupils: (2, 2) scene px.
        look: (D,) unit vector of appearance.
    """

    points: NDArray[np.float64]
    pupils: NDArray[np.float64]
    look: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person over a scene, as a backend knows them.

    Attributes:
        landmarks: One row per scene frame.
        speaking: (F,) in [0, 1]; None where the backend does not know and sound and mouths must tell.
    """

    landmarks: Landmarks
    speaking: NDArray[np.float32] | None = None


class FaceBackend(Protocol):
    """Sees frames in order, then names the people in them."""

    name: str
    """Name and version; part of the cache's key."""

    def see(self, picture: Picture, *, changed: bool) -> Sequence[SeenFace]:
        """Faces of the next frame; `changed` means that it may start a shot and nothing from before it holds."""
        ...

    def people(self, blocks: Sequence["FaceBlock"], scene: Scene, shots: Sequence[Shot]) -> list[Person]:
        """Everybody, from the faces of all frames in order; the blocks are gone through more than once."""
        ...


class PictureBackend(Protocol):
    """Finds faces in a single picture."""

    def faces(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 70, 2) landmarks and pupils (NaN if not found) of the N faces in (H, W, 3), px of it, largest first."""
        ...
