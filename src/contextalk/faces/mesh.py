"""Face mesh and irises inside a turned square, brought to the 68 iBUG points and two pupils."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.faces.mediapipe_models import IRIS, MESH, Network

MESH_PX = 192
IRIS_PX = 64
LEAST_PRESENCE = 0.5
ROI_GROWTH = 1.5
"""Side of the square over the longer side of the face's box, as the mesh network was trained."""

EYE_GROWTH = 2.3
"""Side of an eye's square over the distance of its corners, as the iris network was trained."""

# Vertices of mediapipe's canonical mesh that lie where iBUG has its points.
_JAW = (127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_OUTER_LIP = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
_INNER_LIP = (78, 81, 13, 311, 308, 402, 14, 178)
_TO_IBUG = np.array(_JAW + _BROWS + _NOSE + _EYES + _OUTER_LIP + _INNER_LIP)

# Of the iris network's contour, for the eye on image right seen unmirrored: inner corner, upper lid in and out, outer
# corner, lower lid out and in are these; its list runs from the inner corner along the lower lid, then the upper.
_EYE_CONTOUR = (0, 11, 13, 8, 5, 3)

_EYE_OUTER_INNER = ((33, 133), (263, 362))


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """A turned square of a picture: centre and side in px, rotation clockwise in radians."""

    centre: tuple[float, float]
    side: float
    angle: float

    def to_picture(self, size: int) -> NDArray[np.float64]:
        """(2, 3) map from px of the square, resampled to `size`, to px of the picture."""
        scale = self.side / size
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        turn = np.array([[cos, -sin], [sin, cos]])
        shift = np.array(self.centre) - turn @ np.full(2, size / 2)
        return np.concatenate([turn, shift[:, None]], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceMesh:
    """One face in one picture.

    Attributes:
        points: (68, 2) px, iBUG order.
        pupils: (2, 2) px, image-left eye first.
        square: Where to look for the same face in the next picture.
        presence: In [0, 1], how sure the network is of a face.
    """

    points: NDArray[np.float64]
    pupils: NDArray[np.float64]
    square: Square
    presence: float


class MeshFitter:
    """Runs the mesh network and, on both eyes, the iris network."""

    def __init__(self) -> None:
        self._mesh = Network(MESH, low=0.0, high=1.0)
        self._iris = Network(IRIS, low=0.0, high=1.0)

    def __call__(self, rgb: NDArray[np.uint8], square: Square) -> FaceMesh | None:
        """The face in a square; None where the network sees none."""
        outputs = sorted(self._mesh(cut(rgb, square, MESH_PX)).values(), key=np.size)
        presence = float(1 / (1 + np.exp(-outputs[0].reshape(-1)[0])))
        if presence < LEAST_PRESENCE:
            return None
        vertices = _apply(square.to_picture(MESH_PX), outputs[1].reshape(-1, 3)[:, :2].astype(np.float64))
        points = vertices[_TO_IBUG]
        pupils = np.empty((2, 2))
        for side in (0, 1):
            points[36 + 6 * side : 42 + 6 * side], pupils[side] = self._eye(rgb, vertices, side)
        return FaceMesh(points=points, pupils=pupils, square=_next_square(vertices), presence=presence)

    def _eye(
        self, rgb: NDArray[np.uint8], vertices: NDArray[np.float64], side: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(6, 2) contour in iBUG order and (2,) pupil; `side` 0 is image left."""
        outer, inner = vertices[list(_EYE_OUTER_INNER[side])]
        left, right = (outer, inner) if side == 0 else (inner, outer)
        along = right - left
        square = Square(
            centre=(float((left + right)[0] / 2), float((left + right)[1] / 2)),
            side=EYE_GROWTH * float(np.linalg.norm(along)),
            angle=float(np.arctan2(along[1], along[0])),
        )
        picture = cut(rgb, square, IRIS_PX)
        # The network knows the eye on image right; the other one is shown to it in a mirror.
        mirrored = side == 0
        outputs = sorted(self._iris(picture[:, ::-1] if mirrored else picture).values(), key=np.size)
        found = np.concatenate([output.reshape(-1, 3)[:, :2] for output in outputs]).astype(np.float64)
        if mirrored:
            found[:, 0] = IRIS_PX - found[:, 0]
        found = _apply(square.to_picture(IRIS_PX), found)
        contour = found[5:][list(_EYE_CONTOUR)]
        return (contour[[3, 2, 1, 0, 5, 4]] if mirrored else contour), found[0]


def square_of_detection(box_px: NDArray[np.float64], eyes_px: NDArray[np.float64]) -> Square:
    """The square of a detected face, turned so that the eyes are level."""
    size = float((box_px[2:] - box_px[:2]).max())
    middle = (box_px[:2] + box_px[2:]) / 2
    along = eyes_px[1] - eyes_px[0]
    angle = float(np.arctan2(along[1], along[0]))
    return Square(centre=(float(middle[0]), float(middle[1])), side=ROI_GROWTH * size, angle=angle)


def cut(rgb: NDArray[np.uint8], square: Square, size: int) -> NDArray[np.uint8]:
    """A turned square resampled to (size, size, 3), black beyond the picture; large ones are shrunk by area first."""
    step = max(1, int(square.side / size))
    reach = square.side * 0.75 + 2 * step
    low = np.maximum(np.floor((np.array(square.centre) - reach) / step).astype(int) * step, 0)
    high = np.minimum(np.ceil(np.array(square.centre) + reach).astype(int), rgb.shape[1::-1])
    if (high - low < step).any():
        return np.zeros((size, size, 3), np.uint8)
    region = rgb[low[1] : high[1], low[0] : high[0]]
    if step > 1:
        width, height = ((high - low) // step).tolist()
        region = cv2.resize(region[: height * step, : width * step], (width, height), interpolation=cv2.INTER_AREA)
    to_picture = square.to_picture(size)
    # px of the region = (px of the picture − low) / step; OpenCV counts from pixel centres, hence the halves.
    linear = to_picture[:, :2] / step
    shift = (to_picture[:, 2] - low) / step + linear @ np.full(2, 0.5) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    affine = np.concatenate([linear, shift[:, None]], axis=1)
    return np.asarray(cv2.warpAffine(region, affine, (size, size), flags=flags), np.uint8)


def _next_square(vertices: NDArray[np.float64]) -> Square:
    """The square in which the same face is looked for in the next picture."""
    along = vertices[263] - vertices[33]
    angle = float(np.arctan2(along[1], along[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = vertices @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    middle = turn.T @ ((low + high) / 2)
    side = ROI_GROWTH * float((high - low).max())
    return Square(centre=(float(middle[0]), float(middle[1])), side=side, angle=angle)


def _apply(affine: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ affine[:, :2].T + affine[:, 2]
