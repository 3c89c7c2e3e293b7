"""Mouths as judges see them."""

import cv2
import numpy as np

from contextalk.faces.mouth_views import LONGEST_GAP, bridge_gaps, mouth_views
from judges_kit import face_points, grey_heads


def test_gaps_are_bridged_up_to_a_second() -> None:
    points = face_points(60)
    points += np.arange(60, dtype=np.float32)[:, None, None]
    holed = points.copy()
    holed[:4], holed[20 : 20 + LONGEST_GAP], holed[57:] = np.nan, np.nan, np.nan
    bridged = bridge_gaps(holed)
    assert bridged is not None
    # Straight motion is met exactly, up to float32's rounding of numbers around 200.
    np.testing.assert_allclose(bridged[4:57], points[4:57], atol=1e-4)
    np.testing.assert_array_equal(bridged[:4], np.repeat(points[4:5], 4, axis=0))
    np.testing.assert_array_equal(bridged[57:], np.repeat(points[56:57], 3, axis=0))
    holed[20 + LONGEST_GAP] = np.nan
    assert bridge_gaps(holed) is None
    assert bridge_gaps(np.full_like(points, np.nan)) is None


def test_the_view_stays_where_it_is_when_only_the_mouth_moves() -> None:
    heads = grey_heads(np.full(20, 90))
    cv2.circle(heads[7], (128, 150), 5, (255, 255, 255), -1)
    points = face_points(20)
    still = mouth_views(heads, points)
    points[:, 48:68] += np.random.default_rng(0).normal(0, 9, (20, 20, 2)).astype(np.float32)
    points[:, :17, 1] += np.linspace(0, 12, 20, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(mouth_views(heads, points), still)
    row, column = np.argwhere(still[7] > 200).mean(axis=0)
    # The square's corner is 26 px above the nose base (130) and 48 left of it; 2 px a pixel. A disc's centre is
    # found to half a pixel.
    np.testing.assert_allclose((column, row), ((128 - 80) / 2, (150 - 104) / 2), atol=0.5)


def test_the_view_goes_with_the_head() -> None:
    heads = grey_heads(np.full(30, 90))
    points = face_points(30)
    points[15:] += (6, 4)
    for number, head in enumerate(heads):
        cv2.circle(head, (134, 154) if number >= 15 else (128, 150), 5, (255, 255, 255), -1)
    views = mouth_views(heads, points)
    np.testing.assert_array_equal(views[0], views[-1])
