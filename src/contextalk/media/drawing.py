"""Landmarks as pictures: what stage 1 generates and stage 2 is steered by (paper, Sec. 4.2: L_mk has the shape of O).

Parts are filled and coloured apart because thin lines on black vanish in a latent code (docs/log.md).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points

JAW, MOUTH_OUTER, MOUTH_INNER = range(0, 17), range(48, 60), range(60, 68)
BROWS = (range(17, 22), range(22, 27))
NOSE_RIDGE, NOSE_BASE = range(27, 31), range(31, 36)
EYES = (range(36, 42), range(42, 48))

FACE, BROW, NOSE, EYE = (40, 50, 160), (250, 220, 40), (230, 60, 220), (40, 220, 70)
LIPS, INNER_MOUTH, PUPIL = (230, 40, 40), (255, 255, 255), (10, 20, 10)

_SUBPIXEL_BITS = 4


def draw_landmarks(points_crop_px: Points, pupils_crop_px: Points, size: int = CROP_PX) -> NDArray[np.uint8]:
    """Draw one face.

    Args:
        points_crop_px: (68, 2), iBUG order. All NaN: an empty drawing.
        pupils_crop_px: (2, 2); an eye whose pupil is NaN is drawn without one.
        size: Side of the drawing in px; the points are scaled from `CROP_PX`.

    Returns:
        (size, size, 3) uint8 RGB on black.
    """
    canvas = np.zeros((size, size, 3), np.uint8)
    if np.isnan(points_crop_px).any():
        return canvas
    scale = size / CROP_PX
    points, pupils = points_crop_px * scale, pupils_crop_px * scale
    stroke = max(1, round(5 * scale))

    def fill(indices: range, colour: tuple[int, int, int], outline: int) -> None:
        polygon = _fixed(points[list(indices)])
        cv2.fillPoly(canvas, [polygon], colour, cv2.LINE_AA, _SUBPIXEL_BITS)
        cv2.polylines(canvas, [polygon], True, colour, outline, cv2.LINE_AA, _SUBPIXEL_BITS)

    def line(indices: range, colour: tuple[int, int, int]) -> None:
        cv2.polylines(canvas, [_fixed(points[list(indices)])], False, colour, stroke, cv2.LINE_AA, _SUBPIXEL_BITS)

    fill(JAW, FACE, 1)
    for brow in BROWS:
        line(brow, BROW)
    line(NOSE_RIDGE, NOSE)
    line(NOSE_BASE, NOSE)
    for eye, pupil in zip(EYES, pupils, strict=True):
        fill(eye, EYE, max(1, round(2 * scale)))
        if not np.isnan(pupil).any():
            radius = _pupil_radius(points[list(eye)], scale)
            centre = _fixed(pupil[None])[0, 0]
            cv2.circle(
                canvas, centre.tolist(), round(radius * 2**_SUBPIXEL_BITS), PUPIL, -1, cv2.LINE_AA, _SUBPIXEL_BITS
            )
    fill(MOUTH_OUTER, LIPS, max(1, round(3 * scale)))
    inner = points[list(MOUTH_INNER)]
    cv2.fillPoly(canvas, [_fixed(inner)], INNER_MOUTH, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def draw_sequence(points_crop_px: Points, pupils_crop_px: Points) -> NDArray[np.uint8]:
    """`draw_landmarks` for (F, 68, 2) and (F, 2, 2): (F, 256, 256, 3)."""
    return np.stack([draw_landmarks(*face) for face in zip(points_crop_px, pupils_crop_px, strict=True)])


def draw_faces(faces_crop_px: Points, *, draws_pupils: bool) -> NDArray[np.uint8]:
    """`draw_sequence` for points and pupils in one array, (F, 70, 2)."""
    pupils = faces_crop_px[:, 68:]
    return draw_sequence(faces_crop_px[:, :68], pupils if draws_pupils else np.full_like(pupils, np.nan))


def _pupil_radius(eye: Points, scale: float) -> float:
    """A third of the open gap, so that a closing eye swallows its pupil; at most 4 crop px."""
    gap = float(eye[[4, 5], 1].mean() - eye[[1, 2], 1].mean())
    return float(np.clip(gap / 3, 0.3, 4 * scale))


def _fixed(points: Points) -> NDArray[np.int32]:
    """Points (pixel centres at +0.5) in OpenCV's fixed-point convention (pixel centres at integers)."""
    return np.round((points - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32).reshape(-1, 1, 2)
