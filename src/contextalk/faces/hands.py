"""Hands in a picture: mediapipe's palm detector, and its hand landmarks in the turned square that a palm asks for.

Numbers are those of the published graphs (`palm_detection_cpu`, `hand_landmark_cpu`, Apache-2.0). The models tell where
a hand is, not which pixels are its: what is drawn of one is the shape around its bones.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.faces.detection import anchors_of, detect, suppress
from contextalk.faces.mediapipe_models import HAND, PALM, Network, model_path, wheel_version
from contextalk.faces.mesh import Square, cut

NUM_JOINTS = 21
"""Points of a hand: wrist 0, then four of each finger from the palm outwards, thumb 1–4 to little finger 17–20."""

LEAST_SCORE = 0.5
"""Of a palm, as published."""

LEAST_PRESENCE = 0.5
"""Of a hand in the square of a palm, as published; what counts as an occluder must be surer (`hand_tracks.py`)."""

HAND_PX = 224

_WRIST, _MIDDLE_KNUCKLE = 0, 2
_NUM_PALM_POINTS = 3
"""Of the seven points with a palm the first three hold the two that tell how it is turned."""

_PALM_GROWTH, _PALM_SHIFT = 2.6, 0.5
"""A palm's box becomes the square of its hand: so much larger, moved by half a box towards the fingers."""

_PALM = (0, 1, 5, 9, 13, 17)
_FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))

_FINGER_WIDTH = 0.30
"""Of the palm's length (wrist to the middle knuckle): a finger with its skin, a little more at the knuckles."""

_LENGTH_OF_WIDTH = 1.2
"""Of a palm: wrist to middle knuckle over first to last knuckle."""

_WRIST_WIDTH, _WRIST_LENGTH = 0.65, 0.9
"""Of the palm's length: what is seen of the arm next to the hand, straight on from the palm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """One hand in one picture.

    Attributes:
        joints: (21, 2) px.
        presence: In [0, 1], how sure the network is of a hand.
    """

    joints: NDArray[np.float64]
    presence: float


class HandFinder:
    """Finds hands that are large in the picture that it is shown: that of a head, not of a scene."""

    def __init__(self) -> None:
        """Load both models.

        Raises:
            ContextalkError: They are not installed.
        """
        self._detector = Network(PALM, low=0.0, high=1.0)
        self._anchors = anchors_of(192, ((8, 2), (16, 6)))
        self._joints = Network(HAND, low=0.0, high=1.0)

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Hand]:
        """Hands of (H, W, 3), the surest palm first."""
        rows = detect(self._detector, self._anchors, rgb, num_points=_NUM_PALM_POINTS, least_score=LEAST_SCORE)
        squares = [_square_of_palm(row) for row in suppress(rows)]
        return [hand for square in squares if (hand := self._fit(rgb, square)) is not None]

    def _fit(self, rgb: NDArray[np.uint8], square: Square) -> Hand | None:
        # By name: joints in px of the square, presence, which hand it is, joints in metres.
        joints, presence, _, _ = self._joints(cut(rgb, square, HAND_PX)).values()
        if presence[0] < LEAST_PRESENCE:
            return None
        to_picture = square.to_picture(HAND_PX)
        seen = joints.reshape(NUM_JOINTS, 3)[:, :2].astype(np.float64)
        return Hand(joints=seen @ to_picture[:, :2].T + to_picture[:, 2], presence=float(presence[0]))


def hands_version() -> str:
    """Name and version of what finds hands; part of keys of what was found.

    Raises:
        ContextalkError: The models are not installed.
    """
    return f"mediapipe-hands-{wheel_version()}-1"


def why_no_hands() -> str:
    """Why hands cannot be looked for here, in one line; empty where they can."""
    try:
        for name in (PALM, HAND):
            model_path(name)
    except ContextalkError as error:
        return str(error)
    return ""


def palm_length(joints: NDArray[np.floating]) -> float:
    """Px from the wrist to the middle knuckle, as it would be with the palm to the viewer."""
    # Seen along the palm its length vanishes; its width does not.
    seen = float(np.linalg.norm(joints[9] - joints[0]))
    return max(seen, _LENGTH_OF_WIDTH * float(np.linalg.norm(joints[17] - joints[5])))


def draw_hand(mask: NDArray[np.uint8], joints: NDArray[np.floating]) -> None:
    """Fill what a hand covers with 255, in place: palm, fingers and the beginning of the arm.

    Args:
        mask: (H, W).
        joints: (21, 2) px of the mask, pixel centres at +0.5.
    """
    at = joints - 0.5
    length = palm_length(joints)
    thick = max(1, round(_FINGER_WIDTH * length))
    cv2.fillConvexPoly(mask, cv2.convexHull(_fixed(at[list(_PALM)])), 255, cv2.LINE_8, _SHIFT)
    for finger in (*_FINGERS, (*_PALM, 0)):
        cv2.polylines(mask, [_fixed(at[list(finger)])], False, 255, thick, cv2.LINE_8, _SHIFT)
    along = at[0] - at[[5, 9, 13, 17]].mean(axis=0)
    arm = at[0] + along / max(float(np.linalg.norm(along)), 1e-6) * _WRIST_LENGTH * length
    wide = max(1, round(_WRIST_WIDTH * length))
    cv2.polylines(mask, [_fixed(np.stack([at[0], arm]))], False, 255, wide, cv2.LINE_8, _SHIFT)


_SHIFT = 4
"""Bits of the fraction that OpenCV takes."""


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    return np.rint(points * 2**_SHIFT).astype(np.int32)


def _square_of_palm(row: NDArray[np.float64]) -> Square:
    """The square of a hand: fingers up, in the frame of a row of `detect`."""
    box, points = row[:4], row[4:-1].reshape(-1, 2)
    along = points[_MIDDLE_KNUCKLE] - points[_WRIST]
    angle = float(np.arctan2(along[1], along[0])) + np.pi / 2
    size = float((box[2:] - box[:2]).max())
    up = np.array([np.sin(angle), -np.cos(angle)])
    # The published shift is in heights of the palm's box, which is square.
    centre = (box[:2] + box[2:]) / 2 + _PALM_SHIFT * float(box[3] - box[1]) * up
    return Square(centre=(float(centre[0]), float(centre[1])), side=_PALM_GROWTH * size, angle=angle)
