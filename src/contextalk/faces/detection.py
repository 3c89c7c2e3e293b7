"""Single-shot face detection: anchors, decoding, suppression; whole picture first, tiles for small faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.faces.mediapipe_models import FULL_RANGE, SHORT_RANGE, Network

LEAST_SCORE = 0.6
LARGEST_OVERLAP = 0.3
"""Intersection over union from which two boxes are one face."""

LARGEST_CONTAINMENT = 0.6
"""Share of the smaller box inside the larger one from which they are one face: a tile's border cuts faces."""

_NUM_EYES = 2
"""The first of the six points that the face detectors give with a box."""

TILE_ASPECT = 1.25
"""Scenes wider (or taller) than this are searched in square tiles too, half overlapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """Faces in a picture, best first.

    Attributes:
        boxes_px: (N, 4) x0 y0 x1 y1.
        eyes_px: (N, 2, 2), image-left eye first.
        scores: (N,) in [0, 1].
    """

    boxes_px: NDArray[np.float64]
    eyes_px: NDArray[np.float64]
    scores: NDArray[np.float64]


class FaceDetector:
    """mediapipe's short and full range detectors over the whole picture and square tiles of it."""

    def __init__(self) -> None:
        self._networks = (
            (Network(SHORT_RANGE, low=-1.0, high=1.0), anchors_of(128, ((8, 2), (16, 6)))),
            (Network(FULL_RANGE, low=-1.0, high=1.0), anchors_of(192, ((4, 1),))),
        )

    def __call__(self, rgb: NDArray[np.uint8]) -> Detections:
        """Faces of (H, W, 3); where whole picture and large tiles show none, small tiles are searched too."""
        height, width = rgb.shape[:2]
        regions = [(0, 0, width, height)]
        if max(width, height) > TILE_ASPECT * min(width, height):
            regions += _tiles(width, height, min(width, height))
        found = self._search(rgb, regions, self._networks)
        if not len(found.scores):
            found = self._search(rgb, _tiles(width, height, min(width, height) // 2), self._networks)
        return found

    @staticmethod
    def _search(
        rgb: NDArray[np.uint8],
        regions: list[tuple[int, int, int, int]],
        networks: Sequence[tuple[Network, NDArray[np.float64]]],
    ) -> Detections:
        rows: list[NDArray[np.float64]] = [np.zeros((0, 9))]
        for left, top, right, bottom in regions:
            region = rgb[top:bottom, left:right]
            for network, anchors in networks:
                found = detect(network, anchors, region, num_points=_NUM_EYES, least_score=LEAST_SCORE)
                found[:, :8] += np.tile([left, top], 4)
                rows.append(found)
        merged = suppress(np.concatenate(rows))
        return Detections(boxes_px=merged[:, :4], eyes_px=merged[:, 4:8].reshape(-1, 2, 2), scores=merged[:, 8])


def overlap(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) intersection over union of (N, 4) and (M, 4)."""
    shared, area, other_area = _areas(boxes, others)
    return shared / np.maximum(area[:, None] + other_area[None] - shared, 1e-9)


def _areas(
    boxes: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    return shared, (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), (others[:, 2:] - others[:, :2]).prod(axis=1)


def anchors_of(size: int, layers: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """(A, 3): anchor centres in [0, 1] row by row, and the network's size; `layers`: (stride, anchors per cell)."""
    centres = []
    for stride, count in layers:
        cells = size // stride
        at = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, count, axis=0))
    centre = np.concatenate(centres)
    return np.concatenate([centre, np.full((len(centre), 1), size)], axis=1)


def detect(
    network: Network, anchors: NDArray[np.float64], region: NDArray[np.uint8], *, num_points: int, least_score: float
) -> NDArray[np.float64]:
    """What a single-shot detector finds in a picture of any shape, which it is shown whole inside a black square.

    Args:
        network: Gives per anchor a logit, and centre, size and points in px of its input from the anchor.
        anchors: Of `anchors_of`.
        region: (H, W, 3).
        num_points: How many of the points with a box are wanted.
        least_score: In [0, 1], from which a box counts.

    Returns:
        (N, 4 + 2 · num_points + 1): x0 y0 x1 y1, points and score; px of the region, one row an anchor.
    """
    size = int(anchors[0, 2])
    height, width = region.shape[:2]
    scale = size / max(width, height)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    padded = np.zeros((size, size, 3), np.uint8)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    padded[top : top + shape[1], left : left + shape[0]] = cv2.resize(region, shape, interpolation=cv2.INTER_AREA)
    outputs = sorted(network(padded).values(), key=lambda output: output.shape[-1])
    scores = 1 / (1 + np.exp(-np.clip(outputs[0][:, 0].astype(np.float64), -50, 50)))
    kept = scores >= least_score
    raw, centre = outputs[1][kept].astype(np.float64), anchors[kept, :2] * size
    middle, half = centre + raw[:, :2], raw[:, 2:4] / 2
    points = raw[:, 4 : 4 + 2 * num_points] + np.tile(centre, num_points)
    found = np.concatenate([middle - half, middle + half, points], axis=1)
    found = (found - np.tile([left, top], 2 + num_points)) / scale
    return np.concatenate([found, scores[kept, None]], axis=1)


def suppress(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the rows of `detect` one an object: the score-weighted mean of all that overlap its best row by enough."""
    rows = rows[np.argsort(-rows[:, -1], kind="stable")]
    found = []
    while len(rows):
        shared, area, areas = _areas(rows[:1, :4], rows[:, :4])
        union = area[:, None] + areas[None] - shared
        same = (shared / np.maximum(union, 1e-9) > LARGEST_OVERLAP)[0]
        inside = (shared / np.maximum(np.minimum(area[:, None], areas[None]), 1e-9) > LARGEST_CONTAINMENT)[0]
        mean = np.average(rows[same], axis=0, weights=rows[same, -1])
        mean[-1] = rows[0, -1]
        found.append(mean)
        rows = rows[~(same | inside)]
    return np.array(found).reshape(-1, rows.shape[1])


def _tiles(width: int, height: int, side: int) -> list[tuple[int, int, int, int]]:
    """Squares that cover the picture with half a side of overlap."""
    side = max(side, 1)

    def starts(length: int) -> list[int]:
        count = max(1, int(np.ceil((length - side) / (side / 2))) + 1)
        return [int(at) for at in np.linspace(0, max(length - side, 0), count)]

    return [(x, y, min(x + side, width), min(y + side, height)) for y in starts(height) for x in starts(width)]
