"""Properties of geometry and time: conversions invert, windows tile, interpolation keeps what it is given."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contextalk.core.errors import ShapeError
from contextalk.core.geometry import CROP_PX, LATENT_CELLS, CropPath, cells_to_crop, crop_to_cells
from contextalk.core.records import Landmarks
from contextalk.core.time import (
    FASTEST_RENDER_HZ,
    SLOWEST_RENDER_HZ,
    WINDOW_FRAMES,
    clip_times,
    nearest_frames,
    render_stride,
    tile_windows,
)

coordinates = st.floats(-500, 4500, width=32)
sides = st.floats(16, 3000, width=32)


@st.composite
def paths_and_points(draw: st.DrawFn) -> tuple[CropPath, np.ndarray]:
    frames = draw(st.integers(1, 5))
    centre = draw(arrays(np.float32, (frames, 2), elements=coordinates))
    side = draw(arrays(np.float32, (frames,), elements=sides))
    inner = draw(st.sampled_from([(), (3,), (2, 2)]))
    points = draw(arrays(np.float32, (frames, *inner, 2), elements=coordinates))
    return CropPath(centre_px=centre, side_px=side), points


@st.composite
def increasing_times(draw: st.DrawFn, least: int = 2) -> np.ndarray:
    steps = draw(st.lists(st.floats(0.01, 1.0), min_size=least, max_size=12))
    return np.cumsum(steps) + draw(st.floats(-2, 2))


def landmarks_at(times_s: np.ndarray, valid: np.ndarray | None = None) -> Landmarks:
    """Every coordinate moves linearly with time, so that interpolation has an exact answer."""
    frames = len(times_s)
    valid = np.ones(frames, bool) if valid is None else valid
    slopes = np.arange(68 * 2).reshape(1, 68, 2)
    points = (times_s[:, None, None] * slopes).astype(np.float32)
    points[~valid] = np.nan
    return Landmarks(
        points=points,
        pupils=points[:, :2],
        head_pose=points[:, 0, :1] + np.zeros((1, 3), np.float32),
        valid=valid,
        times_s=times_s,
        size_px=(640, 480),
    )


@given(paths_and_points())
def test_crop_and_back(case: tuple[CropPath, np.ndarray]) -> None:
    path, points = case
    again = path.to_scene(path.to_crop(points))
    # float32: a crop coordinate is as large as 256 · 5000 / side, and its last place weighs side / 256 on the way back.
    largest = 5000 + path.side_px.max()
    np.testing.assert_allclose(again, points, atol=float(8 * np.finfo(np.float32).eps * largest))


@given(paths_and_points())
def test_the_square_fills_the_crop(case: tuple[CropPath, np.ndarray]) -> None:
    path, _ = case
    half = path.side_px[:, None] / 2
    corners = np.stack([path.centre_px - half, path.centre_px, path.centre_px + half], axis=1)
    wanted = np.array([0, CROP_PX / 2, CROP_PX])[None, :, None]
    # A corner's float32 rounding (1/4096 px at 4500), magnified by up to 256 / 16.
    np.testing.assert_allclose(path.to_crop(corners), np.broadcast_to(wanted, corners.shape), atol=0.02)


@given(arrays(np.float32, (4, 2), elements=st.floats(-100, 400, width=32)))
def test_cells_and_back(points: np.ndarray) -> None:
    # A power of two: exact, but for what underflows on the way.
    np.testing.assert_allclose(cells_to_crop(crop_to_cells(points)), points, rtol=0, atol=1e-30)
    assert crop_to_cells(np.full((1, 2), CROP_PX, np.float32))[0, 0] == LATENT_CELLS


def test_unknown_points_stay_unknown_and_shapes_are_checked() -> None:
    path = CropPath(centre_px=np.zeros((2, 2), np.float32), side_px=np.ones(2, np.float32))
    points = np.array([[[np.nan, 1]], [[2, 3]]], np.float32)
    assert np.isnan(path.to_scene(path.to_crop(points))[0, 0, 0])
    with pytest.raises(ShapeError):
        path.to_crop(points[:1])
    with pytest.raises(ShapeError):
        CropPath(centre_px=np.zeros((2, 2), np.float32), side_px=np.ones(3, np.float32))


@given(paths_and_points(), st.data())
def test_path_at_its_own_times_is_itself(case: tuple[CropPath, np.ndarray], data: st.DataObject) -> None:
    path, _ = case
    times_s = np.cumsum(data.draw(arrays(np.float64, (len(path),), elements=st.floats(0.01, 1))))
    again = path.at(times_s, times_s)
    np.testing.assert_array_equal(again.centre_px, path.centre_px)
    np.testing.assert_array_equal(again.side_px, path.side_px)
    outside = path.at(times_s, np.array([times_s[0] - 1, times_s[-1] + 1]))
    np.testing.assert_array_equal(outside.side_px, path.side_px[[0, -1]])


@given(st.integers(1, 400))
def test_windows_tile_exactly(frames: int) -> None:
    windows = tile_windows(frames)
    made = [frame for window in windows for frame in range(window.new_start, window.new_stop)]
    assert made == list(range(frames))
    assert [window.is_first for window in windows] == [True] + [False] * (len(windows) - 1)
    for before, window in itertools.pairwise(windows):
        assert window.start == before.new_stop - 1  # the carried frame is the last one made
        assert window.new_stop - window.start <= WINDOW_FRAMES
    assert all(window.new_stop - window.start == WINDOW_FRAMES for window in windows[1:-1])


def test_no_frames_no_windows() -> None:
    with pytest.raises(ValueError, match="seen 0"):
        tile_windows(0)


@given(increasing_times(least=1), st.lists(st.floats(-5, 20), min_size=1, max_size=8))
def test_nearest_is_nearest(times_s: np.ndarray, at_s: list[float]) -> None:
    chosen = nearest_frames(times_s, np.array(at_s))
    distance = np.abs(times_s[None] - np.array(at_s)[:, None])
    np.testing.assert_array_equal(distance[np.arange(len(at_s)), chosen], distance.min(axis=1))


@given(st.floats(1, 240))
def test_stage_2_draws_often_enough_and_no_more(rate_hz: float) -> None:
    stride = render_stride(rate_hz)
    drawn_hz = rate_hz / stride
    assert drawn_hz <= FASTEST_RENDER_HZ
    # One stride less would be too fast; scenes from 20 to 33 Hz are drawn frame by frame.
    assert stride == 1 or rate_hz / (stride - 1) > FASTEST_RENDER_HZ
    assert stride == 1 or drawn_hz > FASTEST_RENDER_HZ / 2
    assert stride == 1 or not SLOWEST_RENDER_HZ <= rate_hz <= FASTEST_RENDER_HZ


@pytest.mark.parametrize(("rate_hz", "stride"), [(16, 1), (23.976, 1), (25, 1), (29.97, 1), (33, 1), (50, 2), (60, 2)])
def test_strides_of_common_rates(rate_hz: float, stride: int) -> None:
    assert render_stride(rate_hz) == stride


def test_clip_times() -> None:
    np.testing.assert_array_equal(clip_times(4), [0, 0.04, 0.08, 0.12])


@given(increasing_times(), st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=6))
def test_landmarks_are_interpolated_linearly_and_held(times_s: np.ndarray, shares: list[float]) -> None:
    at_s = times_s[0] + np.array(shares) * (times_s[-1] - times_s[0])
    found = landmarks_at(times_s).at(at_s)
    wanted = landmarks_at(np.clip(at_s, times_s[0], times_s[-1])).points
    assert found.valid.all()
    # float32 of coordinates up to 135 · 14 s, rounded twice.
    np.testing.assert_allclose(found.points, wanted, atol=2e-3)
    np.testing.assert_array_equal(found.times_s, at_s)


@given(increasing_times(), st.data())
def test_landmarks_at_their_own_times_are_themselves(times_s: np.ndarray, data: st.DataObject) -> None:
    valid = data.draw(arrays(bool, len(times_s)))
    marks = landmarks_at(times_s, valid)
    found = marks.at(times_s)
    np.testing.assert_array_equal(found.valid, valid)
    np.testing.assert_array_equal(found.points, marks.points)


def test_landmarks_beside_an_unseen_frame_are_unseen() -> None:
    marks = landmarks_at(np.array([0.0, 1.0, 2.0, 3.0]), np.array([True, False, True, True]))
    found = marks.at(np.array([0.5, 1.0, 1.5, 2.0, 2.5]))
    assert found.valid.tolist() == [False, False, False, True, True]
    assert np.isfinite(found.points[found.valid]).all()
