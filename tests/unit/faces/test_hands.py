"""Hands and their tracks; the models themselves on a real picture, where there is one."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Scene, SeenHands, Shot
from contextalk.faces import analysis as analysis_module
from contextalk.faces import blocks, hands
from contextalk.faces.analysis import analyse
from contextalk.faces.backends import Person, SeenFace
from contextalk.faces.blocks import look_at_blocks
from contextalk.faces.crop import crop_path
from contextalk.faces.detection import overlap
from contextalk.faces.hand_tracks import lasting
from contextalk.faces.hand_watch import HandWatch
from contextalk.faces.hands import HandFinder, draw_hand, palm_length, why_no_hands
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.faces.occluders import find_occluders
from contextalk.media.video import Picture, read_frames, write_video
from faces_kit import spread_hand
from generation_kit import still_landmarks

FRAMES, RATE_HZ = 50, 25.0
SHOTS = (Shot(start=0, stop=30), Shot(start=30, stop=FRAMES))


def scene_of(path: Path = Path("scene.mp4")) -> Scene:
    times_s = np.arange(FRAMES) / RATE_HZ
    return Scene(path=path, size_px=(320, 240), times_s=times_s, duration_s=2.0, rotation_deg=0, has_audio=False)


def seen(*runs: tuple[range, float], step_px: float = 2.0) -> SeenHands:
    """Hands over ranges of frames with a presence each, moving to the right."""
    rows = [(frame, number, presence) for number, (frames, presence) in enumerate(runs) for frame in frames]
    rows.sort(key=lambda row: row[0])
    joints = [spread_hand((60 + 150 * number + step_px * frame, 120), 30) for frame, number, _ in rows]
    return SeenHands(
        name="test",
        frames=np.array([row[0] for row in rows], np.int64),
        joints=np.array(joints, np.float32).reshape(-1, 21, 2),
        presence=np.array([row[2] for row in rows], np.float32),
    )


def frames_that_count(found: SeenHands) -> list[int]:
    return lasting(found, scene_of(), SHOTS).frames.tolist()


def test_a_hand_that_stays_and_is_sure_counts() -> None:
    assert frames_that_count(seen((range(5, 15), 0.9))) == list(range(5, 15))


def test_a_flash_and_an_unsure_hand_do_not_count() -> None:
    assert frames_that_count(seen((range(5, 9), 0.99))) == []
    assert frames_that_count(seen((range(5, 25), 0.7))) == []
    assert frames_that_count(seen()) == []


def test_a_hand_does_not_last_over_a_cut() -> None:
    assert frames_that_count(seen((range(27, 33), 0.99))) == []


def test_short_gaps_are_filled_in_a_straight_line() -> None:
    every = seen((range(5, 15), 0.9))
    gap = np.isin(every.frames, [8, 9, 10])
    holed = replace(every, frames=every.frames[~gap], joints=every.joints[~gap], presence=every.presence[~gap])
    filled = lasting(holed, scene_of(), SHOTS)
    assert filled.frames.tolist() == list(range(5, 15))
    np.testing.assert_allclose(filled.joints, every.joints, atol=1e-3)  # the hand moves evenly


def test_a_long_gap_stays_empty() -> None:
    assert frames_that_count(seen((range(2, 8), 0.9), step_px=0)) == list(range(2, 8))
    both = seen((range(2, 8), 0.9), step_px=0)
    later = replace(both, frames=both.frames + 12)
    names = ("frames", "joints", "presence")
    parts = {name: np.concatenate([getattr(part, name) for part in (both, later)]) for name in names}
    joined = SeenHands(name="test", **parts)
    assert frames_that_count(joined) == [*range(2, 8), *range(14, 20)]


def test_two_hands_are_two() -> None:
    found = lasting(seen((range(5, 15), 0.9), (range(8, 20), 0.95)), scene_of(), SHOTS)
    assert [len(found.at(frame)) for frame in (5, 8, 14, 15, 19, 20)] == [1, 2, 2, 1, 1, 0]


@given(
    angle=st.floats(-180, 180),
    palm_px=st.floats(20, 60),
    x=st.floats(150, 250),
    y=st.floats(150, 250),
)
def test_the_shape_of_a_hand_holds_its_joints_and_turns_with_it(
    angle: float, palm_px: float, x: float, y: float
) -> None:
    upright = spread_hand((0, 0), palm_px)
    turn = np.array(cv2.getRotationMatrix2D((0, 0), angle, 1.0)[:, :2], np.float64)
    areas = []
    for joints in (upright + np.full(2, 200.0), upright @ turn.T + np.array([x, y])):
        mask = np.zeros((400, 400), np.uint8)
        draw_hand(mask, joints)
        at = np.floor(joints).astype(int)
        assert (mask[at[:, 1], at[:, 0]] == 255).all()
        areas.append(np.count_nonzero(mask))
    # Lines have whole widths and whole ends; a tenth holds for palms of 20 px on.
    assert abs(areas[1] / areas[0] - 1) < 0.1
    assert palm_length(upright) == pytest.approx(palm_px)


def test_fingers_apart_leave_the_face_between_them() -> None:
    mask = np.zeros((400, 400), np.uint8)
    joints = spread_hand((200, 200), 100)
    draw_hand(mask, joints)
    for tip in range(4, 20, 4):
        x, y = ((joints[tip] + joints[tip + 4]) / 2).astype(int)
        assert mask[y, x] == 0, f"between the tips {tip} and {tip + 4}"


def test_models_that_are_missing_are_said_and_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "PALM", "not_in_the_wheel.tflite")
    assert "no not_in_the_wheel.tflite" in why_no_hands()
    with pytest.raises(ContextalkError, match="not_in_the_wheel"):
        HandFinder()


class Finder(HandFinder):
    """Notes which frames it is shown, by the grey that counts them; those from 12 to 25 show a hand in the middle.

    The networks take seconds and find no hand in a grey picture; when they are asked is what is tested.
    """

    def __init__(self) -> None:
        self.frames: list[int] = []

    def __call__(self, rgb: np.ndarray) -> list[hands.Hand]:
        frame = round(float(rgb.mean()) / 4)
        self.frames.append(frame)
        middle = np.array(rgb.shape[1::-1]) / 2
        return [hands.Hand(joints=spread_hand(tuple(middle), 20), presence=0.9)] if 12 <= frame < 26 else []


class Still:
    """A face that is seen in some frames."""

    name = "still"

    def __init__(self, points: np.ndarray, frames: range = range(FRAMES)) -> None:
        self.face = SeenFace(points=points, pupils=np.full((2, 2), np.nan), look=np.ones(1, np.float32))
        self.frames = frames

    def see(self, picture: Picture, *, changed: bool) -> list[SeenFace]:  # noqa: ARG002 (as backends are called)
        return [self.face] if picture.index in self.frames else []

    def people(self, *_: object) -> list[Person]:
        return []


def grey_film(path: Path) -> Path:
    write_video(path, [np.full((240, 320, 3), 4 * frame, np.uint8) for frame in range(FRAMES)], crf=4)
    return path


def test_frames_around_a_hand_are_all_looked_at_and_others_seldom(tmp_path: Path) -> None:
    film, find = grey_film(tmp_path / "grey.mp4"), Finder()
    points = still_landmarks(np.zeros(1), (320, 240)).points[0]
    ((_, block),) = look_at_blocks(film, None, Still(points), hands=find)
    assert block.hand_frames.tolist() == list(range(12, 26))
    # The square lies around the face wherever it is cut: the hand in its middle is at the face.
    face = np.nanmean(points, axis=0)
    assert np.abs(block.hand_joints.mean(axis=1) - (face + spread_hand((0, 0), 20).mean(axis=0))).max() < 12
    every_fifth = [*range(0, FRAMES, 5), FRAMES - 1]
    assert sorted(find.frames) == sorted({*every_fifth, *range(11, 31)})


@pytest.mark.parametrize("rate_hz", [8.0, 12.5, 24000 / 1001, 30.0, 60.0, "varying"])
def test_looks_are_a_fifth_of_a_second_apart_at_any_rate(rate_hz: float | str) -> None:
    steps_s = (
        np.random.default_rng(0).uniform(0.01, 0.1, 59) if rate_hz == "varying" else np.full(59, 1 / float(rate_hz))
    )
    times_s = np.round(np.r_[0, steps_s.cumsum()], 3)  # as Matroska rounds them
    find = Finder()
    watch = HandWatch(find=find)
    points = still_landmarks(np.zeros(1), (320, 240)).points[0]
    face = SeenFace(points=points, pupils=np.full((2, 2), np.nan), look=np.ones(1, np.float32))
    for index, time_s in enumerate(times_s.tolist()):
        rgb = np.full((240, 320, 3), 4 * index, np.uint8)
        watch.see(Picture(index=index, time_s=time_s, rgb=rgb, damaged=False), [face])
    assert [hand.frame for hand in watch.finish()] == list(range(12, 26))
    looks_s = times_s[sorted(set(find.frames))]
    # Never later than at the first frame after a fifth of a second, and away from the hand never much sooner.
    assert np.diff(looks_s).max() <= 0.2 + max(steps_s)
    # Of fast pictures eight are held at most.
    shortest_s = min(0.195, 7.5 * float(np.median(steps_s)))
    assert np.diff(looks_s[looks_s < times_s[12] - 0.3]).min(initial=1) >= shortest_s


def test_a_face_that_a_hand_hides_is_looked_at_where_it_was(tmp_path: Path) -> None:
    film, find = grey_film(tmp_path / "grey.mp4"), Finder()
    points = still_landmarks(np.zeros(1), (320, 240)).points[0]
    ((_, block),) = look_at_blocks(film, None, Still(points, range(14)), hands=find)
    assert block.hand_frames.tolist() == list(range(12, 26))


def test_a_hand_over_a_block_border_is_seen_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The face is hidden where the second block begins, so that nothing tells where it was."""
    monkeypatch.setattr(blocks, "BLOCK_FRAMES", 20)
    points = still_landmarks(np.zeros(1), (320, 240)).points[0]
    made = [
        block
        for _, block in look_at_blocks(grey_film(tmp_path / "g.mp4"), None, Still(points, range(14)), hands=Finder())
    ]
    assert [frame for block in made for frame in block.hand_frames] == list(range(12, 26))


