"""Eyes that close on a bent head."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.closing_eyes import close_eyes
from contextalk.faces.warp import bend

SKIN, WHITE = (100, 100, 100), (250, 250, 250)
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
CORNERS = ((36, 39), (42, 45))


def open_face(middle: tuple[float, float] = (128, 140), height: float = 150) -> np.ndarray:
    """(70, 2) a face with eyes 18 px high, and pupils in their middles."""
    points = face_points(middle, height)
    points = np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])
    for upper, lower in LIDS:
        points[upper, 1] -= 4
        points[lower, 1] += 4
    return points


def closed(points: np.ndarray, share: float = 0.0) -> np.ndarray:
    """With a share of the opening left: the upper lids come down."""
    wanted = points.copy()
    for upper, lower in LIDS:
        wanted[upper] = points[lower] + share * (points[upper] - points[lower])
    return wanted


def drawn(points: np.ndarray, size: int = 256) -> np.ndarray:
    """White eyes in a grey face."""
    head = np.full((size, size, 3), SKIN, np.uint8)
    for first, last in CORNERS:
        eye = points[first : last + 3] * size / 256
        cv2.fillPoly(head, [np.round(eye - 0.5).astype(np.int32)], WHITE)
    return head


def rotated(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return ((points - 128) @ turn + 128).astype(np.float32)


def white_left(head: np.ndarray, bent: np.ndarray) -> float:
    """Share of the white that is still to be seen."""
    return float((bent[..., 0].astype(float) - 100).sum() / (head[..., 0].astype(float) - 100).sum())


@pytest.mark.parametrize(("share", "left"), [(0.0, 0.0), (0.3, 0.0), (0.5, 0.35), (0.71, 0.71)])
def test_a_blink_hides_the_eye_behind_its_lids(share: float, left: float):
    """Half open by its points an eye is shown 0.35 open: shut eyes of real people are read as up to 0.35 open."""
    points = open_face()
    head = drawn(points)
    bent = bend(points, closed(points, share)).of(head)
    # The line at which closed lids meet is a px of mixed colour; the eyes are 18 px high.
    assert white_left(head, bent) == pytest.approx(left, abs=0.12)
    assert bent[: int(points[36:48, 1].min()) - 2].max() == 100, "brows and forehead stay"


def test_an_eye_closes_without_a_jump():
    points = open_face()
    head = drawn(points)
    for first, _ in CORNERS:
        middle = tuple(np.round(points[first : first + 6].mean(axis=0)).astype(int))
        cv2.circle(head, middle, 4, (40, 60, 120), -1)
    shares = np.arange(0.76, 0.5, -0.02)
    heads = np.stack([bend(points, closed(points, share)).of(head).astype(float) for share in shares])
    changes = np.abs(np.diff(heads, axis=0)).sum(axis=(1, 2, 3))
    # A lid that takes over at once changes ten times as much in that step as in the one before.
    assert changes.max() < 3 * np.median(changes)


def test_a_glance_is_kept_while_a_lid_takes_over():
    points = open_face()
    wanted = closed(points, 0.6)
    wanted[68:, 0] += 4
    opened, lids = close_eyes(points, wanted)
    assert len(lids) == 2
    np.testing.assert_allclose(opened[68:, 0], wanted[68:, 0], atol=1e-3)


def test_lids_are_round_and_brows_stay():
    """A large round eye close under its brow, as drawn people have: nothing white is left and no hair comes down."""
    points = open_face()
    head = np.full((256, 256, 3), SKIN, np.uint8)
    for first, last, uppers, lowers in ((36, 39, (37, 38), (41, 40)), (42, 45, (43, 44), (47, 46))):
        middle, half = points[[first, last]].mean(axis=0), np.ptp(points[[first, last], 0]) / 2
        for rows, sign in ((uppers, -1), (lowers, 1)):
            for row, across in zip(rows, (-0.5, 0.5), strict=True):
                points[row] = middle + half * np.array([across, sign * np.sqrt(1 - across**2)])
        cv2.circle(head, tuple(np.round(middle).astype(int)), round(half), WHITE, -1)
        brow = slice(17, 22) if first == 36 else slice(22, 27)
        points[brow, 1] = middle[1] - half - 8
        cv2.polylines(head, [np.round(points[brow]).astype(np.int32)], isClosed=False, color=(0, 0, 0), thickness=3)
    bent = bend(points, closed(points)).of(head)[..., 0].astype(float)
    assert (bent > 130).sum() < 0.02 * (head[..., 0] > 130).sum()
    hair, was_hair = bent < 70, head[..., 0] < 70
    assert np.array_equal(hair, was_hair)
    for (first, last), lid in zip(CORNERS, close_eyes(points, closed(points))[1], strict=True):
        middle, half = points[[first, last]].mean(axis=0), np.ptp(points[[first, last], 0]) / 2
        for rim in (lid.upper, lid.lower):
            # Straight pieces between four points of a circle cut 0.13 of its radius off.
            between = (rim[1:] + rim[:-1]) / 2
            assert np.abs(np.linalg.norm(between - middle, axis=1) / half - 1).max() < 0.05


def test_white_below_the_lower_lids_points_goes_with_the_eye():
    """Estimators put the lower lid's points some px above its rim."""
    points = open_face()
    head = drawn(points)
    for first, _ in CORNERS:
        lower = points[[first + 5, first + 4]]
        cv2.fillPoly(head, [np.round(np.concatenate([lower, lower[::-1] + np.array([0, 4])])).astype(np.int32)], WHITE)
    # Skin is 100, and 200 where the painted rim ends too early.
    assert bend(points, closed(points)).of(head).max() < 125


