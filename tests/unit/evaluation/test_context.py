from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contextalk.evaluation.calibration import (
    angle_between_deg,
    calibrate,
    gaze_angles,
    gaze_vectors,
    pupil_places,
)
from contextalk.evaluation.cells import Cell
from contextalk.evaluation.evidence import Evidence, Shown
from contextalk.evaluation.metrics import context

Make = Callable[..., Evidence]


def turned_away(evidence: Evidence, other: Evidence) -> Evidence:
    return replace(evidence, seen=other.seen)


def twins_turned(*clips: Evidence) -> Cell:
    return context.measure_set({clip.name: context.part(clip) for clip in clips})["twins turned"]


def test_a_head_on_the_right_side_and_one_on_the_wrong(clip: Make) -> None:
    right, left = clip(yaw_deg=20.0), clip(yaw_deg=-20.0)
    assert right.around is not None
    assert right.around.towards_addressee[0] == 1
    assert context.measure(right)["side right"] == 1.0
    assert context.measure(turned_away(right, left))["side right"] == 0.0
    assert context.measure(right)["listener turns"] == 1.0
    assert context.measure(turned_away(right, left))["listener turns"] == 0.0


def test_listening_is_judged_in_silent_frames_alone(clip: Make) -> None:
    yaw = np.where(np.arange(50) < 30, 20.0, -20.0)
    turning = clip(yaw_deg=yaw)
    assert turning.around is not None
    listening = replace(turning.around, towards_speaker=np.full(50, -1, np.int8))
    assert context.measure(replace(turning, around=listening))["listener turns"] == 1.0
    figures = context.measure(replace(turning, around=listening, speaking=np.ones(50, bool)))
    assert np.isnan(figures["listener turns"])


def test_nobody_addressed_or_nothing_known_is_not_measured(clip: Make) -> None:
    alone = clip()
    assert alone.around is not None
    nobody = replace(alone, around=replace(alone.around, towards_addressee=np.zeros(50, np.int8)))
    assert np.isnan(context.measure(nobody)["side right"])
    assert np.isnan(list(context.measure(replace(alone, around=None)).values())).all()


def twins(clip: Make) -> tuple[Evidence, Evidence]:
    one, other = clip(yaw_deg=20.0, name="a"), clip(yaw_deg=-20.0, name="a-twin")
    assert one.around is not None
    assert other.around is not None
    return replace(one, around=replace(one.around, twin="a-twin")), replace(
        other, around=replace(other.around, twin="a")
    )


def test_twins_count_once_and_only_if_both_turn(clip: Make) -> None:
    one, other = twins(clip)
    assert twins_turned(one, other).mean == 1.0
    # A head that does not look at the scene shows one pose for both.
    assert twins_turned(one, turned_away(other, one)).mean == 0.0
    assert twins_turned(one).count == 0
    # A pair of which one was not measured is not measured, and counted.
    blank = replace(other.seen, points=np.full_like(other.seen.points, np.nan))
    unseen = twins_turned(one, replace(other, seen=blank))
    assert (unseen.count, unseen.missing) == (0, 1)
    assert context.twins_turned({"a": 1, "b": 1, "c": 1, "d": 0}, {"a": "b", "b": "a", "c": "d", "d": "c"}) == [1, 0]


def test_the_direction_to_the_addressee_is_where_the_seats_say(clip: Make) -> None:
    truth = clip(yaw_deg=20.0)
    pose, gaze = truth.seen.head_pose.copy(), np.tile(np.float32([[26.0, 3.0]]), (50, 1))
    pose[:, 0] = np.where(np.arange(50) % 2, 24.0, 32.0)
    seen = replace(truth, seen=replace(truth.seen, head_pose=pose, gaze_deg=gaze))
    # The addressee is at 30°: 6 and 2 away by turns, the eyes 4.
    figures = context.measure(seen)
    assert figures["yaw to the addressee"] == pytest.approx(4.0)
    assert figures["gaze to the addressee"] == pytest.approx(4.0)
    assert seen.around is not None
    nobody = replace(seen.around, addressee_deg=np.full(50, np.nan, np.float32))
    assert np.isnan(context.measure(replace(seen, around=nobody))["yaw to the addressee"])


