"""What finds people in a scene; nothing beyond this protocol knows where a track came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks, Scene, Shot
from contextalk.media.video import Picture


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
    """Sees every frame of one scene in order, then names the people in it."""

    name: str
    """Name and version; part of the cache's key."""

    def see(self, picture: Picture, *, changed: bool) -> None:
        """Take the next frame; `changed` means that it may start a shot and nothing from before it holds."""
        ...

    def people(self, scene: Scene, shots: Sequence[Shot]) -> list[Person]:
        """Everybody seen, once all frames have passed."""
        ...


class PictureBackend(Protocol):
    """Finds faces in a single picture."""

    def faces(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 70, 2) landmarks and pupils (NaN if not found) of the N faces in (H, W, 3), px of it, largest first."""
        ...
