"""Pasting a picture into a wider scene: other framings of a video of one person, with exact landmarks.

A head-and-shoulders recording teaches one framing. Pasted smaller, elsewhere and slowly moving into a 16:9 canvas, the
same frames teach the networks to take *place* and scale from the scene.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks
from contextalk.core.time import clip_times

CANVAS_PX = (640, 360)
_DRIFT_PERIOD_S = (4.0, 12.0)
"""One swing of pan or zoom: slower than speech and nods, like a hand-held or slowly pushed camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """Where the source lies on the canvas in each frame of a clip.

    Attributes:
        scale: (F,) canvas px per source px.
        offset_px: (F, 2) canvas position of the source's top left corner.
        background: (height, width, 3) uint8, what is seen around it.
    """

    scale: NDArray[np.float32]
    offset_px: NDArray[np.float32]
    background: NDArray[np.uint8]

    def paste(self, rgb: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
        """The canvas of a clip frame."""
        scale, (left, top) = float(self.scale[frame]), self.offset_px[frame]
        height, width = self.background.shape[:2]
        if scale < 1:
            # An affine warp samples single pixels; the area mean first keeps a shrunken face from flickering.
            size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
            shrunk = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            factors = (rgb.shape[1] * scale / shrunk.shape[1], rgb.shape[0] * scale / shrunk.shape[0])
            rgb = shrunk.astype(np.uint8)
        else:
            factors = (scale, scale)
        # OpenCV puts pixel centres at whole numbers, scene px put them at +0.5.
        matrix = np.array(
            [[factors[0], 0, left + 0.5 * factors[0] - 0.5], [0, factors[1], top + 0.5 * factors[1] - 0.5]], np.float64
        )
        canvas = self.background.copy()
        cv2.warpAffine(
            rgb, matrix, (width, height), dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )
        return canvas

    def move(self, landmarks: Landmarks) -> Landmarks:
        """Landmarks of the clip as they lie on the canvas."""

        def moved(points: NDArray[np.float32]) -> NDArray[np.float32]:
            return points * self.scale[:, None, None] + self.offset_px[:, None]

        height, width = self.background.shape[:2]
        return replace(
            landmarks, points=moved(landmarks.points), pupils=moved(landmarks.pupils), size_px=(width, height)
        )


def draw_framing(size_px: tuple[int, int], num_frames: int, random: np.random.Generator) -> Framing:
    """A random framing of a source of `size_px`, wholly inside the canvas, with a slow pan and zoom."""
    width, height = CANVAS_PX
    largest = min(width / size_px[0], height / size_px[1])
    swing = _swings(num_frames, 3, random)
    middle, depth = random.uniform(0.62, 0.97) * largest, random.uniform(0.0, 0.03)
    scale = np.minimum(middle * (1 + depth * swing[:, 0]), largest)
    room_px = np.array(CANVAS_PX) - scale[:, None] * np.array(size_px)
    share = np.clip(random.uniform(0.0, 1.0, 2) + random.uniform(0.0, 0.08) * swing[:, 1:], 0.0, 1.0)
    return Framing(
        scale=scale.astype(np.float32),
        offset_px=(share * room_px).astype(np.float32),
        background=_draw_background(random),
    )


def _swings(num_frames: int, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    period_s, phase = random.uniform(*_DRIFT_PERIOD_S, count), random.uniform(0, 2 * np.pi, count)
    return np.sin(2 * np.pi * clip_times(num_frames)[:, None] / period_s + phase)


def _draw_background(random: np.random.Generator) -> NDArray[np.uint8]:
    """A plain wall, a gradient, or blurred coloured patches like furniture out of focus."""
    width, height = CANVAS_PX
    kind = random.integers(3)
    cells = {0: (1, 1), 1: (2, 2), 2: (5, 9)}[int(kind)]
    # Muted, as rooms are: one tone, and patches around it.
    tone = random.uniform(50, 205) + random.uniform(-35, 35, 3)
    patches = np.clip(tone + random.uniform(-40, 40, (*cells, 3)), 0, 255).astype(np.uint8)
    interpolation = cv2.INTER_CUBIC if kind == 2 else cv2.INTER_LINEAR
    return cv2.resize(patches, (width, height), interpolation=interpolation).astype(np.uint8).reshape(height, width, 3)
