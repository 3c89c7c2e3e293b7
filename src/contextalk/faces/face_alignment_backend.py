"""The paper's landmark network (FAN) as a second backend; an extra, its weights are fetched at first use."""

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Scene, Shot
from contextalk.faces.appearance import describe
from contextalk.faces.backends import Person, SeenFace
from contextalk.faces.blocks import FaceBlock
from contextalk.faces.people import gather_people
from contextalk.media.video import Picture


class FaceAlignmentBackend:
    """Detects and aligns in every frame; knows no pupils, which stay NaN."""

    def __init__(self, device: str = "cpu") -> None:
        """Load the network.

        Raises:
            ContextalkError: The package `face-alignment` is not installed.
        """
        try:
            import face_alignment  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ContextalkError(
                "the face-alignment backend is not installed; install it with: pip install face-alignment"
            ) from error
        self.name = f"face-alignment-{metadata.version('face-alignment')}-1"
        self._network: Any = face_alignment.FaceAlignment(face_alignment.LandmarksType.TWO_D, device=device)

    def see(self, picture: Picture, *, changed: bool) -> list[SeenFace]:  # noqa: ARG002 (every frame is looked at anew)
        """Faces of the next frame."""
        return [_seen(picture.rgb, face) for face in self.faces(picture.rgb)]

    def people(self, blocks: Sequence[FaceBlock], scene: Scene, shots: Sequence[Shot]) -> list[Person]:
        """Everybody seen."""
        return gather_people(blocks, scene, shots)

    def faces(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 70, 2) landmarks of the faces of a picture, largest first; its network knows no pupils: NaN."""
        found = self._network.get_landmarks(rgb) or []
        # The network counts from the centre of the first pixel, scene px from its corner.
        points = np.array(found, np.float32).reshape(-1, 68, 2) + np.float32(0.5)
        points = points[np.argsort(-np.ptp(points[..., 1], axis=1), kind="stable")]
        return np.concatenate([points, np.full((len(points), 2, 2), np.nan, np.float32)], axis=1)


def _seen(rgb: NDArray[np.uint8], face: NDArray[np.float32]) -> SeenFace:
    points = face[:68]
    return SeenFace(points=points.astype(np.float64), pupils=np.full((2, 2), np.nan), look=describe(rgb, points))
