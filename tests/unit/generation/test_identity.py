"""Which head says who the target is."""

from dataclasses import replace

import numpy as np
from tests.generation_kit import face_points

from contextalk.core.geometry import CropPath
from contextalk.core.records import Landmarks
from contextalk.generation import identity as room
from contextalk.generation.identity import Identity, IdentityHead, identity_from_scene


def turned(share: float) -> np.ndarray:
    """A face whose inner features stand to one side, as a turned head's do."""
    points = face_points((128, 140), 120)
    points[17:48, 0] += 20 * share
    return np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])


def head(share: float) -> IdentityHead:
    return IdentityHead(picture=np.zeros((256, 256, 3), np.uint8), points=turned(share))


def test_a_window_takes_the_head_nearest_in_pose_that_is_not_in_it():
    identity = Identity(heads=(head(0), head(1), head(0.4)), times_s=(0.0, 5.0, 9.0))
    wanted = np.repeat(turned(0.9)[None], 8, axis=0) * 1.1 + np.float32(12)  # elsewhere and larger: the same pose
    assert identity.for_window(2.0, 2.3, wanted) is identity.heads[1]
    assert identity.for_window(4.9, 5.2, wanted) is identity.heads[2]
    assert identity.for_window(2.0, 2.3) is identity.heads[0]
    assert replace(identity, times_s=(2.1, 2.1, 2.1)).for_window(2.0, 2.3, wanted) is identity.heads[2]


def test_a_head_that_must_face_the_other_way_is_taken_from_the_mirror():
    rng = np.random.default_rng(0)
    known = IdentityHead(picture=rng.integers(0, 255, (256, 256, 3), dtype=np.uint8), points=turned(1))
    identity = Identity(heads=(known,), times_s=(None,))
    assert identity.for_window(0, 1, turned(0.9)[None]) is known
    other = identity.for_window(0, 1, turned(-0.9)[None])
    np.testing.assert_array_equal(other.picture, known.picture[:, ::-1])
    # face_points is symmetric about x = 128 but for the turn: its mirror is the turn the other way, point by point.
    np.testing.assert_allclose(other.points, turned(-1), atol=1e-4)
    np.testing.assert_allclose(other.mirrored().points, known.points, atol=1e-4)


def test_heads_of_other_poses_are_kept(monkeypatch):
    frames = 100
    monkeypatch.setattr(room, "_read_head", lambda *_: np.zeros((256, 256, 3), np.uint8))
    pose = np.zeros((frames, 3), np.float32)
    pose[20:40, 0], pose[60:70, 0], pose[90, 0] = 30, -25, 60
    points = np.repeat(face_points((400, 300), 120)[None], frames, axis=0)
    landmarks = Landmarks(
        points=points,
        pupils=np.full((frames, 2, 2), np.nan, np.float32),
        head_pose=pose,
        valid=np.arange(frames) != 90,
        times_s=np.arange(frames) / 25,
        size_px=(960, 540),
    )
    crop = CropPath(centre_px=np.full((frames, 2), (400, 300), np.float32), side_px=np.full(frames, 200, np.float32))
    identity = identity_from_scene(None, landmarks, crop, np.zeros(frames, bool))  # pyright: ignore[reportArgumentType]
    seen = [round(time * 25) for time in identity.times_s if time is not None]
    assert pose[seen, 0].tolist() == [0, 30, -25]  # the most frontal, then the farthest; never the frame without a face


def test_a_head_whose_pose_is_not_known_is_taken_last(monkeypatch):
    monkeypatch.setattr(room, "_read_head", lambda *_: np.zeros((256, 256, 3), np.uint8))
    pose = np.array([[30, 0, 0], [np.nan] * 3, [5, 0, 0]], np.float32)
    landmarks = Landmarks(
        points=np.repeat(face_points((400, 300), 120)[None], 3, axis=0),
        pupils=np.full((3, 2, 2), np.nan, np.float32),
        head_pose=pose,
        valid=np.ones(3, bool),
        times_s=np.arange(3.0),
        size_px=(960, 540),
    )
    crop = CropPath(centre_px=np.full((3, 2), (400, 300), np.float32), side_px=np.full(3, 200, np.float32))
    identity = identity_from_scene(None, landmarks, crop, np.zeros(3, bool))  # pyright: ignore[reportArgumentType]
    assert identity.times_s == (2.0, 0.0)
