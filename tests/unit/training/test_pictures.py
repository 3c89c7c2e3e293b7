"""What training cuts out of clips."""

import cv2
import numpy as np
import pytest

from contextalk.training.pictures import fill_pupils, lip_pictures


def face(angle_deg: float, centre: tuple[float, float]) -> np.ndarray:
    """Points of which only jaw ends, outer eye corners and lips matter, turned about the mouth."""
    points = np.zeros((68, 2), np.float32)
    points[0], points[16] = (-50, -40), (50, -40)
    points[36], points[45] = (-30, -40), (30, -40)
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points[48:60] = np.c_[20 * np.cos(around), 8 * np.sin(around)]
    turn = np.radians(angle_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (points @ rotation.T + np.array(centre)).astype(np.float32)


@pytest.mark.parametrize("angle_deg", [0.0, 25.0, -40.0])
def test_lips_are_centred_and_upright(angle_deg: float):
    points = face(angle_deg, (120.0, 150.0))
    picture = np.full((256, 256, 3), 60, np.uint8)
    turn = np.radians(angle_deg)
    left = np.array([120, 150]) - 14 * np.array([np.cos(turn), np.sin(turn)])
    cv2.circle(picture, np.round(left).astype(int).tolist(), 5, (255, 255, 255), -1)
    cut = lip_pictures(picture[None], points[None])[0].astype(float)
    row, column = np.argwhere(cut > 200).mean(axis=0)
    # 50 px across 16 cells: 14 px left of the middle is 4.5 cells left of 7.5; a cell of slack for the rounded circle.
    assert column == pytest.approx(3.0, abs=1.0)
    assert row == pytest.approx(7.5, abs=1.0)


def test_lips_tell_shape_not_skin():
    points = face(0.0, (128.0, 128.0))
    rng = np.random.default_rng(0)
    pattern = cv2.GaussianBlur(rng.normal(0, 1, (256, 256)), (0, 0), 6)
    pattern *= 20 / pattern.std()
    dark, light = (np.clip(level + gain * pattern, 0, 255).astype(np.uint8) for level, gain in ((70, 1.0), (160, 2.0)))
    first, second = (
        lip_pictures(np.repeat(grey[None, :, :, None], 3, axis=3), points[None])[0] for grey in (dark, light)
    )
    # Twice the contrast on lighter skin is the same reference, up to rounding of the darker picture
    # (half a level of its 20 is about 1.3 of 50) and clipped extremes.
    assert np.abs(first.astype(int) - second.astype(int)).max() <= 4
    assert first.std() > 40


def test_unknown_pupils_stand_in_their_eyes():
    points = np.random.default_rng(0).normal(size=(2, 68, 2)).astype(np.float32)
    pupils = np.full((2, 2, 2), np.nan, np.float32)
    pupils[1, 0] = (3.0, 4.0)
    filled = fill_pupils(points, pupils)
    np.testing.assert_allclose(filled[0, 1], points[0, 42:48].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(filled[1, 0], (3.0, 4.0))
