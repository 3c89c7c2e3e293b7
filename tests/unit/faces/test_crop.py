"""The square: it holds the head, rests, glides slowly, and jumps at cuts only."""

from dataclasses import replace

import numpy as np
import pytest

from contextalk.core.errors import TargetError
from contextalk.core.geometry import CROP_PX
from contextalk.core.records import Landmarks, Shot
from contextalk.faces.crop import (
    FITTING_PERCENT,
    LARGEST_SIDE_CHANGE_PER_S,
    crop_from_mask,
    crop_path,
    head_mask,
    inside_mask,
    scene_mask,
)
from faces_kit import RATE_HZ, animate, exact_points


def whole(landmarks: Landmarks) -> list[Shot]:
    return [Shot(start=0, stop=len(landmarks))]


@pytest.mark.parametrize("seed", range(8))
def test_every_point_lies_in_the_mask(seed: int) -> None:
    landmarks = animate(seed, walk_mm_per_s=[0.0, 60.0][seed % 2])
    points = crop_path(landmarks, whole(landmarks)).to_crop(landmarks.points)
    inside = inside_mask(points[..., 0], points[..., 1]).all(axis=1)
    assert inside.mean() * 100 >= FITTING_PERCENT - 1


def test_a_swaying_head_does_not_move_the_square() -> None:
    landmarks = animate(3)
    path = crop_path(landmarks, whole(landmarks))
    assert np.ptp(path.side_px) == 0
    np.testing.assert_allclose(np.ptp(path.centre_px, axis=0), 0, atol=1e-3)


def test_a_head_that_hardly_turns_has_the_same_square_however_long_it_is_seen() -> None:
    rng = np.random.default_rng(0)
    shake = rng.normal(0, 1.0, 75)
    angles = np.stack([6 + shake, np.zeros(75), np.zeros(75)], axis=1)
    # Where the estimator sees a turn too many it sees the head too far to the other side: 32 mm a unit of sine.
    centre = np.array([320.0, 180.0]) - np.stack([32 * np.sin(np.radians(shake)), np.zeros(75)], axis=1)
    short = replace(
        animate(0, 75),
        points=exact_points(angles, np.ones(75), centre),
        head_pose=angles.astype(np.float32),
    )
    minutes = replace(
        animate(0, 75 * 60),
        points=np.tile(short.points, (60, 1, 1)),
        head_pose=np.tile(short.head_pose, (60, 1)),
    )
    one, other = (crop_path(landmarks, whole(landmarks)) for landmarks in (short, minutes))
    # 1 crop px: what nobody sees; the depth that unweighted noise fits is 6 px off.
    np.testing.assert_allclose(one.centre_px[0], other.centre_px[0], atol=float(one.side_px[0]) / CROP_PX)


def test_a_walking_head_is_followed_and_its_size_too() -> None:
    landmarks = animate(4, walk_mm_per_s=120.0)
    # Two and a half times as big within two seconds: far more than the side may follow.
    growing = np.interp(landmarks.times_s, [2.0, 4.0], [1.0, 2.5]).astype(np.float32)[:, None, None]
    landmarks = replace(landmarks, points=(landmarks.points - 300) * growing + 300)
    path = crop_path(landmarks, whole(landmarks))
    assert np.ptp(path.centre_px[:, 0]) > 100
    assert path.side_px[-1] > 1.2 * path.side_px[0]
    change = np.abs(np.diff(np.log(path.side_px.astype(np.float64)))) * RATE_HZ
    # float32 sides of some hundred px carry 1e-7 relative, times the rate.
    assert change.max() <= np.log1p(LARGEST_SIDE_CHANGE_PER_S) + 1e-4


def test_the_path_jumps_at_the_cut_and_nowhere_else() -> None:
    landmarks = animate(5)
    moved = landmarks.points.copy()
    moved[75:] += 200
    landmarks = replace(landmarks, points=moved)
    path = crop_path(landmarks, [Shot(start=0, stop=75), Shot(start=75, stop=150)])
    steps = np.abs(np.diff(path.centre_px[:, 0]))
    assert steps[74] > 150
    assert np.delete(steps, 74).max() < 1e-3