def test_hands_are_looked_for_around_annotated_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = grey_film(tmp_path / "grey.mp4")
    still_landmarks(np.arange(FRAMES) / RATE_HZ, (320, 240)).save(tmp_path / "landmarks-0.npz")
    monkeypatch.setattr(analysis_module, "HandFinder", Finder)
    monkeypatch.setattr(analysis_module, "watch_version", lambda: "finder")
    seen_hands = analyse(film, work_dir=tmp_path / "work").hands
    assert seen_hands is not None
    assert seen_hands.frames.tolist() == list(range(12, 26))


@given(start=st.integers(0, 1400))
def test_a_fifth_of_a_second_is_one_everywhere(start: int) -> None:
    """Five frames at 25 Hz, and a gap of four within a hand, wherever in a scene of a minute."""
    times_s = np.arange(1500) / RATE_HZ
    scene = replace(scene_of(), times_s=times_s, duration_s=60.0)
    five = seen((range(start, start + 5), 0.9), step_px=0)
    shot = (Shot(start=0, stop=1500),)
    assert lasting(five, scene, shot).frames.tolist() == list(range(start, start + 5))
    every = seen((range(start, start + 12), 0.9), step_px=0)
    rest = np.isin(every.frames - start, [0, 1, 2, 3, 8, 9, 10, 11])
    gap = replace(every, frames=every.frames[rest], joints=every.joints[rest], presence=every.presence[rest])
    assert lasting(gap, scene, shot).frames.tolist() == list(range(start, start + 12))