@pytest.mark.parametrize("glasses", [False, True])
def test_a_lid_is_of_the_skin_about_it_and_ends_in_lashes(glasses: bool):
    """Skin in two tones, a dark crease over the eye, lashes, white and an iris: closed there are skin and lashes."""
    points = open_face()
    head = np.full((256, 256, 3), (200, 150, 130), np.uint8)
    middle = round(float(points[36:48, 1].mean()))
    head[middle:] = (220, 170, 150)
    for eye in (points[36:42], points[42:48]):
        rim = np.round(eye).astype(np.int32)
        cv2.polylines(head, [rim[:4] - (0, 2)], isClosed=False, color=(120, 80, 70), thickness=1)
        cv2.fillPoly(head, [rim], WHITE)
        cv2.circle(head, tuple(np.round(eye.mean(axis=0)).astype(int)), 3, (60, 90, 160), -1)
        cv2.polylines(head, [rim[:4]], isClosed=False, color=(30, 20, 20), thickness=2)
    if glasses:
        head[middle - 24 : middle - 18] = (20, 120, 60)
    bent = bend(points, closed(points)).of(head).astype(int)
    for first, last in CORNERS:
        column = bent[middle - 12 : middle + 14, round(float(points[[first, last], 0].mean()))]
        lashes = int(column.sum(axis=1).argmin())
        assert column[lashes].max() < 90, "a dark line where lids meet"
        skin = np.delete(column, range(lashes - 3, lashes + 4), axis=0)
        assert (skin.min(axis=0) >= (185, 135, 115)).all(), "no crease is left"
        assert (skin.max(axis=0) <= (222, 172, 152)).all(), "no white and no iris"


def test_fine_pictures_blink_as_coarse_ones_do():
    points = open_face()
    one = bend(points, closed(points))
    coarse = one.of(drawn(points)).astype(int)
    fine = cv2.resize(one.of(drawn(points, 1024)), (256, 256), interpolation=cv2.INTER_AREA).astype(int)
    # Lashes of grey skin are grey, so that all is flat: edges of the white, drawn at two sizes, are all that differs.
    assert np.abs(fine - coarse).max() < 12
    assert fine.max() < 125


def test_lashes_are_as_thick_in_fine_pictures():
    points = open_face()
    one = bend(points, closed(points))

    def thickness(size: int) -> float:
        head = drawn(points, size)
        for first, _ in CORNERS:
            rim = np.round(points[first : first + 4] * size / 256).astype(np.int32)
            cv2.polylines(head, [rim], isClosed=False, color=(0, 0, 0), thickness=2 * size // 256)
        column = one.of(head)[:, round(float(points[[36, 39], 0].mean()) * size / 256), 0].astype(float)
        return float((100 - column).clip(0).sum() / 100)

    assert thickness(1024) / thickness(256) == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("degrees", [-50, 30, 50])
def test_a_tilted_head_keeps_its_eyes_open_and_can_close_them(degrees: float):
    points = open_face()
    assert close_eyes(points, rotated(points, degrees))[1] == ()
    shut = rotated(closed(points), degrees)
    opened, lids = close_eyes(points, shut)
    assert [lid.share for lid in lids] == [0, 0]
    np.testing.assert_allclose(opened, rotated(points, degrees), atol=1e-3)


def test_an_eye_foreshortened_in_the_picture_is_no_taller_seen_from_the_front():
    points = open_face()
    turned = points.copy()
    for first, last in CORNERS:
        rows = [*range(first, last + 3), 68 if first == 36 else 69]
        turned[rows, 0] = points[first, 0] + 0.5 * (points[rows, 0] - points[first, 0])
    _, lids = close_eyes(turned, closed(points))
    assert [lid.opening_px for lid in lids] == pytest.approx([18.1, 18.1], abs=0.1)


@pytest.mark.parametrize("turn", [0.3, -1.0])
def test_an_eye_turned_away_is_left_to_the_plate(turn: float):
    points = open_face()
    away = closed(points)
    away[:, 0] = 128 + turn * (away[:, 0] - 128)
    plate, lids = close_eyes(points, away)
    assert lids == ()
    np.testing.assert_array_equal(plate, away)


@pytest.mark.parametrize("row", [17, 24, 36, 38, 41, 45, 68])
def test_what_is_not_known_is_left_out(row: int):
    points = open_face()
    for lacking in (0, 1):
        faces = [points.copy(), closed(points)]
        faces[lacking][row] = np.nan
        _, lids = close_eyes(*faces)
        assert len(lids) == (2 if row == 68 else 1)
        bend(*faces).of(drawn(points))


def test_what_opens_or_hardly_moves_is_left_to_the_plate():
    points = open_face()
    narrow = closed(points, 0.1)
    for seen, wanted in (
        (points, points + np.float32(3)),
        (points, closed(points, 1.3)),
        (points, closed(points, 0.72)),
        (narrow, closed(narrow)),
    ):
        plate, lids = close_eyes(seen, wanted)
        assert lids == ()
        np.testing.assert_array_equal(plate, wanted)


@pytest.mark.parametrize("size", [256, 512])
def test_eyes_shut_at_and_beyond_the_edge_do_no_harm(size: int):
    rng = np.random.default_rng(0)
    head = rng.integers(0, 255, (size, size, 3), dtype=np.uint8)
    for x in (-20, 5, 128, 250, 280):
        for y in (-20, 30, 128, 250, 300):
            for height in (20, 150, 400):
                points = open_face((x, y), height)
                assert bend(points, closed(points)).of(head).shape == head.shape


def test_shares_of_a_matte_have_no_lids():
    points = open_face()
    matte = np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256)
    plate, lids = close_eyes(points, closed(points))
    assert len(lids) == 2
    np.testing.assert_array_equal(bend(points, closed(points)).of_values(matte), bend(points, plate).of_values(matte))
