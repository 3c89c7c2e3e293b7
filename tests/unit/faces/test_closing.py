"""Eyes and mouths that close on a bent head."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.closing import close_features
from contextalk.faces.warp import bend


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_blink_hides_the_eye_behind_its_lids(share: float):
    """A white eye in a grey face: as much of it is left as there is between the lids."""
    points = face_points((128, 140), 150)
    pupils = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])
    points = np.concatenate([points, pupils])
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        points[upper, 1] -= 4
        points[lower, 1] += 4
    head = np.full((256, 256, 3), 100, np.uint8)
    for eye in (points[36:42], points[42:48]):
        cv2.fillPoly(head, [np.round(eye).astype(np.int32)], (250, 250, 250))
    wanted = points.copy()
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        wanted[upper, 1] = wanted[lower, 1] - share * (points[lower, 1] - points[upper, 1])
    bent = bend(points, wanted).of(head)
    left = (bent[..., 0].astype(float) - 100).sum() / (head[..., 0].astype(float) - 100).sum()
    # The line at which closed lids meet is a px of mixed colour; the eyes are 13 px high.
    assert left == pytest.approx(share, abs=0.12)
    assert bent[: int(points[36:48, 1].min()) - 2].max() == 100, "brows and forehead stay"


def test_lids_are_round_and_brows_stay():
    """A large round eye close under its brow, as drawn people have: nothing white is left and no hair comes down."""
    points = face_points((128, 140), 150)
    points = np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])
    head = np.full((256, 256, 3), 100, np.uint8)
    for first, last, uppers, lowers in ((36, 39, (37, 38), (41, 40)), (42, 45, (43, 44), (47, 46))):
        middle, half = points[[first, last]].mean(axis=0), np.ptp(points[[first, last], 0]) / 2
        for rows, sign in ((uppers, -1), (lowers, 1)):
            for row, across in zip(rows, (-0.5, 0.5), strict=True):
                points[row] = middle + half * np.array([across, sign * np.sqrt(1 - across**2)])
        cv2.circle(head, tuple(np.round(middle).astype(int)), round(half), (250, 250, 250), -1)
        brow = slice(17, 22) if first == 36 else slice(22, 27)
        points[brow, 1] = middle[1] - half - 8
        cv2.polylines(head, [np.round(points[brow]).astype(np.int32)], isClosed=False, color=(0, 0, 0), thickness=3)
    wanted = points.copy()
    wanted[[37, 38, 43, 44], 1] = wanted[[41, 40, 47, 46], 1] - 1
    bent = bend(points, wanted).of(head)[..., 0].astype(float)
    # A line of a px where lids meet and its soft edges: 8 % of the eye. Lids of straight pieces leave 23 %.
    assert (bent > 130).sum() < 0.12 * (head[..., 0] > 130).sum()
    hair = bent < 70
    assert np.flatnonzero(hair.any(axis=1)).max() <= np.flatnonzero((head[..., 0] < 70).any(axis=1)).max() + 1


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
    points[[41, 40, 47, 46], 1] += 8
    plate, rows = close_features(points, points + np.float32(3))
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
