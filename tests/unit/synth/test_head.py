"""The rig: labels against independent geometry, and against what is painted."""

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed: pip install 'contextalk[synth]'")
pytestmark = pytest.mark.usefixtures("skia_drawing")

_FIELDS = (
    "yaw",
    "pitch",
    "roll",
    "gaze_yaw",
    "gaze_pitch",
    "blink",
    "brow",
    "jaw",
    "wide",
    "rounded",
    "teeth",
    "tongue",
)


def _shapes(seed: int = 3, **values: list[float]):
    from contextalk.synth.head import HeadMotion, head_shapes
    from contextalk.synth.people import person

    frames = len(next(iter(values.values())))
    motion = {name: np.asarray(values.get(name, [0.0] * frames), float) for name in _FIELDS}
    place = {"neck_x": np.full(frames, 480.0), "neck_y": np.full(frames, 300.0)}
    return head_shapes(person(seed), HeadMotion(**place, **motion), 50.0)


def test_signs_of_yaw_pitch_and_roll() -> None:
    points = _shapes(yaw=[0, 30, 0, 0], pitch=[0, 0, 12, 0], roll=[0, 0, 0, 10]).points
    nose, still = points[:, 30], points[0]

    assert nose[1, 0] > nose[0, 0] + 20  # to image right
    assert nose[2, 1] < nose[0, 1] - 5  # up
    eyes = points[3, 45] - points[3, 36]
    assert eyes[1] > 0.1 * eyes[0]  # clockwise: the right eye sinks
    assert abs(still[36, 1] - still[45, 1]) < 1e-6


def test_a_head_facing_the_camera_is_symmetric() -> None:
    points = _shapes(yaw=[0]).points[0]
    mirrored = {0: 16, 17: 26, 31: 35, 36: 45, 39: 42, 48: 54, 60: 64}

    for left, right in mirrored.items():
        assert points[left, 0] + points[right, 0] == pytest.approx(2 * points[27, 0], abs=1e-6)
        assert points[left, 1] == pytest.approx(points[right, 1], abs=1e-6)


def test_turning_left_mirrors_turning_right() -> None:
    shapes = _shapes(yaw=[-35, 35])
    middle = 480.0

    # The chin is on the axis, the eye corners change sides.
    for left, right in ((8, 8), (36, 45), (48, 54)):
        assert middle - shapes.points[0, left, 0] == pytest.approx(shapes.points[1, right, 0] - middle, abs=1e-6)


@pytest.mark.parametrize("yaw", [-45.0, -25.0, 0.0, 25.0, 45.0])
def test_landmarks_lie_on_the_head(yaw: float) -> None:
    for seed in range(12):
        shapes = _shapes(seed, yaw=[yaw], jaw=[0.5])
        low, high = shapes.skull[0].min(axis=0), shapes.skull[0].max(axis=0)
        inside = shapes.points[0, 17:]

        # 2 px: the outline is a polygon of 72 corners, and noses may stand out by more, so they are left out.
        nose = slice(27 - 17, 36 - 17)
        rest = np.delete(inside, np.r_[nose], axis=0)
        assert (rest[:, 0] > low[0] - 2).all()
        assert (rest[:, 0] < high[0] + 2).all()
        assert (rest[:, 1] < high[1] + 2).all()


def test_the_far_eye_shrinks() -> None:
    points = _shapes(yaw=[0, 40]).points
    width = {
        eye: np.linalg.norm(points[:, a] - points[:, b], axis=1)
        for eye, (a, b) in {"near": (36, 39), "far": (42, 45)}.items()
    }

    assert width["far"][1] < 0.7 * width["near"][1]


def test_jaw_opens_the_lips_and_drops_the_chin() -> None:
    points = _shapes(jaw=[0, 0.5, 1]).points
    gap = points[:, 66, 1] - points[:, 62, 1]

    assert gap[0] == pytest.approx(0, abs=1e-9)
    assert gap[1] == pytest.approx(gap[2] / 2, rel=0.02)  # 2 %: the jaw also pulls the skin it slides on
    assert points[2, 8, 1] > points[0, 8, 1] + 3


def test_blink_shuts_the_eyes() -> None:
    points = _shapes(blink=[0, 1]).points
    height = points[:, 41, 1] - points[:, 37, 1]

    assert height[1] < 0.2 * height[0]


def test_gaze_moves_the_pupils() -> None:
    shapes = _shapes(gaze_yaw=[-20, 0, 20], gaze_pitch=[0, 10, 0])

    assert (np.diff(shapes.pupils[:, 0, 0]) > 1).all()
    assert shapes.pupils[1, 0, 1] < shapes.pupils[0, 0, 1]


def test_pupils_are_painted_where_they_are_labelled() -> None:
    from contextalk.synth import random_stage

    stage = random_stage(4, 6)
    dark = []
    for frame, rgb in enumerate(stage.frames()):
        for k, actor in enumerate(stage.actors):
            if abs(actor.motion.yaw[frame]) > 20 or actor.motion.blink[frame] > 0:
                continue
            x, y = stage.landmarks(k).pupils[frame, 0]
            dark.append(rgb[int(y + 1), int(x + 1)].mean())

    assert dark
    # The pupil's ink is (31, 20, 26); anything else near the eyes is far brighter.
    assert np.median(dark) < 60