def test_frames_without_a_face_keep_the_path() -> None:
    landmarks = animate(6)
    valid = landmarks.valid.copy()
    valid[40:60] = False
    valid[100:] = False
    points = np.where(valid[:, None, None], landmarks.points, np.nan)
    path = crop_path(
        replace(landmarks, points=points, valid=valid), [Shot(start=0, stop=100), Shot(start=100, stop=150)]
    )
    assert np.isfinite(path.centre_px).all()
    np.testing.assert_array_equal(path.centre_px[100:], np.repeat(path.centre_px[99:100], 50, axis=0))


def test_nobody_at_all_is_an_error() -> None:
    landmarks = animate(7)
    with pytest.raises(TargetError, match="no face in any of the 150 frames"):
        crop_path(replace(landmarks, valid=np.zeros(150, bool)), whole(landmarks))


def test_the_mask_leaves_a_border_that_shows_the_scene() -> None:
    rows, columns = np.nonzero(head_mask())
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (30, 225, 14, 227)
    assert set(np.unique(head_mask())) == {0.0, 1.0}


def test_the_scene_mask_is_the_head_mask_where_the_crop_is_the_scene() -> None:
    mask = scene_mask((CROP_PX, CROP_PX), np.array([128.0, 128.0]), float(CROP_PX))
    np.testing.assert_array_equal(mask, head_mask() * 255)


def test_the_scene_mask_ends_at_the_scene() -> None:
    mask = scene_mask((320, 180), np.array([10.0, 170.0]), 200.0)
    assert mask.shape == (180, 320)
    assert mask[160, 5] == 255
    assert not mask[:, 150:].any()
    assert not scene_mask((320, 180), np.array([-500.0, 90.0]), 200.0).any()


def test_a_users_mask_lies_inside_the_fixed_one() -> None:
    frames = np.zeros((6, 360, 640), np.uint8)
    for index, frame in enumerate(frames):
        frame[100:260, 200 + index : 320 + index] = 255
    path = crop_from_mask(frames, np.arange(6) / 25, [Shot(start=0, stop=6)])
    for frame, centre, side in zip(frames, path.centre_px, path.side_px, strict=True):
        fixed = scene_mask((640, 360), centre, float(side))
        assert (fixed[frame > 0] == 255).all()
        assert (fixed > 0).mean() < 3 * (frame > 0).mean()


def test_a_users_mask_must_have_white_and_one_or_all_frames() -> None:
    times_s, shots = np.arange(4) / 25, [Shot(start=0, stop=4)]
    black = np.zeros((1, 90, 160), np.uint8)
    with pytest.raises(TargetError, match="no white pixel"):
        crop_from_mask(black, times_s, shots)
    with pytest.raises(TargetError, match="3 frames, wanted 1 or the scene's 4"):
        crop_from_mask(np.repeat(black, 3, axis=0), times_s, shots)


def test_moved_squares_rest_as_far_from_the_head_as_in_a_longer_scene() -> None:
    landmarks = animate(0)
    still = crop_path(landmarks, whole(landmarks))
    moved = [crop_path(landmarks, whole(landmarks), moved=(seed,)) for seed in range(40)]
    away = np.array([path.centre_px.mean(axis=0) - still.centre_px.mean(axis=0) for path in moved])
    side = np.array([path.side_px.mean() for path in moved])
    reach = away / side[:, None]
    assert (np.abs(reach).max(axis=0) > 0.03).all()
    # Beyond the slack only by what growing moves the middle: the head's centre stays at its anchor.
    assert (np.abs(reach).max(axis=0) < 0.15).all()
    assert side.std() / still.side_px.mean() > 0.03
    again = crop_path(landmarks, whole(landmarks), moved=(0,))
    np.testing.assert_array_equal(again.centre_px, moved[0].centre_px)
    # However it is moved, the head is hidden (as `test_every_point_lies_in_the_mask`).
    for path in moved[:10]:
        points = path.to_crop(landmarks.points)
        assert inside_mask(points[..., 0], points[..., 1]).mean() > 0.99
