"""A plain descriptor of how a face looks: colours by place and directions of edges of the levelled face.

It tells apart a handful of people in one scene under one light; it is no face recognition and does not claim to be.
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.faces.mesh import Square, cut

_SIZE = 48
_COLOUR_CELLS = 6
_EDGE_CELLS = 4
_EDGE_DIRECTIONS = 8
_COLOUR_WEIGHT = 1.5

FARTHEST_SAME = 0.3
"""Distance up to which two descriptors may be one person; between shots and against a picture."""


class Encoder(Protocol):
    """Turns a face into what tells people apart; `prepare` takes another one than `PlainEncoder` from Python.

    It travels to worker processes, so it is small until it is first used, and can be pickled.
    """

    @property
    def name(self) -> str:
        """Name and version; what another one made is made again."""
        ...

    @property
    def farthest_same(self) -> float:
        """`distance` of mean looks up to which people of different scenes may be one person."""
        ...

    def encode(self, rgb: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(D,) unit vector for the face with (68, 2) `points`, px of the picture (H, W, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class PlainEncoder:
    """The descriptor of this module; its distance is that of pictures as much as of people.

    Stricter than `FARTHEST_SAME`, which chooses among the few of one scene: of 20 tracks of real footage the same
    person in other files was 0.13 away or nearer, and the two most alike of different people 0.21.
    """

    name: str = "plain-1"
    farthest_same: float = 0.18

    def encode(self, rgb: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `describe`."""
        return describe(rgb, points)


def describe(rgb: NDArray[np.uint8], points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Unit vector for the face with (68, 2) `points` in a picture."""
    eyes = points[36:48].reshape(2, 6, 2).mean(axis=1)
    along = eyes[1] - eyes[0]
    middle = points[17:].mean(axis=0)
    height = float(np.ptp(points @ np.array([-along[1], along[0]]))) / max(float(np.linalg.norm(along)), 1e-6)
    square = Square(
        centre=(float(middle[0]), float(middle[1])),
        # Brows to chin and the hair above it.
        side=1.5 * height,
        angle=float(np.arctan2(along[1], along[0])),
    )
    face = cut(rgb, square, _SIZE)
    parts = (_COLOUR_WEIGHT * _unit(_colours(face)), _unit(_edges(face)))
    return _unit(np.concatenate(parts)).astype(np.float32)


def distance(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Between two descriptors: 0 the same, about 1 unrelated."""
    return 1.0 - float(left @ right)


def _colours(face: NDArray[np.uint8]) -> NDArray[np.float64]:
    lab = cv2.cvtColor(face, cv2.COLOR_RGB2LAB).astype(np.float64) - 128.0
    cells = np.asarray(cv2.resize(lab, (_COLOUR_CELLS, _COLOUR_CELLS), interpolation=cv2.INTER_AREA), np.float64)
    # Brightness and tint depend on the light; their pattern over face and hair stays.
    cells -= cells.mean(axis=(0, 1)) * [1.0, 0.5, 0.5]
    cells[..., 0] /= 2
    return cells.reshape(-1)


def _edges(face: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float64)
    down, along = np.gradient(grey)
    strength = np.hypot(along, down)
    direction = ((np.arctan2(down, along) / np.pi % 1.0) * _EDGE_DIRECTIONS).astype(int) % _EDGE_DIRECTIONS
    cells = _SIZE // _EDGE_CELLS
    histogram = np.zeros((_EDGE_CELLS, _EDGE_CELLS, _EDGE_DIRECTIONS))
    for index in range(_EDGE_DIRECTIONS):
        chosen = np.where(direction == index, strength, 0.0)
        histogram[..., index] = chosen.reshape(_EDGE_CELLS, cells, _EDGE_CELLS, cells).sum(axis=(1, 3))
    root = np.sqrt(histogram)
    # What all faces share (edges everywhere) says nothing about whose it is.
    return (root - root.mean(axis=2, keepdims=True)).reshape(-1)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
