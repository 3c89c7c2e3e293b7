"""The inside of a mouth comes from who shows it, and from nobody where it is not lacking."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.core.records import mouth_opening
from contextalk.faces.mouth_insides import OPENER, inside_lacking, lend_insides

LOWER = [65, 66, 67]


def mouth(opening: float) -> np.ndarray:
    """(70, 2) points with an inner-lip gap of some eye distances."""
    points = face_points((128, 140), 120)
    gap = opening * np.linalg.norm(points[36] - points[45])
    points[LOWER, 1] = points[[63, 62, 61], 1] + gap
    return np.concatenate([points, np.full((2, 2), np.nan, np.float32)]).astype(np.float32)


def test_the_opening_is_that_of_landmarks():
    assert mouth_opening(mouth(0.2)) == pytest.approx(0.2, abs=1e-5)


def test_what_lacks_grows_with_the_opening_from_that_known():
    known, wanted = mouth(0.1), np.stack([mouth(o) for o in (0.0, 0.1, 0.12, 0.1 * OPENER, 0.3)])
    np.testing.assert_allclose(inside_lacking(known, wanted), [0, 0, 0.5, 1, 1], atol=1e-4)


def test_only_the_inside_is_lent_and_only_where_it_lacks():
    closed, wide = mouth(0.0), mouth(0.4)
    heads, others = np.full((2, 256, 256, 3), 90, np.uint8), np.full((2, 256, 256, 3), 200, np.uint8)
    lent = lend_insides(heads, closed, np.stack([closed, wide]), others)
    assert np.array_equal(lent[0], heads[0])
    x, y = wide[60:68].mean(axis=0).astype(int)
    assert (lent[1, y, x] == 200).all()
    changed = np.argwhere((lent[1] != 90).any(axis=-1))
    low, high = wide[60:68].min(axis=0) - 5, wide[60:68].max(axis=0) + 5  # three deviations of the soft edge
    assert (changed[:, ::-1] >= low).all()
    assert (changed[:, ::-1] <= high).all()
    assert np.array_equal(lend_insides(heads, wide, np.stack([closed, wide]), others), heads)


def test_a_finer_head_is_lent_the_same_place():
    closed, wide = mouth(0.0), mouth(0.4)
    coarse, fine = (
        lend_insides(np.zeros((1, s, s, 3), np.uint8), closed, wide[None], np.full((1, s, s, 3), 200, np.uint8))[
            0, ..., 0
        ]
        for s in (256, 768)
    )
    small = cv2.resize(fine, (256, 256), interpolation=cv2.INTER_AREA).astype(float)
    y, x = np.mgrid[0:256, 0:256]
    places = [
        ((shape * x).sum() / shape.sum(), (shape * y).sum() / shape.sum()) for shape in (small, coarse.astype(float))
    ]
    np.testing.assert_allclose(*places, atol=0.2)
    # OpenCV's filled polygons reach half a pixel beyond their outline: a third of that in the finer picture.
    assert 0.8 < small.sum() / coarse.sum() <= 1.0
