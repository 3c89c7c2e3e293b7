"""A bent head has its features where they are wanted and leaves everything around in peace."""

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces import warp
from contextalk.faces.border import BORDER
from contextalk.faces.crop import head_mask
from contextalk.faces.warp import bend, lay_heads


def dotted(points: np.ndarray) -> np.ndarray:
    """Grey, with a smooth white spot of 4 px around some points."""
    y, x = np.mgrid[0:256, 0:256] + 0.5
    head = np.full((256, 256), 60.0)
    for at in points:
        head += 180 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * 4.0**2))
    return np.repeat(head.clip(0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def brightest(head: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Centre of mass of what is brighter than grey within 12 px of a place."""
    y, x = np.mgrid[0:256, 0:256] + 0.5
    weight = np.where(np.hypot(x - near[0], y - near[1]) < 12, head[..., 0].astype(float) - 60, 0).clip(0)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_features_come_to_where_they_are_wanted():
    points = face_points((128, 140), 120)
    wanted = points.copy()
    wanted[:, 0] += 6 + 0.1 * (points[:, 1] - 140)  # shifted and sheared
    seen = [8, 30, 36, 45]
    bent = bend(points, wanted).of(dotted(points[seen]))
    for point in seen:
        # The plate is stiff: it may miss a point by about a px, and the spots are sheared.
        np.testing.assert_allclose(brightest(bent, wanted[point]), wanted[point], atol=1.5)
        assert np.linalg.norm(wanted[point] - points[point]) > 2


def test_a_head_bent_to_where_it_is_comes_back_and_the_border_rests():
    rng = np.random.default_rng(0)
    head = rng.integers(0, 255, (256, 256, 3), dtype=np.uint8)
    points = face_points((128, 140), 120)
    np.testing.assert_array_equal(bend(points, points).of(head), head)
    bent = bend(points, points + np.float32(9)).of(head)
    assert np.abs(bent.astype(int) - head).mean() > 20
    x, y = BORDER.astype(int).T
    # The border gives way by the spline's stiffness: far less than a px, which noise shows as some grey levels.
    assert np.abs(bent[y, x].astype(int) - head[y, x]).mean() < 20


def test_pupils_look_where_they_are_wanted_and_lids_rest():
    lids = face_points((128, 140), 120)
    pupils = np.stack([lids[36:42].mean(axis=0), lids[42:48].mean(axis=0)])
    points = np.concatenate([lids, pupils])
    wanted = np.concatenate([lids, pupils + np.float32([3, 0])])
    bent = bend(points, wanted).of(dotted(pupils))
    for pupil in wanted[68:]:
        x, y = pupil.astype(int)
        line = bent[y, x - 8 : x + 9, 0]
        # Pixels whose centres the pupil lies between are about as bright.
        assert abs(x - 8 + line.argmax() + 0.5 - pupil[0]) <= 1.0
    unknown = np.concatenate([lids, np.full((2, 2), np.nan, np.float32)])
    np.testing.assert_array_equal(bend(unknown, wanted).of(bent), bent)


def test_lips_that_touch_do_not_tear_the_plate():
    points = face_points((128, 140), 120)
    opened, closed = points.copy(), points.copy()
    opened[[65, 66, 67], 1] += 14
    closed[[65, 66, 67]] = closed[[63, 62, 61]]
    bent = bend(opened, closed).of(dotted(opened[[8]]))
    assert bent.std() > 1
    np.testing.assert_allclose(brightest(bent, closed[8]), closed[8], atol=1.5)


def test_a_cheek_hidden_behind_the_nose_does_not_tear_it():
    points = face_points((128, 140), 120)
    points[11:16] = points[30] + np.float32(
        [[2, -12], [2, -6], [2, 0], [2, 6], [2, 12]]
    )  # the far outline, of a head in half profile
    wanted = points.copy()
    wanted[11:16] -= np.float32([16, 0])
    spots = points[[28, 33]]
    bent = bend(points, wanted).of(dotted(spots))
    for spot in spots:
        np.testing.assert_allclose(brightest(bent, spot), spot, atol=1.0)
    # A cheek that is seen is bent as wanted.
    seen, cheek = face_points((128, 140), 120), face_points((128, 140), 120)
    cheek[3:6] += np.float32([6, 0])
    bent = bend(seen, cheek).of(dotted(seen[[4]]))
    np.testing.assert_allclose(brightest(bent, cheek[4]), cheek[4], atol=1.5)


def test_laid_heads_change_nothing_outside_the_mask():
    rng = np.random.default_rng(1)
    head = rng.integers(0, 255, (256, 256, 3), dtype=np.uint8)
    masked = np.stack([head, head])
    masked[:, head_mask().astype(bool)] = 128
    points = face_points((128, 140), 120)
    laid = lay_heads(masked, head, points, np.stack([points, points + np.float32(3)]))
    inside = head_mask().astype(bool)
    assert (laid[:, ~inside] == masked[:, ~inside]).all()
    assert (laid[0, inside] == head[inside]).all()
    assert (laid[1, inside] != head[inside]).mean() > 0.5


def test_shoulders_join_those_around_the_mask():
    """Head and room of another moment, 9 px to the right and 4 down; the face is to stay where it was seen there."""
    scene = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 255, (300, 300, 3), dtype=np.uint8), (0, 0), 4)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX)
    now, then = scene[20:276, 20:276], scene[16:272, 11:267]
    inside = head_mask().astype(bool)
    masked = np.where(inside[..., None], 128, now).astype(np.uint8)
    points = np.concatenate([face_points((128, 120), 60), np.full((2, 2), np.nan, np.float32)])
    laid = lay_heads(np.stack([masked, masked]), then, points, np.stack([points, points]))
    rim = inside & (cv2.erode(inside.astype(np.uint8), np.ones((7, 7))) == 0)
    for picture in laid:
        apart = np.abs(picture[rim].astype(int) - now[rim]).mean()
        unmoved = np.abs(then[rim].astype(int) - now[rim]).mean()
        # Between the places, and inwards from them, the plate runs off to the resting face: some of the move is left.
        assert apart < 0.5 * unmoved
        at = tuple(points[30, ::-1].astype(int))
        assert np.abs(picture[at].astype(int) - then[at]).max() < 12


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_bending_is_deterministic(shift: float):
    head = dotted(face_points((128, 140), 120)[[30]])
    points = face_points((128, 140), 120)
    assert np.array_equal(*(bend(points, points + np.float32(shift)).of(head) for _ in range(2)))


def test_a_border_that_glides_evenly_glides_on_from_window_to_window(monkeypatch: pytest.MonkeyPatch):
    frames = iter(range(16))
    monkeypatch.setattr(warp, "find_border", lambda *_: BORDER + np.float64(next(frames)))
    nothing = np.zeros((8, 256, 256, 3), np.uint8)
    first = warp._borders(nothing, nothing[0]) - BORDER
    frames = iter(range(7, 15))  # a window begins with the last frame of the one before
    second = warp._borders(nothing, nothing[0]) - BORDER
    np.testing.assert_allclose(np.diff(np.concatenate([first, second[1:]])[:, 0, 0]), 1, atol=1e-9)
    frames = iter([3])
    np.testing.assert_allclose(warp._borders(nothing[:1], nothing[0]) - BORDER, 3)


def test_a_face_without_points_is_bent_by_its_border_alone(recwarn: pytest.WarningsRecorder):
    nowhere = np.full((70, 2), np.nan, np.float32)
    picture = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    assert np.array_equal(bend(nowhere, nowhere).of(picture), picture)
    assert not recwarn.list
