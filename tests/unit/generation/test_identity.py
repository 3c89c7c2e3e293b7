"""Which head says who the target is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.generation_kit import face_points, make_scene, still_landmarks

from contextalk.core.errors import ContextalkError, MediaError, TargetError
from contextalk.core.geometry import CropPath
from contextalk.core.records import Landmarks
from contextalk.faces.eyes import eyes_open
from contextalk.faces.head_model import head_points
from contextalk.generation import identity_sources as room
from contextalk.generation.identity import Choice, Identity, IdentityHead, fine_size
from contextalk.generation.identity_sources import identity_from_file, identity_from_scene
from contextalk.generation.plan import Span, head_window_times, landmark_window_times, plan_steps


def turned(share: float) -> np.ndarray:
    """A face whose inner features stand to one side, as a turned head's do."""
    points = face_points((128, 140), 120)
    points[17:48, 0] += 20 * share
    return np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])


def taken(identity: Identity, start_s: float, stop_s: float, wanted: np.ndarray | None = None) -> IdentityHead:
    return identity.head(identity.choose(start_s, stop_s, wanted), start_s, stop_s)


def head(share: float) -> IdentityHead:
    return IdentityHead(picture=np.zeros((256, 256, 3), np.uint8), points=turned(share))


def unread(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    """Scenes are black, of (height, width) px."""
    picture = np.zeros((*size, 3), np.uint8)
    monkeypatch.setattr(room, "_read", lambda _, frames: ((frame, picture) for frame in frames))


def test_a_window_takes_the_head_nearest_in_pose_that_is_not_in_it():
    identity = Identity(heads=(head(0), head(1), head(0.4)), times_s=(0.0, 5.0, 9.0))
    wanted = np.repeat(turned(0.9)[None], 8, axis=0) * 1.1 + np.float32(12)  # elsewhere and larger: the same pose
    assert taken(identity, 2.0, 2.3, wanted).picture is identity.heads[1].picture
    assert taken(identity, 4.9, 5.2, wanted).picture is identity.heads[2].picture
    assert taken(identity, 2.0, 2.3).picture is identity.heads[0].picture
    assert taken(replace(identity, times_s=(2.1, 2.1, 2.1)), 2.0, 2.3, wanted).picture is identity.heads[2].picture


def test_the_window_befores_head_is_kept_unless_another_is_clearly_nearer():
    identity = Identity(heads=(head(0), head(0.4)), times_s=(0.0, 5.0))
    chosen = [identity.choose(2.0, 2.3, turned(0)[None])]
    for share in (0.1, 0.19, 0.21, 0.24, 0.21, 0.19, 0.4, 0.24, 0.21, 0.19):
        chosen.append(identity.choose(2.0, 2.3, turned(share)[None], chosen[-1]))
    assert [choice.head for choice in chosen] == [0] * 7 + [1] * 4
    # What lies in the window is left at once.
    assert identity.choose(4.9, 5.2, turned(0.4)[None], chosen[-1]).head == 0
    assert not identity.is_free(chosen[-1], 4.9, 5.2)
    assert identity.is_free(chosen[-1], 6.9, 7.2)


def test_pictures_are_as_fine_as_the_scene_can_show(monkeypatch, tmp_path):
    assert [fine_size(side) for side in (100, 320, 321, 560, 820, 4000)] == [None, None, 512, 512, 768, 1024]
    fine = IdentityHead(
        picture=np.zeros((256, 256, 3), np.uint8), points=turned(0), fine=np.zeros((1024, 1024, 3), np.uint8)
    )
    given = Identity(heads=(fine,), times_s=(None,))
    given = replace(given, lenders=(fine,), lender_times_s=(0.0,))
    for side, size in ((200, None), (560, 512), (3000, 1024)):
        (seen,), (mouth,) = given.as_fine_as(side).heads, given.as_fine_as(side).lenders
        assert (None if mouth.fine is None else len(mouth.fine)) == size
        assert (None if seen.fine is None else len(seen.fine)) == size
    # Small heads of a scene cost what they are, whatever another shot shows.
    unread(monkeypatch, (1080, 1920))
    landmarks = still_landmarks(np.arange(60) / 25, (1920, 1080))
    generated = np.arange(60) < 30
    crop = CropPath(
        centre_px=np.full((60, 2), 540, np.float32), side_px=np.where(generated, 200, 900).astype(np.float32)
    )
    assert all(head.fine is None for head in identity_from_scene(tmp_path, landmarks, crop, generated).heads)
    heads = identity_from_scene(tmp_path, landmarks, crop, ~generated).heads
    assert {head.fine.shape for head in heads if head.fine is not None} == {(1024, 1024, 3)}


def test_a_head_that_must_face_the_other_way_is_taken_from_the_mirror():
    rng = np.random.default_rng(0)
    known = IdentityHead(picture=rng.integers(0, 255, (256, 256, 3), dtype=np.uint8), points=turned(1))
    identity = Identity(heads=(known,), times_s=(None,))
    assert taken(identity, 0, 1, turned(0.9)[None]).picture is known.picture
    other = taken(identity, 0, 1, turned(-0.9)[None])
    np.testing.assert_array_equal(other.picture, known.picture[:, ::-1])
    # face_points is symmetric about x = 128 but for the turn: its mirror is the turn the other way, point by point.
    np.testing.assert_allclose(other.points, turned(-1), atol=1e-4)
    np.testing.assert_allclose(other.mirrored().points, known.points, atol=1e-4)
    whole = replace(known, lenders=(known,), fine=np.repeat(np.repeat(known.picture, 2, axis=0), 2, axis=1)).mirrored()
    assert whole.fine is not None
    np.testing.assert_array_equal(whole.lenders[0].picture, other.picture)
    np.testing.assert_array_equal(whole.fine[::2, ::2], other.picture)


def opened(share: float, opening_px: float) -> IdentityHead:
    points = turned(share)
    points[65:68, 1] = points[[63, 62, 61], 1] + opening_px
    return IdentityHead(picture=np.zeros((256, 256, 3), np.uint8), points=points)


def test_a_window_may_be_lent_all_mouths_that_are_not_in_it():
    known, wide, narrow = opened(0, 4), opened(0, 14), opened(0, 5)
    identity = Identity(heads=(known,), times_s=(0.0,), lenders=(wide, narrow), lender_times_s=(4.0, 6.0))
    assert [mouth.picture is wide.picture for mouth in taken(identity, 1.0, 1.3).lenders] == [True, False]
    assert [mouth.points.max() for mouth in taken(identity, 3.9, 4.2).lenders] == [narrow.points.max()]
    mirrored = identity.head(Choice(0, mirrored=True), 3.9, 4.2)
    np.testing.assert_array_equal(mirrored.lenders[0].points, narrow.mirrored().points)


def test_whether_an_inside_is_known():
    closed, wide = opened(0, 0), opened(0, 14)
    assert not closed.shows_inside
    assert wide.shows_inside
    assert replace(closed, lenders=(closed, wide)).shows_inside


def test_mouths_unlike_each_other_are_kept(monkeypatch):
    unread(monkeypatch, (540, 960))
    monkeypatch.setattr(room, "_MOST_MOUTHS", 3)
    frames = 60
    landmarks = still_landmarks(np.arange(frames) / 25, (960, 540))
    landmarks.points[:, 65:68, 1] = landmarks.points[:, [63, 62, 61], 1]
    crop = CropPath(centre_px=np.full((frames, 2), 270, np.float32), side_px=np.full(frames, 200, np.float32))
    landmarks.points[30:33, 65:68, 1] += 12
    landmarks.points[40, 65:68, 1] += 6
    landmarks.points[50, 48:68, 0] = 270 + 0.8 * (landmarks.points[50, 48:68, 0] - 270)
    identity = identity_from_scene(Path("unread"), landmarks, crop, np.ones(frames, bool))
    # The widest, a closed one, and of the two others the one that is farther from both.
    assert len(identity.lenders) == 3
    assert identity.lender_times_s[0] == 30 / 25
    assert {30 / 25, 40 / 25} < set(identity.lender_times_s) or {30 / 25, 50 / 25} < set(identity.lender_times_s)
    # Three alike are one.
    assert len({round(time * 25) for time in identity.lender_times_s} & {30, 31, 32}) == 1


def test_lenders_of_a_long_scene_come_from_some_stretches(monkeypatch):
    unread(monkeypatch, (540, 960))
    frames = 9000
    landmarks = still_landmarks(np.arange(frames) / 25, (960, 540))
    landmarks.points[:, 65:68, 1] += np.random.default_rng(0).uniform(0, 12, frames)[:, None]
    crop = CropPath(centre_px=np.full((frames, 2), 270, np.float32), side_px=np.full(frames, 200, np.float32))
    identity = identity_from_scene(Path("unread"), landmarks, crop, np.ones(frames, bool))
    taken_at = np.sort(np.rint(np.array(identity.lender_times_s) * 25)).astype(int)
    assert len(taken_at) == 24
    stretches = np.linspace(0, frames - 250, 6)
    assert set(np.searchsorted(stretches, taken_at, side="right")) > {2, 5}
    assert (taken_at - stretches[np.searchsorted(stretches, taken_at, side="right") - 1] < 250).all()


def test_heads_of_other_poses_are_kept(monkeypatch):
    frames = 100
    unread(monkeypatch, (540, 960))
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


def from_scene(monkeypatch, yaw_deg: np.ndarray, generated: np.ndarray) -> Identity:
    """Of a scene at 25 Hz in which the head turns so."""
    unread(monkeypatch, (540, 960))
    frames = len(yaw_deg)
    landmarks = replace(
        still_landmarks(np.arange(frames) / 25, (960, 540)),
        head_pose=np.stack([yaw_deg, 0 * yaw_deg, 0 * yaw_deg], axis=1).astype(np.float32),
    )
    crop = CropPath(centre_px=np.full((frames, 2), (432, 270), np.float32), side_px=np.full(frames, 200, np.float32))
    return identity_from_scene(None, landmarks, crop, generated)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("frames", [9, 12, 24, 40])
def test_no_window_of_a_short_scene_needs_its_own_head(monkeypatch, frames: int):
    """Most frontal in the middle, so that nothing is a second away."""
    yaw = np.abs(np.arange(frames) - frames // 2).astype(float) / 10
    identity = from_scene(monkeypatch, yaw, np.ones(frames, bool))
    (span,) = spans = [Span(shot=0, start=0, stop=frames)]
    times_s = np.arange(frames) / 25
    windows = head_window_times(times_s, plan_steps(spans, frames, 1)) + landmark_window_times(times_s, [span])
    assert not any(identity.has_own_head(*window) for window in windows)
    for start_s, stop_s in windows:
        head = taken(identity, start_s, stop_s)
        taken_s = next(
            t for own, t in zip(identity.heads, identity.times_s, strict=True) if own.picture is head.picture
        )
        assert taken_s is not None
        assert not start_s <= taken_s <= stop_s


def test_a_scene_of_one_window_has_no_other_head(monkeypatch):
    identity = from_scene(monkeypatch, np.arange(8.0), np.ones(8, bool))
    assert identity.has_own_head(0.0, 0.28)
    assert not identity.has_own_head(0.0, 0.0)


@pytest.mark.parametrize("frames", [10, 100])
def test_frames_outside_the_range_lend_the_head(monkeypatch, frames: int):
    """However far it is turned there, and however short the scene."""
    outside = np.arange(frames) >= frames - 2
    identity = from_scene(monkeypatch, np.where(outside, 50.0, 0.0), ~outside)
    assert all(time_s is not None and time_s >= (frames - 2) / 25 for time_s in identity.times_s)


def test_a_head_whose_pose_is_not_known_is_taken_last(monkeypatch):
    unread(monkeypatch, (540, 960))
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


def test_landmarks_beside_a_picture_say_where_the_face_is(tmp_path: Path):
    """No backend sees this face; crop px are the scene's square again."""
    picture = tmp_path / "face.png"
    Image.new("RGB", (300, 260), (200, 150, 120)).save(picture)
    beside = tmp_path / "face.landmarks.npz"
    written = still_landmarks(np.zeros(1), (300, 260))
    written.save(beside)
    (head,) = identity_from_file(picture).heads
    spread = written.points[0] - written.points[0].mean(axis=0)
    seen = head.points[:68] - head.points[:68].mean(axis=0)
    # One scale for all: float32 coordinates of some hundred px.
    np.testing.assert_allclose(seen * np.ptp(spread) / np.ptp(seen), spread, atol=1e-3)
    for wrong, says in (
        (
            replace(written, size_px=(260, 300)),
            "1 faces in 260x300 px, .* wanted one valid face in 300x260",
        ),
        (still_landmarks(np.arange(2) / 25, (300, 260)), "2 faces"),
        (replace(written, valid=np.zeros(1, bool)), "0 of them valid"),
    ):
        wrong.save(beside)
        with pytest.raises(TargetError, match=says):
            identity_from_file(picture)
    for wrong, says in ((np.nan, r"lack points \[30\], wanted all 68"), (400, "lie outside the picture")):
        points = written.points.copy()
        points[0, 30 if np.isnan(wrong) else slice(None)] += wrong
        replace(written, points=points).save(beside)
        with pytest.raises(TargetError, match=says):
            identity_from_file(picture)
    beside.write_bytes(b"no landmarks")
    with pytest.raises(ContextalkError, match="no landmarks file"):
        identity_from_file(picture)


def test_a_video_of_the_person_has_heads_and_lenders_from_elsewhere(tmp_path: Path):
    video = make_scene(tmp_path / "them", ticks=tuple(range(40)))
    identity = identity_from_file(video)  # by the annotation in its folder
    assert identity.heads[0].matte is not None
    assert len(identity.lenders) >= 1
    # None of them is ever inside a window.
    assert {*identity.times_s, *identity.lender_times_s} == {None}
    assert len(taken(identity, 0.0, 9.0).lenders) == len(identity.lenders)
    landmarks = Landmarks.load(tmp_path / "them" / "landmarks-0.npz")
    beside = video.with_suffix(".landmarks.npz")
    landmarks.save(beside)
    again = identity_from_file(video)
    np.testing.assert_array_equal(again.heads[0].picture, identity.heads[0].picture)
    landmarks[slice(0, 30)].save(beside)
    with pytest.raises(TargetError, match="are 30 faces, 30 of them valid, wanted one for each of its 40 frames"):
        identity_from_file(video)


def test_what_is_neither_picture_nor_video_is_no_identity(tmp_path: Path):
    path = tmp_path / "me.png"
    path.write_text("nothing")
    with pytest.raises(MediaError, match=r"me\.png is no picture or video"):
        identity_from_file(path)


def test_closed_eyes_are_no_picture_where_there_are_open_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Turned straight in a blink, turned away some degrees with open eyes: these can be closed, those not opened."""
    unread(monkeypatch, (240, 320))
    landmarks = still_landmarks(np.arange(100) / 25, (320, 240))
    blinks = np.arange(100) % 25 < 6
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        landmarks.points[blinks, upper] = landmarks.points[blinks, lower]
    landmarks.head_pose[:] = np.where(blinks, 0.0, 20.0)[:, None]
    crop = CropPath(centre_px=np.full((100, 2), 120, np.float32), side_px=np.full(100, 150, np.float32))
    identity = identity_from_scene(tmp_path, landmarks, crop, np.ones(100, bool))
    taken = [round(time_s * 25) for time_s in identity.times_s if time_s is not None]
    assert len(taken) >= 2
    assert not blinks[taken].any()
    landmarks.points[~blinks] = np.nan
    asleep = replace(landmarks, valid=blinks)
    assert identity_from_scene(tmp_path, asleep, crop, np.ones(100, bool)).heads, "there are no others"


def test_eyes_of_turned_heads_are_no_more_open():
    """Over its foreshortened width an eye opens by half at 40 degrees, and frontal ones would count as closed."""
    head = head_points()
    yaw = np.radians(np.where(np.arange(100) < 40, 0, 45))
    turned_head = np.stack(
        [head[:, 0] * np.cos(yaw)[:, None] + head[:, 2] * np.sin(yaw)[:, None], np.tile(head[:, 1], (100, 1))], axis=2
    )
    points = (turned_head * 0.6 + np.array([160, 120])).astype(np.float32)
    landmarks = replace(still_landmarks(np.arange(100) / 25, (320, 240)), points=points)
    # The fit of a generic head to itself; the eyes' own points are not coplanar.
    assert np.abs(eyes_open(landmarks) - 1).max() < 0.1
    blink = points.copy()
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        blink[5, upper] = blink[5, lower]
    assert eyes_open(replace(landmarks, points=blink))[5] < 0.1
