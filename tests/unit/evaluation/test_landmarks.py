from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contextalk.core.records import Landmarks
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import blinks, identity, joins, landmarks, silence

Make = Callable[..., Evidence]


def with_points(evidence: Evidence, points: np.ndarray) -> Evidence:
    return replace(evidence, seen=replace(evidence.seen, points=points.astype(np.float32)))


def test_a_shift_is_its_length_over_the_eye_distance(clip: Make) -> None:
    truth = clip()
    eyes = np.linalg.norm(truth.wanted[0, 36] - truth.wanted[0, 45])
    figures = landmarks.measure(with_points(truth, truth.wanted + np.array([3.0, 4.0])))
    # float32 coordinates of some 200 px carry 1e-5 px.
    assert figures["landmark distance"] == pytest.approx(100 * 5 / eyes, rel=1e-4)
    assert figures["mouth r"] == pytest.approx(1.0, abs=1e-4)
    only_mouth = truth.wanted.copy()
    only_mouth[:, 48:, 1] += 2.0
    figures = landmarks.measure(with_points(truth, only_mouth))
    assert figures["mouth distance"] == pytest.approx(100 * 2 / eyes, rel=1e-4)
    assert figures["landmark distance"] == pytest.approx(100 * 2 / eyes * 20 / 68, rel=1e-4)


def test_mouth_r_is_that_of_numpy_on_speaking_frames_alone(clip: Make) -> None:
    truth = clip()
    points = truth.wanted.copy()
    points[:, 66, 1] += np.random.default_rng(1).normal(0, 3, len(points))
    seen = Landmarks(
        points=points,
        pupils=np.zeros((50, 2, 2), np.float32),
        head_pose=np.zeros((50, 3), np.float32),
        valid=np.ones(50, bool),
        times_s=truth.times_s,
        size_px=(256, 256),
    ).mouth_open[:30]
    wanted = replace(truth, given=truth.wanted)
    true = np.linalg.norm(wanted.wanted[:30, 62] - wanted.wanted[:30, 66], axis=-1)
    figure = landmarks.measure(with_points(truth, points))["mouth r"]
    # The eye distance is the same in all frames, so it does not matter to r; float32 sums.
    assert figure == pytest.approx(np.corrcoef(seen, true)[0, 1], abs=1e-5)
    assert 0.2 < figure < 0.95


def test_a_still_mouth_has_r_0_and_a_silent_clip_none(clip: Make) -> None:
    truth = clip()
    still = with_points(truth, np.repeat(truth.wanted[:1], 50, axis=0))
    assert landmarks.measure(still)["mouth r"] == 0.0
    assert np.isnan(landmarks.measure(replace(truth, speaking=np.zeros(50, bool)))["mouth r"])


def test_frames_without_a_face_are_left_out_and_a_clip_without_one_is_not_measured(clip: Make) -> None:
    truth = clip()
    points = truth.wanted + 2.0
    points[::2] = np.nan
    some = landmarks.measure(with_points(truth, points))
    assert some["landmark distance"] == pytest.approx(
        landmarks.measure(with_points(truth, truth.wanted + 2.0))["landmark distance"],
        rel=1e-4,  # float32
    )
    none = landmarks.measure(with_points(truth, np.full((50, 68, 2), np.nan)))
    assert np.isnan(list(none.values())).all()


def test_saved_landmarks_are_brought_to_the_crop_and_invalid_rows_are_left_out(clip: Make) -> None:
    truth = clip()
    points = truth.crop.to_scene(truth.wanted)
    valid = np.ones(50, bool)
    points[7], valid[7] = 999.0, False
    saved = Landmarks(
        points=points,
        pupils=np.full((50, 2, 2), np.nan, np.float32),
        head_pose=np.zeros((50, 3), np.float32),
        valid=valid,
        times_s=truth.times_s,
        size_px=(160, 120),
    )
    figures = landmarks.measure(replace(truth, saved=saved))
    # There and back in float32: 1e-4 px of some 100 px between the eyes.
    assert figures["landmark distance, saved"] == pytest.approx(0.0, abs=1e-3)
    assert figures["mouth r, saved"] == pytest.approx(1.0, abs=1e-4)
    assert np.isnan(landmarks.measure(truth)["landmark distance, saved"])