def test_blocks_without_a_finder_have_no_hands(tmp_path: Path) -> None:
    points = still_landmarks(np.zeros(1), (320, 240)).points[0]
    ((_, block),) = look_at_blocks(grey_film(tmp_path / "grey.mp4"), None, Still(points))
    assert (block.hand_frames.shape, block.hand_joints.shape) == ((0,), (0, 21, 2))


@pytest.mark.media
def test_real_hands_are_where_they_are(media: Path) -> None:
    picture = next(iter(read_frames(media / "bad_inputs/signing_person_no_audio.mkv", start=42)))
    found = HandFinder()(picture.rgb)
    boxes = np.array([[*hand.joints.min(axis=0), *hand.joints.max(axis=0)] for hand in found])
    # Read off the picture by eye: the raised hand and the other before the chest, and a finger of each.
    truth = np.array([[187.0, 203, 267, 278], [303, 258, 387, 335]])
    assert len(found) == 2
    shared = overlap(truth, boxes)
    assert (shared.max(axis=1) > 0.6).all(), boxes
    raised, low = (found[at].joints for at in shared.argmax(axis=1))
    assert np.linalg.norm(raised[4] - [266, 228]) < 8, "tip of the thumb"
    assert np.linalg.norm(low[0] - [377, 280]) < 20, "wrist"
    assert min(hand.presence for hand in found) > 0.9


