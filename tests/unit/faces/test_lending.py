"""Every frame has the mouth most alike; what is lent is the mouth alone, in the head's colours."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.lending import EYES, MOUTH, choose_lenders, lend, misfits, varied


def face(gap_px: float, wide: float = 1.0, turned: float = 0.0) -> np.ndarray:
    """(70, 2) crop px with a gap between the inner lips, a width of the mouth and a turn of the head."""
    points = face_points((128, 140), 120)
    points[65:68, 1] = points[[63, 62, 61], 1] + gap_px
    points[55:60, 1] += gap_px
    middle = points[48:68, 0].mean()
    points[48:68, 0] = middle + wide * (points[48:68, 0] - middle)
    points[17:48, 0] += 20 * turned
    return np.concatenate([points, np.full((2, 2), np.nan, np.float32)]).astype(np.float32)


def test_a_misfit_is_what_shift_turn_and_scale_leave():
    points = face(6)
    turn = np.deg2rad(10)
    moved = 1.3 * points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + 20
    wanted = np.stack([moved.astype(np.float32), face(8), face(12)])
    same, near, far = misfits(points[None], wanted, MOUTH.shape)[:, 0]
    assert same == pytest.approx(0, abs=1e-3)  # the root of what float32 px leave
    assert far > near > 0.02
    # By least squares, point by point.
    seen, aim = (shape[MOUTH.shape].astype(np.float64) for shape in (points, wanted[2]))
    rows = [[[x, -y, 1, 0], [y, x, 0, 1]] for x, y in seen]
    left = np.linalg.lstsq(np.concatenate(rows), aim.reshape(-1), rcond=None)[1][0]
    assert far == pytest.approx(np.sqrt(left) / np.linalg.norm(aim - aim.mean(axis=0)), rel=1e-5)


def test_each_frame_is_lent_the_mouth_most_alike():
    lenders = [face(0), face(8), face(16), face(8, wide=0.7)]
    wanted = np.stack([face(15), face(15), face(9), face(9), face(8, wide=0.72), face(0.5), face(0.5)])
    assert choose_lenders(MOUTH, face(4), lenders, wanted) == [2, 2, 1, 1, 3, 0, 0]
    # Its own where that is as good, and where no face is drawn.
    assert choose_lenders(MOUTH, face(8), lenders, np.stack([face(8)] * 3)) == [None] * 3
    assert choose_lenders(MOUTH, face(4), lenders, np.full((2, 70, 2), np.nan, np.float32)) == [None] * 2


def test_a_mouth_stays_where_another_is_hardly_better():
    lenders, between = [face(8), face(9)], np.stack([face(gap) for gap in (8.4, 8.6, 8.4, 8.6, 8.4)])
    assert len(set(choose_lenders(MOUTH, face(0), lenders, between))) == 1
    assert choose_lenders(MOUTH, face(0), [face(4), face(16)], np.stack([face(4), face(16)] * 2)) == [0, 1, 0, 1]


def test_a_mouth_is_lent_from_about_the_same_side():
    assert choose_lenders(MOUTH, face(0), [face(8, turned=1), face(8)], face(8, turned=0.9)[None]) == [0]


def test_varied_mouths_begin_with_the_least_usual_and_are_unlike():
    faces = np.stack([face(0), face(1), face(16), face(15), face(8, wide=0.7), face(0)])
    assert varied(MOUTH, faces, 3) == [2, 0, 4]
    assert varied(MOUTH, faces * 1.7 + 30, 3) == [2, 0, 4]
    assert len(varied(MOUTH, np.stack([face(3)] * 5), 3)) == 1


@pytest.mark.parametrize("size", [256, 512])
def test_the_mouth_alone_is_lent_in_the_heads_colours(size: int):
    points, finer = face(8), size / 256
    head = np.full((size, size, 3), (90, 100, 110), np.uint8)
    other = np.full((size, size, 3), (60, 60, 60), np.uint8)
    x0, y0, x1, y1 = (finer * np.r_[points[48:60].min(axis=0), points[48:60].max(axis=0)]).astype(int)
    other[y0:y1, x0:x1] = 200
    lent = lend(MOUTH, head, other, points)
    middle = (finer * points[[62, 66]].mean(axis=0)).astype(int)
    # Skin about the lips is 30, 40 and 50 levels darker in the picture that lends, and so, nearly, are its lips: the
    # edge of the bright mouth lies within what is compared.
    assert np.abs(lent[middle[1], middle[0]].astype(int) - (230, 240, 250)).max() < 40
    changed = np.argwhere((lent != head).any(axis=-1))[:, ::-1] / finer
    # Three deviations of the edge beyond what is reached.
    reach = 0.125 * np.ptp(points[48:60], axis=0) + 10
    assert (changed > points[48:60].min(axis=0) - reach).all()
    assert (changed < points[48:60].max(axis=0) + reach).all()


def test_the_same_head_lends_nothing():
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    head = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)
    assert np.array_equal(lend(MOUTH, head, head, face(8)), head)


def with_eyes(share: float) -> np.ndarray:
    """(70, 2), its eyes open by a share."""
    points = face(0)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        middle = (points[upper] + points[lower]) / 2
        points[[upper, lower]] = middle + np.float32(share) * (points[[upper, lower]] - middle)
    return points


def test_eyes_are_lent_to_who_closes_them():
    lenders = [with_eyes(0.1), with_eyes(0.5), with_eyes(1)]
    wanted = np.stack([with_eyes(share) for share in (1, 1, 0.12, 0.12, 0.5, 0.5, 0.9)])
    assert choose_lenders(EYES, with_eyes(1), lenders, wanted) == [None, None, 0, 0, 1, 1, None]
    # Who is seen with closed eyes lends itself.
    assert choose_lenders(EYES, with_eyes(0.1), lenders, wanted[2:4]) == [None, None]


def test_both_eyes_are_lent_and_nothing_else():
    points = with_eyes(0.1)
    head, other = np.full((256, 256, 3), 90, np.uint8), np.full((256, 256, 3), 90, np.uint8)
    for first, last in ((36, 39), (42, 45)):
        x, y = points[[first, last]].mean(axis=0).astype(int)
        other[y - 2 : y + 3, x - 6 : x + 7] = 10
    lent = lend(EYES, head, other, points)
    for first, last in ((36, 39), (42, 45)):
        x, y = points[[first, last]].mean(axis=0).astype(int)
        assert (lent[y, x] == 10).all()
    changed = np.argwhere((lent != head).any(axis=-1))[:, ::-1]
    width = np.linalg.norm(points[36] - points[39])
    eyes = np.stack([points[[36, 39]].mean(axis=0), points[[42, 45]].mean(axis=0)])
    # Of the ellipse's longer half, and three deviations of its edge.
    assert np.linalg.norm(changed[:, None] - eyes, axis=2).min(axis=1).max() < 0.75 * width + 10
