"""The default face backend: mediapipe's detectors, mesh and irises, faces followed from frame to frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Scene, Shot
from contextalk.faces.appearance import describe
from contextalk.faces.backends import Person, SeenFace
from contextalk.faces.blocks import FaceBlock
from contextalk.faces.detection import FaceDetector, overlap
from contextalk.faces.mediapipe_models import wheel_version
from contextalk.faces.mesh import FaceMesh, MeshFitter, Square, square_of_detection
from contextalk.faces.people import gather_people
from contextalk.media.video import Picture

_VERSION = 6

DETECT_EVERY_S = 0.4
"""Between detections faces are followed by their own mesh, which is faster and steadier."""

DETECT_LOST_EVERY, SEARCH_LOST_S = 3, 1.0
"""Frames between detections just after somebody was lost, and for how long; then the usual pace."""

LARGEST_TURN_DEG = 25.0
"""Roll between two frames that no neck makes: the mesh has slid off, as it does from full profiles."""

_FITS_TO_SETTLE = 3
_SETTLED_DEG = 5.0

DESCRIBE_EVERY_S = 0.2
"""Between descriptions of a face that is followed: its appearance does not change from frame to frame."""

_SAME_FACE = 0.3
"""Overlap of the squares or boxes of two meshes from which they are one face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    mesh: FaceMesh
    age: int = 0
    look: NDArray[np.float32] | None = None
    described_s: float = -np.inf


class MediapipeBackend:
    """Sees frames in order; raises a one-line ContextalkError at once if the models are not installed."""

    def __init__(self) -> None:
        self.name = f"mediapipe-{wheel_version()}-{_VERSION}"
        self._detect = FaceDetector()
        self._fit = MeshFitter()
        self._followed: list[_Followed] = []
        self._detected_s = -np.inf
        self._since_detection = 0
        self._lost_s = -np.inf

    def see(self, picture: Picture, *, changed: bool) -> list[SeenFace]:
        """Faces of the next frame."""
        if changed:
            self._followed, self._lost_s = [], -np.inf
        before = self._followed
        again = [self._follow(picture.rgb, face) for face in before]
        followed = self._distinct([face for face in again if face])
        if len(followed) < len(before):
            self._lost_s = picture.time_s
        self._since_detection += 1
        if changed or self._is_due(picture.time_s):
            new = [_Followed(mesh=mesh) for mesh in self._new(picture.rgb, followed)]
            followed = self._distinct(followed + new)
            self._detected_s, self._since_detection = picture.time_s, 0
        self._followed = [_described(face, picture) for face in followed]
        return [_seen(face) for face in self._followed]

    def people(self, blocks: Sequence[FaceBlock], scene: Scene, shots: Sequence[Shot]) -> list[Person]:
        """Everybody seen."""
        return gather_people(blocks, scene, shots)

    def faces(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 70, 2) landmarks and pupils of the faces of a single picture, largest first."""
        meshes = self._new(rgb, [])
        meshes.sort(key=lambda mesh: -mesh.square.side)
        faces = [np.concatenate([mesh.points, mesh.pupils]) for mesh in meshes]
        return np.array(faces, np.float32).reshape(-1, 70, 2)

    def _follow(self, rgb: NDArray[np.uint8], face: _Followed) -> _Followed | None:
        mesh = self._fit(rgb, face.mesh.square)
        if mesh is None or _turned_deg(mesh, face.mesh) > LARGEST_TURN_DEG:
            return None
        return replace(face, mesh=mesh, age=face.age + 1)

    def _is_due(self, time_s: float) -> bool:
        if time_s - self._detected_s >= DETECT_EVERY_S:
            return True
        return time_s - self._lost_s <= SEARCH_LOST_S and self._since_detection >= DETECT_LOST_EVERY

    def _new(self, rgb: NDArray[np.uint8], followed: list[_Followed]) -> list[FaceMesh]:
        """Meshes of detected faces that nobody follows yet."""
        found = self._detect(rgb)
        known = np.array([_box(face.mesh.points) for face in followed]).reshape(-1, 4)
        meshes = []
        for box, eyes in zip(found.boxes_px, found.eyes_px, strict=True):
            if len(known) and overlap(box[None], known).max() > _SAME_FACE:
                continue
            mesh = self._settled(rgb, square_of_detection(box, eyes))
            if mesh:
                meshes.append(mesh)
        return meshes

    def _settled(self, rgb: NDArray[np.uint8], square: Square) -> FaceMesh | None:
        """The mesh found when each square follows from the mesh before; None where it keeps turning: no face."""
        mesh = before = None
        for _ in range(_FITS_TO_SETTLE):
            before, mesh = mesh, self._fit(rgb, square)
            if mesh is None:
                return None
            square = mesh.square
        return mesh if mesh and before and _turned_deg(mesh, before) <= _SETTLED_DEG else None

    @staticmethod
    def _distinct(faces: list[_Followed]) -> list[_Followed]:
        """Of meshes that slid onto one face, the one followed longest."""
        kept: list[_Followed] = []
        for face in sorted(faces, key=lambda face: -face.age):
            boxes = np.array([_box(other.mesh.points) for other in kept]).reshape(-1, 4)
            if not kept or overlap(_box(face.mesh.points)[None], boxes).max() <= _SAME_FACE:
                kept.append(face)
        return kept


def _described(face: _Followed, picture: Picture) -> _Followed:
    if picture.time_s - face.described_s < DESCRIBE_EVERY_S:
        return face
    return replace(face, look=describe(picture.rgb, face.mesh.points), described_s=picture.time_s)


def _seen(face: _Followed) -> SeenFace:
    assert face.look is not None, "described when it was met"
    return SeenFace(points=face.mesh.points, pupils=face.mesh.pupils, look=face.look)


def _turned_deg(mesh: FaceMesh, before: FaceMesh) -> float:
    turn = mesh.square.angle - before.square.angle
    return abs(float(np.rad2deg(np.arctan2(np.sin(turn), np.cos(turn)))))


def _box(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([points.min(axis=0), points.max(axis=0)])
