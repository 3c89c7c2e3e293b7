"""Mouths that close on a bent head."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.closing_lips import close_lips
from contextalk.faces.warp import bend


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_teeth_go_behind_closing_lips(share: float):
    """White between the lips of a grey face: as much of it is left as there is between the lips."""
    points = face_points((128, 140), 150)
    pairs = ((61, 67), (62, 66), (63, 65))
    for upper, lower in pairs:
        points[upper, 1] -= 5
        points[lower, 1] += 5
    points[50:53, 1] -= 6
    points[56:59, 1] += 6
    head = np.full((256, 256, 3), 100, np.uint8)
    cv2.fillPoly(head, [np.round(points[60:68]).astype(np.int32)], (250, 250, 250))
    wanted = points.copy()
    for upper, lower in pairs:
        middle, half = (points[upper, 1] + points[lower, 1]) / 2, (points[lower, 1] - points[upper, 1]) / 2
        wanted[upper, 1], wanted[lower, 1] = middle - share * half, middle + share * half
    bent = bend(points, wanted).of(head)
    left = (bent[..., 0].astype(float) - 100).sum() / (head[..., 0].astype(float) - 100).sum()
    # Where closed lips meet, and at the corners, pixels are of mixed colour: up to 2 of 13 px. A plate leaves 0.8.
    assert left == pytest.approx(share, abs=0.2)


def test_what_opens_or_hardly_moves_is_left_to_the_plate():
    points = face_points((128, 140), 150)
    points[[67, 66, 65], 1] += 8
    plate, rows = close_lips(points, points + np.float32(3))
    assert rows is None
    np.testing.assert_array_equal(plate, points + np.float32(3))


def test_faces_at_and_beyond_the_edge_do_no_harm():
    rng = np.random.default_rng(0)
    head = rng.integers(0, 255, (256, 256, 3), dtype=np.uint8)
    for seed in range(20):
        draw = np.random.default_rng(seed)
        points = face_points(tuple(draw.uniform(-20, 280, 2)), float(draw.uniform(5, 250)))
        wanted = points + draw.normal(0, 4, points.shape).astype(np.float32)
        assert bend(points, wanted).of(head).shape == (256, 256, 3)
