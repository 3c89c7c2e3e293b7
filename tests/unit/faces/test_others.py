import numpy as np
import pytest

from contextalk.core.geometry import CropPath
from contextalk.core.records import OTHERS_SHAPE, Landmarks, Shot
from contextalk.faces.crop import crop_path
from contextalk.faces.others import describe_others
from faces_kit import animate


def beside(landmarks: Landmarks, right_px: float, *, hidden: bool = False) -> Landmarks:
    from dataclasses import replace

    valid = np.zeros(len(landmarks), bool) if hidden else landmarks.valid
    shift = np.array([right_px, 0], np.float32)
    return replace(landmarks, points=landmarks.points + shift, pupils=landmarks.pupils + shift, valid=valid)


@pytest.fixture(scope="module")
def target() -> Landmarks:
    return animate(0)


@pytest.fixture(scope="module")
def crop(target: Landmarks) -> CropPath:
    return crop_path(target, (Shot(start=0, stop=len(target)),))


def test_the_side_and_the_distance_are_told_in_sides_of_the_square(target: Landmarks, crop: CropPath) -> None:
    side = float(crop.side_px.mean())
    right, left = (describe_others([beside(target, away * side)], crop) for away in (2.0, -2.0))
    assert right.shape == (len(target), *OTHERS_SHAPE)
    # The head sways about the square's middle by a tenth of a side or so; four sides are the unit.
    np.testing.assert_allclose(right[:, 0, 1], 0.5, atol=0.05)
    np.testing.assert_allclose(left[:, 0, 1], -0.5, atol=0.05)
    assert not right[:, 1:].any()  # nobody else is there


def test_the_nearest_come_first_and_only_three(target: Landmarks, crop: CropPath) -> None:
    side = float(crop.side_px.mean())
    told = describe_others([beside(target, away * side) for away in (4, -1, 3, 2)], crop)
    np.testing.assert_allclose(told[:, :, 1].mean(axis=0), [-0.25, 0.5, 0.75], atol=0.05)


def test_where_somebody_looks_is_told_with_its_sign(target: Landmarks, crop: CropPath) -> None:
    told = describe_others([target], crop)
    yaw = np.radians(target.head_pose[:, 0])
    assert np.corrcoef(told[:, 0, 4], np.sin(yaw))[0, 1] > 0.95


def test_who_is_not_seen_is_zero(target: Landmarks, crop: CropPath) -> None:
    assert not describe_others([beside(target, 300, hidden=True)], crop).any()
    assert describe_others([], crop).shape == (len(target), *OTHERS_SHAPE)


def test_a_still_mouth_does_not_move_and_a_talking_one_does(target: Landmarks, crop: CropPath) -> None:
    from dataclasses import replace

    still = replace(target, points=np.repeat(target.points[:1], len(target), axis=0))
    assert describe_others([still], crop)[:, 0, 6].max() < 1e-3
    assert describe_others([target], crop)[:, 0, 6].mean() > 0.05
