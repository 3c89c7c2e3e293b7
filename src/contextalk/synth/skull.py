"""A skull in space: its surface, its turns, its outline in the picture.

Head units: 1 is half the width of a mean head; x right, y down, z out of the face towards the viewer; the origin
lies between the eyes, in the middle of the skull.
"""

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.people import Face

Floats = NDArray[np.float64]

PIVOT = np.array([0.0, 0.75, -0.3])
"""Where the head sits on the neck; it stays in place when the head turns."""

_BACK = -1.12
_FRONT = 1.06

_FLAT = 0.55
"""How much further back the face lies towards its sides."""

_SUNK = 0.07
"""How far features lie below the skull's foremost line, so that those on the far side stay inside the outline."""

_SLICES = 26
_AROUND = 28


def rotation(yaw: Floats, pitch: Floats, roll: Floats) -> Floats:
    """(F, 3, 3) from degrees: yaw turns the nose to +x, pitch lifts it, roll is clockwise."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    a, b, c = (np.radians(v) for v in (yaw, pitch, roll))

    def matrix(*cells: Floats) -> Floats:
        return np.stack(cells, axis=-1).reshape(-1, 3, 3)

    # Pitch comes first: a nod of a turned head tips it along the turned nose.
    tip = matrix(one, zero, zero, zero, np.cos(b), -np.sin(b), zero, np.sin(b), np.cos(b))
    side = matrix(np.cos(a), zero, np.sin(a), zero, one, zero, -np.sin(a), zero, np.cos(a))
    lean = matrix(np.cos(c), -np.sin(c), zero, np.sin(c), np.cos(c), zero, zero, zero, one)
    return lean @ side @ tip


def support(points: Floats, directions: Floats) -> Floats:
    """The convex outline of each frame's points: (F, N, 2) and (F or 1, K, 2) directions in order → (F, K, 2)."""
    # Directions first, so that argmax runs along memory.
    furthest = np.argmax(directions @ points.transpose(0, 2, 1), axis=2)
    return np.take_along_axis(points, furthest[..., None], axis=1)


class Profile:
    """Half width, front and back of a skull at a height, grown by the hair's thickness."""

    def __init__(self, face: Face, *, grow: float = 0.0, top: float = 0.0, hang: float = 0.0) -> None:
        self._face, self._grow, self._top, self._hang = face, grow, top, hang

    def width(self, y: Floats) -> Floats:
        """Half width at height y."""
        face = self._face
        above = np.sqrt(np.clip(1 - (y / (face.crown + self._top)) ** 2, 0, 1))
        below = np.clip(1 - np.clip(y / face.chin, 0, 1) ** face.jaw_square, 0, 1) ** (1 / face.jaw_square)
        hanging = np.where(y > self._hang, below, np.maximum(below, 1.0))
        cheek = face.cheek * np.exp(-(((y - 0.42) / 0.25) ** 2))
        return (face.width + self._grow) * np.where(y < 0, above, hanging) + cheek

    def ends(self, y: Floats) -> tuple[Floats, Floats]:
        """(back, front) z at height y."""
        face = self._face
        above = np.sqrt(np.clip(1 - (y / (face.crown + self._top)) ** 2, 0, 1))
        brow = np.clip(1 - (np.abs(y) / (face.crown + self._top)) ** 2.5, 0, 1) ** (1 / 2.5)
        front = np.where(y < 0, _FRONT * brow, _FRONT - 0.15 * np.clip(y / face.chin, 0, 1) ** 2)
        below = 1 - 1.15 * np.clip(y / (0.9 * face.chin), 0, 1) ** 2
        back = _BACK * np.where(y < 0, above, np.where(y > self._hang, below, np.maximum(below, 1.0)))
        return back - self._grow, np.asarray(front + self._grow * (y < 0), np.float64)

    def at(self, azimuth: Floats, y: Floats) -> Floats:
        """Points (..., 3) on the surface; azimuth in radians from the nose, > 0 to image right."""
        back, front = self.ends(y)
        middle, depth = (front + back) / 2, (front - back) / 2
        x, z = self.width(y) * np.sin(azimuth), middle + depth * np.cos(azimuth)
        return np.stack([x, np.broadcast_to(y, x.shape), z], axis=-1)

    def rim(self, y: Floats, yaw: Floats, side: int) -> Floats:
        """Azimuth of the outline on a side (−1 image left, 1 right) at height y for a head turned by yaw (radians)."""
        back, front = self.ends(y)
        return np.arctan2(side * self.width(y) * np.cos(yaw), side * (front - back) / 2 * np.sin(yaw))


def cloud(profile: Profile, low: float, high: float) -> Floats:
    """(N, 3) points all around a profile between two heights."""
    rise = np.cos(np.linspace(0, np.pi, _SLICES))
    heights = (low + high) / 2 - (high - low) / 2 * rise
    azimuth = np.linspace(-np.pi, np.pi, _AROUND, endpoint=False)
    return profile.at(azimuth[None, :], heights[:, None]).reshape(-1, 3)


def surface(face: Face, xy: Floats) -> Floats:
    """Lift points (..., 2) of the face's front onto it: (..., 3)."""
    x, y = xy[..., 0], xy[..., 1]
    front = Profile(face).ends(y)[1]
    return np.stack([x, y, front - _SUNK - _FLAT * (x / face.width) ** 2], axis=-1)


def jaw_drop(face: Face, points: Floats, jaw: Floats) -> Floats:
    """Lower what belongs to the jaw. `points` (F, n, 3), `jaw` (F,)."""
    share = np.clip((points[..., 1] - face.mouth_y + 0.25) / (face.chin - face.mouth_y + 0.25), 0, 1)
    moved = points.copy()
    moved[..., 1] += 0.2 * jaw[:, None] * share * share * (3 - 2 * share)
    return moved


def compass(count: int) -> Floats:
    """(1, count, 2) directions around, from image right by way of the bottom."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)[None]


class Pose:
    """Where a head is and how it is turned, for all frames of a clip.

    Attributes:
        yaw: (F,) radians, > 0 to image right.
        turn: (F, 3, 3) head to camera, z towards the viewer.
        scale: px per head unit.
    """

    def __init__(self, angles_deg: tuple[Floats, Floats, Floats], neck_px: tuple[Floats, Floats], scale: float) -> None:
        self.yaw = np.radians(angles_deg[0])
        self.turn = rotation(*angles_deg)
        self.scale = scale
        self._origin = np.stack(neck_px, axis=-1)

    def __len__(self) -> int:
        return len(self.yaw)

    def project(self, points: Floats) -> Floats:
        """Points (n, 3) or (F, n, 3) in head units → (F, n, 2) scene px."""
        turned = (points - PIVOT) @ self.turn.transpose(0, 2, 1)
        return turned[..., :2] * self.scale + self._origin[:, None]

    def on_face(self, face: Face, xy: Floats) -> Floats:
        """Front points (n, 2) or (F, n, 2) → (F, n, 2) scene px."""
        return self.project(surface(face, xy))