def test_silent_motion_is_the_mean_change_while_silent(clip: Make) -> None:
    truth = clip()
    eyes = np.linalg.norm(truth.wanted[0, 36] - truth.wanted[0, 45])
    points = truth.wanted.copy()
    points[30:, 66, 1] = points[30:, 62, 1] + np.where(np.arange(20) % 2, 1.0, 3.0)
    # Every change is of 2 px. float32 gives the fourth digit.
    wanted = 100 / eyes * 2.0
    assert silence.measure(with_points(truth, points))["silent mouth motion"] == pytest.approx(wanted, rel=1e-3)
    assert silence.measure(truth)["silent mouth motion"] == pytest.approx(0.0, abs=1e-4)  # float32 of a still mouth
    points[40, 66, 1] += 38.0  # a frame misread: 40 px there and back instead of 2, of nineteen changes
    misread = silence.measure(with_points(truth, points))["silent mouth motion"]
    assert misread == pytest.approx(100 / eyes * (17 * 2 + 2 * 40) / 19, rel=1e-3)
    assert np.isnan(silence.measure(replace(truth, speaking=np.ones(50, bool)))["silent mouth motion"])


def test_silent_motion_does_not_depend_on_the_frame_rate(clip: Make) -> None:
    slow = clip()
    points = slow.wanted.copy()
    points[30:, 66, 1] += np.cumsum(np.random.default_rng(0).uniform(0, 1, 20))
    figure = silence.measure(with_points(slow, points))["silent mouth motion"]
    fast = replace(with_points(slow, points), times_s=slow.times_s / 2)
    # Twice as fast a change in the same time per frame.
    assert silence.measure(fast)["silent mouth motion"] == pytest.approx(2 * figure, rel=1e-5)


def closing(points: np.ndarray, frames: list[int], share: float) -> np.ndarray:
    """Upper lids lowered towards the lower ones: eyes open by a share."""
    closed = points.copy()
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        closed[frames, upper] = closed[frames, lower] + share * (closed[frames, upper] - closed[frames, lower])
    return closed


def test_blinks_are_counted_per_minute_and_a_squint_is_none(clip: Make) -> None:
    truth = clip()
    blinking = closing(truth.wanted, [5, 6, 7, 20, 21, 40], 0.1)
    # Three in two seconds.
    assert blinks.measure(with_points(truth, blinking))["blinks"] == pytest.approx(3 / (50 * 0.04 / 60))
    assert blinks.measure(with_points(truth, closing(truth.wanted, [5, 6, 7], 0.7)))["blinks"] == 0
    # A lid that trembles on its way is one blink.
    trembling = closing(closing(truth.wanted, [5, 7], 0.1), [6], 0.65)
    assert blinks.measure(with_points(truth, trembling))["blinks"] == pytest.approx(1 / (50 * 0.04 / 60))


def test_a_jump_at_every_join_is_seen_and_one_inside_windows_is_not_called_a_join(clip: Make) -> None:
    truth = clip()
    rng = np.random.default_rng(0)
    steady = truth.wanted + rng.normal(0, 0.1, truth.wanted.shape).astype(np.float32)
    steady_figure = joins.measure(with_points(truth, steady))["join jerk"]
    # Noise alike everywhere: 14 and 34 means of 136 numbers each, some 3 % apart.
    assert steady_figure == pytest.approx(1.0, abs=0.15)
    jump = 5.0 * truth.window[:, None, None]
    assert joins.measure(with_points(truth, steady + jump))["join jerk"] > 10
    inside = 5.0 * np.cumsum(np.arange(50) % 7 == 4)[:, None, None]
    assert joins.measure(with_points(truth, steady + inside))["join jerk"] < 0.3


def test_join_jerk_in_closed_form_on_one_jump(clip: Make) -> None:
    truth = clip()
    base = np.zeros((50, 68, 2))
    base[:, :, 0] = np.arange(50)[:, None] ** 2
    jump = base + 10.0 * truth.window[:, None, None] * np.array([1.0, 0.0])
    # x'' = 2 everywhere and ±10 on top before and after each of 7 joins, the first of which has no frame before it.
    assert joins.measure(with_points(truth, jump))["join jerk"] == pytest.approx((6 * 12 + 7 * 8) / 13 / 2)


def test_a_cut_is_no_join(clip: Make) -> None:
    marks = np.zeros(50, bool)
    marks[[0, 25]] = True
    truth = clip(joins=marks, spans=((0, 25), (25, 50)))
    assert truth.window.max() == 0
    moved = truth.wanted.copy()
    moved[25:] += 30
    assert np.isnan(joins.measure(with_points(truth, moved))["join jerk"])


def test_another_head_is_another_identity(clip: Make) -> None:
    truth, other = clip(), clip(seed=3)
    assert identity.measure(truth)["identity-own"] == pytest.approx(1.0, abs=1e-5)  # float32 unit vectors
    figure = identity.measure(replace(truth, seen=other.seen))["identity-own"]
    assert figure < 0.7
    assert np.isnan(identity.measure(with_points(truth, np.full((50, 68, 2), np.nan)))["identity-own"])
