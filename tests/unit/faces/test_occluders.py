"""Who is in front of whom, and how much of a head's mask that covers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextalk.core.geometry import CropPath
from contextalk.core.records import Landmarks, Scene, Shot
from contextalk.faces import hands
from contextalk.faces.crop import crop_path, head_mask, scene_mask
from contextalk.faces.hand_tracks import HandTracks
from contextalk.faces.occluders import FittedPerson, HeadOutlines, Occluders, find_occluders, heads_in_front
from faces_kit import exact_points, spread_hand

FRAMES = 20
SHOTS = (Shot(start=0, stop=FRAMES),)
SIZE_PX = (640, 360)


def person(x: float, scale: float = 0.6, hidden: range = range(0)) -> Landmarks:
    """A head seen from the front: 146 px high with its hair at a scale of 0.6."""
    centre = np.repeat([[x, 180.0]], FRAMES, axis=0)
    points = exact_points(np.zeros((FRAMES, 3)), np.full(FRAMES, scale), centre)
    valid = np.ones(FRAMES, bool)
    valid[list(hidden)] = False
    points[~valid] = np.nan
    unknown = np.full((FRAMES, 2, 2), np.nan, np.float32)
    pose = np.zeros((FRAMES, 3), np.float32)
    times_s = np.arange(FRAMES) / 25
    return Landmarks(points=points, pupils=unknown, head_pose=pose, valid=valid, times_s=times_s, size_px=SIZE_PX)


def heads_beside(target: Landmarks, other: Landmarks) -> HeadOutlines:
    return heads_in_front(FittedPerson.of(target), [FittedPerson.of(other)], SHOTS)


def in_front(target: Landmarks, *others: Landmarks) -> list[list[int]]:
    """Frames in which each of the others is in front."""
    return [heads_beside(target, other).frames.tolist() for other in others]


EVERY = list(range(FRAMES))


def test_the_larger_of_two_heads_that_meet_is_in_front() -> None:
    near, far = person(340, 0.8), person(260, 0.6)
    assert in_front(far, near) == [EVERY]
    assert in_front(near, far) == [[]]


def test_of_two_heads_as_large_nobody_is_in_front() -> None:
    assert in_front(person(260), person(340)) == [[]]
    assert in_front(person(340, 0.64), person(260)) == [[]]


def test_who_is_beside_the_target_in_its_mask_is_not_behind() -> None:
    assert in_front(person(260), person(400), person(400, 0.4)) == [EVERY, EVERY]


def test_who_does_not_reach_the_mask_is_left_out() -> None:
    assert in_front(person(150), person(450, 0.9)) == [[]]
    assert not occluders(heads=heads_beside(person(150), person(450))).frames().size


def test_outlines_hold_the_head_where_it_is() -> None:
    near = person(340, 0.8)
    found = heads_beside(person(260), near).at(5)
    assert found.shape == (1, 84, 2)
    np.testing.assert_array_equal(found[0, :68], near.points[5])
    low, high = found[0].min(axis=0), found[0].max(axis=0)
    assert (high - low)[1] == pytest.approx(0.8 * 244, rel=0.1)
    assert (low[0] + high[0]) / 2 == pytest.approx(340, abs=3)


def test_who_is_seen_where_the_target_no_longer_is_stands_in_front() -> None:
    target = person(260, hidden=range(8, 14))
    assert in_front(target, person(270)) == [list(range(8, 14))]
    assert in_front(target, person(500)) == [[]]


def test_the_target_under_another_number_hides_nobody() -> None:
    target = person(260, hidden=range(8, FRAMES))
    assert in_front(target, person(270, hidden=range(8))) == [[]]


def test_before_it_was_seen_nobody_hides_a_head() -> None:
    assert in_front(person(260, hidden=range(5)), person(270)) == [[]]


def test_nobody_is_hidden_by_who_is_not_seen() -> None:
    assert in_front(person(260), person(340, 0.8, hidden=range(3, 9))) == [[*range(3), *range(9, FRAMES)]]


NOBODY = HeadOutlines(frames=np.zeros(0, np.int64), points=np.zeros((0, 84, 2), np.float32))


def occluders(*joints: np.ndarray, frame: int = 4, heads: HeadOutlines = NOBODY) -> Occluders:
    found = HandTracks(
        name="test",
        frames=np.full(len(joints), frame, np.int64),
        joints=np.array(joints, np.float32).reshape(-1, 21, 2),
    )
    return Occluders(hands=found, why_no_hands="", heads=heads)


@given(x=st.floats(200, 440), y=st.floats(100, 260), palm_px=st.floats(20, 60), side=st.floats(120, 300))
def test_the_covered_share_is_what_the_scene_shows(x: float, y: float, palm_px: float, side: float) -> None:
    """Drawn in crop px for a share and in scene px to be kept: one and the same."""
    found = occluders(spread_hand((x, y), palm_px))
    centre = np.repeat([[320.0, 180.0]], FRAMES, axis=0).astype(np.float32)
    shares = found.covered(CropPath(centre_px=centre, side_px=np.full(FRAMES, side, np.float32)))
    inside = scene_mask(SIZE_PX, centre[0], side) > 0
    seen = (found.mask(4, SIZE_PX) > 0) & inside
    # Lines have whole widths, which differ by up to a px a side between the two scales.
    assert shares[4] == pytest.approx(seen.sum() / inside.sum(), abs=0.03)
    assert not shares[np.arange(FRAMES) != 4].any()


def test_a_head_that_covers_all_covers_all() -> None:
    outline = np.array([[0, 0], [640, 0], [640, 360], [0, 360]], np.float32).repeat(21, axis=0)
    found = occluders(heads=HeadOutlines(frames=np.array([3]), points=outline[None]))
    assert found.frames().tolist() == [3]
    assert found.covered(crop_path(person(320), SHOTS))[3] == 1.0


def test_frames_without_a_place_for_a_head_are_not_covered() -> None:
    nowhere = CropPath(centre_px=np.full((FRAMES, 2), np.nan, np.float32), side_px=np.full(FRAMES, np.nan, np.float32))
    assert not occluders(spread_hand((320, 180), 60)).covered(nowhere).any()


def test_a_hand_before_the_mouth_covers_more_than_may_be() -> None:
    """The default of `prepare --max-covered` (5 %) holds apart a hand before the mouth and a finger at the chin."""
    crop = crop_path(person(320), SHOTS)
    palm_px = 0.6 * 97  # millimetres
    assert occluders(spread_hand((320, 230), palm_px)).covered(crop)[4] > 0.05
    beside = float(crop.side_px[4]) * 0.5 + 1.2 * palm_px
    assert occluders(spread_hand((320 + beside, 200), palm_px)).covered(crop)[4] < 0.01
    assert head_mask().mean() == pytest.approx(0.59, abs=0.02)


def test_hands_that_cannot_be_looked_for_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "PALM", "not_in_the_wheel.tflite")
    scene = Scene(
        path=tmp_path / "unread.mp4",
        size_px=SIZE_PX,
        times_s=np.arange(FRAMES) / 25,
        duration_s=FRAMES / 25,
        rotation_deg=0,
        has_audio=False,
    )
    far, near = (found for found in find_occluders(scene, SHOTS, [person(260), person(340, 0.8)], [0, 1], None))
    assert far.hands is None
    assert "not_in_the_wheel" in far.why_no_hands
    assert (far.looked_for, far.name) == ("heads", "heads-2")
    assert far.frames().tolist() == EVERY
    assert not len(near.frames())
    assert replace(far, hands=occluders().hands).looked_for == "hands, heads"


def test_heads_that_hardly_meet_do_not_flicker() -> None:
    """Beside each other at the threshold, both trembling by a pixel: kept or not, but not now and then."""
    for apart in range(96, 116, 2):
        rng = np.random.default_rng(apart)
        target, other = person(260), person(260 + apart)
        for who in (target, other):
            who.points[:] += rng.uniform(-1, 1, (len(who), 1, 2)).astype(np.float32)
        kept = np.isin(EVERY, heads_beside(target, other).frames)
        changes = sum(int(np.count_nonzero(np.diff(kept[shot.start : shot.stop].astype(int)))) for shot in SHOTS)
        assert changes <= len(SHOTS), (apart, kept)
