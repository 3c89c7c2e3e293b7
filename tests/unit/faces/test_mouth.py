"""The inside of a mouth comes from who shows it, and from nobody where it is not lacking."""

import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.mouth import OPENER, inside_lacking, lend_insides, lend_mouths, mouth_open

LOWER = [65, 66, 67]


def mouth(opening: float) -> np.ndarray:
    """(70, 2) points with an inner-lip gap of some eye distances."""
    points = face_points((128, 140), 120)
    gap = opening * np.linalg.norm(points[36] - points[45])
    points[LOWER, 1] = points[[63, 62, 61], 1] + gap
    return np.concatenate([points, np.full((2, 2), np.nan, np.float32)]).astype(np.float32)


def test_the_opening_is_that_of_landmarks():
    assert mouth_open(mouth(0.2)) == pytest.approx(0.2, abs=1e-5)


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


def test_a_lender_is_bent_to_the_wanted_mouth():
    known, wide, moved = mouth(0.0), mouth(0.3), mouth(0.3)
    moved[:68] += 6
    lender = np.full((256, 256, 3), 90, np.uint8)
    x, y = wide[60:68].mean(axis=0).astype(int)
    lender[y - 3 : y + 4, x - 3 : x + 4] = 250
    lent = lend_mouths(np.full((1, 256, 256, 3), 90, np.uint8), known, moved[None], lender, wide)
    bright = np.argwhere(lent[0, ..., 0] > 200)[:, ::-1].mean(axis=0)
    # The patch is bent with the points around it; the plate may miss by about a px.
    np.testing.assert_allclose(bright + 0.5, [x + 6.5, y + 6.5], atol=1.5)
