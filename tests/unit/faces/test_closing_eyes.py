"""Eyes that close on a bent head."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.closing_eyes import close_eyes
from contextalk.faces.warp import bend


@pytest.mark.parametrize(("share", "left_open"), [(0.0, 0.0), (0.5, 0.35), (0.69, 0.69)])
def test_a_blink_hides_the_eye_behind_its_lids(share: float, left_open: float):
    """A white eye in a grey face: a lid covers it; half open by its points it is 0.35 open, for no estimator sees 0."""
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
    assert left == pytest.approx(left_open, abs=0.12)
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


@pytest.mark.parametrize("glasses", [False, True])
def test_a_lid_is_of_the_skin_about_it_and_ends_in_lashes(glasses: bool):
    """Skin in two tones, a dark crease over the eye, lashes, white and an iris: closed there are skin and lashes."""
    points = face_points((128, 140), 150)
    points = np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])
    points[[37, 38, 43, 44], 1] -= 4
    points[[41, 40, 47, 46], 1] += 4
    head = np.full((256, 256, 3), (200, 150, 130), np.uint8)
    middle = round(float(points[36:48, 1].mean()))
    head[middle:] = (220, 170, 150)
    for eye in (points[36:42], points[42:48]):
        rim = np.round(eye).astype(np.int32)
        cv2.polylines(head, [rim[:4] - (0, 2)], isClosed=False, color=(120, 80, 70), thickness=1)
        cv2.fillPoly(head, [rim], (250, 250, 250))
        cv2.circle(head, tuple(np.round(eye.mean(axis=0)).astype(int)), 3, (60, 90, 160), -1)
        cv2.polylines(head, [rim[:4]], isClosed=False, color=(30, 20, 20), thickness=2)
    wanted = points.copy()
    wanted[[37, 38, 43, 44]] = wanted[[41, 40, 47, 46]]
    rim = slice(middle - 24, middle - 18)
    if glasses:
        head[rim] = (20, 120, 60)
    bent = bend(points, wanted).of(head).astype(int)
    for first, last in ((36, 39), (42, 45)):
        column = bent[middle - 12 : middle + 14, round(float(points[[first, last], 0].mean()))]
        lashes = int(column.sum(axis=1).argmin())
        assert column[lashes].max() < 90, "a dark line where lids meet"
        skin = np.delete(column, range(lashes - 3, lashes + 4), axis=0)
        assert (skin.min(axis=0) >= (185, 135, 115)).all(), "no crease is left"
        assert (skin.max(axis=0) <= (222, 172, 152)).all(), "no white and no iris"


def test_fine_pictures_blink_as_coarse_ones_do():
    points = face_points((128, 140), 150)
    points[[37, 38, 43, 44], 1] -= 4
    points[[41, 40, 47, 46], 1] += 4
    wanted = points.copy()
    wanted[[37, 38, 43, 44]] = wanted[[41, 40, 47, 46]]
    head = np.full((256, 256, 3), 120, np.uint8)
    for eye in (points[36:42], points[42:48]):
        cv2.fillPoly(head, [np.round(eye).astype(np.int32)], (250, 250, 250))
    one = bend(points, wanted)
    fine = cv2.resize(head, (512, 512), interpolation=cv2.INTER_LINEAR)
    coarse = cv2.resize(one.of(fine), (256, 256), interpolation=cv2.INTER_AREA)
    # Edges of the white are sampled twice; the eye itself would be 130 levels off.
    assert np.abs(coarse.astype(int) - one.of(head)).max() < 40
    assert np.abs(coarse.astype(int) - head).max() > 100


def test_shares_of_a_matte_have_no_lids():
    points = face_points((128, 140), 150)
    points[[37, 38, 43, 44], 1] -= 4
    wanted = points.copy()
    wanted[[37, 38, 43, 44]] = wanted[[41, 40, 47, 46]]
    matte = np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256)
    plate, lids = close_eyes(points, wanted)
    assert len(lids) == 2
    np.testing.assert_array_equal(bend(points, wanted).of_values(matte), bend(points, plate).of_values(matte))