@pytest.mark.media
def test_faces_are_no_hands(media: Path) -> None:
    find = HandFinder()
    for name in ("single/webcam_woman_720p.mp4", "single/whitehouse_address_1.mp4", "grid_s1_single_6min.mp4"):
        for picture in read_frames(media / name, stop=3):
            assert not find(picture.rgb), name


@pytest.mark.media
def test_a_real_hand_that_passes_before_a_face_is_followed(media: Path, tmp_path: Path) -> None:
    """The raised hand of one person laid over the face of another, coming and going."""
    whole = next(iter(read_frames(media / "bad_inputs/signing_person_no_audio.mkv", start=42))).rgb
    hand = max(HandFinder()(whole), key=lambda hand: hand.presence)
    shape = np.zeros(whole.shape[:2], np.uint8)
    draw_hand(shape, hand.joints)
    face = next(iter(read_frames(media / "grid_s1_single_6min.mp4", stop=1))).rgb
    seen = MediapipeBackend().faces(face)[0, :68]
    middle, height = (seen.min(axis=0) + seen.max(axis=0)) / 2, float(np.ptp(seen[:, 1]))
    scale = 0.68 * height / palm_length(hand.joints)
    frames, truth = [], []
    for frame in range(FRAMES):
        away = 1.6 * height if frame < 10 or frame >= 40 else 0.4 * height
        shift = middle + np.array([away, 0.2 * height]) - scale * hand.joints.mean(axis=0)
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        alpha = cv2.warpAffine(shape, matrix, face.shape[1::-1])[..., None] / 255
        frames.append((face * (1 - alpha) + cv2.warpAffine(whole, matrix, face.shape[1::-1]) * alpha).astype(np.uint8))
        truth.append(alpha[..., 0] > 0)
    video = tmp_path / "hand.mp4"
    write_video(video, frames, crf=10)
    analysis = analyse(video, work_dir=tmp_path)
    assert analyse(video, work_dir=tmp_path).hands is not None, "they are kept with the analysis"
    scene, shots = analysis.scene, (Shot(start=0, stop=FRAMES),)
    still = still_landmarks(scene.times_s, scene.size_px)
    person = replace(still, points=np.repeat(seen[None], FRAMES, axis=0))
    (found,) = find_occluders(scene, shots, [person], [0], analysis.hands)
    covered = found.covered(crop_path(person, shots))
    assert (covered[10:40] > 0.05).all()
    assert not covered[:8].any()
    assert not covered[42:].any()
    shown = found.mask(25, scene.size_px) > 0
    assert (shown & truth[25]).sum() / (shown | truth[25]).sum() > 0.6