def test_yaw_error_is_the_difference_in_degrees(clip: Make) -> None:
    truth = clip(yaw_deg=np.linspace(-30, 30, 50))
    pose = truth.seen.head_pose.copy()
    pose[:, 0] = np.linspace(-30, 30, 50) + np.where(np.arange(50) % 2, 4.0, -2.0)
    seen = replace(truth, seen=replace(truth.seen, head_pose=pose))
    assert context.measure(seen)["yaw error"] == pytest.approx(3.0, abs=1e-4)  # float32 degrees


def halved(shown: Shown, noise_deg: float) -> Shown:
    pose = shown.head_pose.copy()
    pose[:, 0] = 0.5 * pose[:, 0] + 3 + np.random.default_rng(0).normal(0, noise_deg / 2, len(pose))
    return replace(shown, head_pose=pose)


def test_a_head_seen_at_half_its_yaw_is_calibrated_and_the_residual_is_told(clip: Make) -> None:
    yaw = np.linspace(-30, 30, 50)
    truth = clip(yaw_deg=yaw)
    # The generic head's fit to the generic head is exact to well below the noise.
    read = halved(truth.truth, noise_deg=2.0)
    calibration = calibrate([(read, truth.around)])
    assert calibration.yaw is not None
    assert calibration.yaw[0] == pytest.approx(2.0, abs=0.1)
    # Mean absolute value of a normal deviate of 2°: 1.6°, from 50 draws within a sixth.
    assert calibration.yaw_error_deg == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.3)
    seen = calibration.apply(read)
    assert np.abs(seen.head_pose[:, 0] - yaw).mean() == pytest.approx(calibration.yaw_error_deg, rel=1e-5)


def test_gaze_is_read_from_pupils_and_pose(clip: Make) -> None:
    yaw = np.linspace(-30, 30, 50)
    truth = clip(yaw_deg=yaw)
    assert truth.around is not None
    aside = np.sin(np.arange(50))
    along = truth.wanted[:, [39, 45]] - truth.wanted[:, [36, 42]]
    pupils = truth.truth.pupils + 0.1 * aside[:, None, None] * along
    shown = replace(truth.truth, pupils=pupils)
    # Eyes turned by 15° for a tenth of their width.
    gaze = gaze_vectors(np.stack([yaw + 15 * aside, np.zeros(50)], axis=1))
    around = replace(truth.around, gaze_wanted=gaze.astype(np.float32))
    calibration = calibrate([(shown, around)])
    # The generic head's pose is linear in the true one but for fit residue well below a degree.
    assert calibration.gaze_error_deg < 0.5
    right = replace(truth, seen=calibration.apply(shown), around=around)
    assert context.measure(right)["gaze error"] < 0.5
    straight = replace(right, seen=calibration.apply(truth.truth))
    # 15° times the mean of |sin| over these frames; great circles differ little at such pitch.
    assert context.measure(straight)["gaze error"] == pytest.approx(15 * np.abs(aside).mean(), abs=0.7)
    blind = replace(shown, pupils=np.full_like(pupils, np.nan))
    assert np.isnan(context.measure(replace(right, seen=calibration.apply(blind)))["gaze error"])


def test_nothing_known_calibrates_nothing(clip: Make) -> None:
    truth = clip()
    calibration = calibrate([(truth.truth, None)])
    assert (calibration.yaw, calibration.gaze) == (None, None)
    assert np.array_equal(calibration.apply(truth.truth).head_pose, truth.truth.head_pose)
    assert np.isnan(context.measure(replace(truth, seen=calibration.apply(truth.truth)))["gaze error"])


def test_gaze_angles_and_vectors_invert_and_follow_the_camera_axes() -> None:
    angles = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 20.0], [-40.0, -10.0]])
    vectors = gaze_vectors(angles)
    assert vectors[0] == pytest.approx([0, 0, -1])  # into the camera
    assert vectors[1][0] > 0  # image right
    assert vectors[2][1] < 0  # up
    assert gaze_angles(vectors) == pytest.approx(angles)
    assert angle_between_deg(vectors[:1], vectors[1:2]) == pytest.approx([30.0])


def test_pupil_places_do_not_change_when_the_head_tilts(clip: Make) -> None:
    truth = clip().truth
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    aside = truth.pupils + np.array([3.0, 2.0], np.float32)
    level = pupil_places(truth.points, aside)
    tilted = pupil_places((truth.points @ turn.T).astype(np.float32), (aside @ turn.T).astype(np.float32))
    assert level[0, 0] > 0.05
    assert tilted == pytest.approx(level, abs=1e-4)  # float32 px over eyes 20 px wide
