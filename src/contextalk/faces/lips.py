"""Lip references: the square around a mouth that stage 2 is told of, and the face that Wav2Lip is shown."""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, LIP_PX, Points

Picture = NDArray[np.uint8]

_FOREHEAD = 0.25
"""How far Wav2Lip's box goes above the brows, of the height from brows to chin."""


def lip_pictures(head: Picture, points: Points) -> NDArray[np.uint8]:
    """Truth of the lip reference: (F, 16, 16) grey, the upright square around the mouth, half as wide as the face.

    Each picture is normalised to mean 128 and standard deviation 50: a reference tells a mouth's shape, not its skin.

    Args:
        head: (F, 256, 256, 3).
        points: (F, 70 or 68, 2) crop px.
    """
    cut = []
    for picture, face in zip(head, points, strict=True):
        centre = face[48:60].mean(axis=0)
        side = float(np.linalg.norm(face[16] - face[0])) / 2
        across = face[45] - face[36]
        cosine, sine = across / max(1e-6, float(np.linalg.norm(across))) * side / LIP_PX
        # Lip px (0 … 16) → crop px; OpenCV's pixel centres are at integers.
        turn = np.array([[cosine, -sine], [sine, cosine]])
        shift = centre - turn @ np.full(2, LIP_PX / 2 - 0.5) - 0.5
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.2).astype(np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        mouth = cv2.warpAffine(grey, np.c_[turn, shift], (LIP_PX, LIP_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        cut.append((mouth - mouth.mean()) / max(1.0, float(mouth.std())) * 50 + 128)
    return np.clip(np.stack(cut).round(), 0, 255).astype(np.uint8)


def face_box(points: Points) -> tuple[slice, slice]:
    """Rows and columns of a head crop that Wav2Lip is shown: from ear to ear, from the forehead to the chin.

    It learnt from boxes of the detector S3FD, upright as these. What those have above the brows is estimated, not
    measured.

    Args:
        points: (68 or more, 2) crop px.
    """
    low, high = points[:68].min(axis=0), points[:68].max(axis=0)
    top = low[1] - _FOREHEAD * (high[1] - low[1])
    left, upper = (int(np.clip(np.floor(edge), 0, CROP_PX - 1)) for edge in (low[0], top))
    right, lower = (
        int(np.clip(np.ceil(edge), least + 1, CROP_PX)) for edge, least in ((high[0], left), (high[1], upper))
    )
    return slice(upper, lower), slice(left, right)


def cut_face(head: Picture, points: Points, size: int) -> Picture:
    """`face_box` of a head crop (256, 256, 3), squeezed to (size, size, 3) as Wav2Lip's own faces are."""
    return np.asarray(cv2.resize(head[face_box(points)], (size, size)), np.uint8)


def lay_faces(head: Picture, points: Points, faces: Picture) -> Picture:
    """The head crop with each of (F, S, S, 3) faces in its `face_box`: (F, 256, 256, 3)."""
    rows, columns = face_box(points)
    heads = np.repeat(head[None], len(faces), axis=0)
    for laid, face in zip(heads, faces, strict=True):
        laid[rows, columns] = cv2.resize(face, (columns.stop - columns.start, rows.stop - rows.start))
    return heads
