"""The seam of judges of who speaks: what they are shown, and what an analysis makes of what they say."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contextalk.core.records import Analysis, Landmarks, Shot
from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ, clip_times, nearest_frames
from contextalk.faces.active_speaker import LEAST_FRAMES, PIECE_FRAMES, View, who_speaks
from contextalk.faces.analysis import analyse
from contextalk.faces.crop import crop_path
from contextalk.faces.face_squares import face_squares, speaker_view
from contextalk.faces.mouth_views import mouth_views
from contextalk.faces.sheet import describe_people, describe_voices
from contextalk.faces.speaking import MOUTH_MOTION
from contextalk.faces.targets import choose_target
from contextalk.faces.views import head_crop
from contextalk.media.audio import read_audio
from contextalk.media.video import probe, read_at, write_video
from speakers_kit import BRIGHT_X, FRAMES, SIZE_PX, person, write_scene

FRAME = SAMPLE_RATE_HZ // RATE_HZ


@dataclass(slots=True)
class Brightness:
    """Takes whoever is bright for the speaker, and remembers what it was shown."""

    name: str = "brightness-1"
    view: View = "face"
    views: list[NDArray[np.uint8]] = field(default_factory=list)
    waves: list[NDArray[np.float32]] = field(default_factory=list)

    def score(self, views: NDArray[np.uint8], wave: NDArray[np.float32]) -> NDArray[np.float32]:
        self.views.append(views)
        self.waves.append(wave)
        return (views.mean(axis=(1, 2)) / 255).astype(np.float32)

    def decide(self, scores: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.nan_to_num((scores > 0.5) * voice).astype(np.float32)


def film(path: Path, frames: int, *, rate_hz: int = RATE_HZ, sound: bool = True) -> Path:
    """A slope to the right that brightens by a level a frame, and a ramp for a sound: both tell where and when."""
    ramp = np.linspace(-0.5, 0.5, round(frames / rate_hz * SAMPLE_RATE_HZ)).astype(np.float32)
    slope = np.broadcast_to(np.linspace(0, 90, SIZE_PX[0])[None, :, None], (SIZE_PX[1], SIZE_PX[0], 3))
    pictures = ((slope + frame % 150).astype(np.uint8) for frame in range(frames))
    write_video(path, pictures, rate_hz=rate_hz, wave=ramp if sound else None)
    return path


def told(path: Path, people: list[Landmarks], judge: Brightness, shots: tuple[Shot, ...] = ()) -> list[np.ndarray]:
    scene = probe(path)
    frames = len(scene.times_s)
    people = [replace(one, times_s=scene.times_s) for one in people]
    return who_speaks(scene, shots or (Shot(start=0, stop=frames),), people, np.ones(frames, np.float32), judge)


def hide(one: Landmarks, start: int, stop: int) -> Landmarks:
    points, valid = one.points.copy(), one.valid.copy()
    points[start:stop], valid[start:stop] = np.nan, False
    return replace(one, points=points, valid=valid)


def plain_faces(path: Path, one: Landmarks) -> NDArray[np.uint8]:
    """At 25 Hz, whatever the rate of the video."""
    times_s = probe(path).times_s
    at_s = clip_times(int(times_s[-1] * RATE_HZ + 0.05) + 1)  # times are rounded by the container
    at_s = at_s[one.valid[nearest_frames(times_s, at_s)]]
    squares = face_squares(read_at(path, at_s), one.points[nearest_frames(times_s, at_s)])
    return np.stack([speaker_view(square) for square in squares])


def plain_mouths(path: Path, one: Landmarks) -> NDArray[np.uint8]:
    crop = crop_path(one, [Shot(start=0, stop=len(one))])
    seen = np.flatnonzero(one.valid)
    pictures = zip(seen, read_at(path, clip_times(len(one))[seen]), strict=True)
    heads = [head_crop(rgb, crop.centre_px[at], float(crop.side_px[at])) for at, rgb in pictures]
    return mouth_views(np.stack(heads), crop.to_crop(one.points)[seen])


@pytest.mark.parametrize(("view", "plain"), [("face", plain_faces), ("mouth", plain_mouths)])
def test_views_of_a_stream_are_those_of_the_whole_video(
    view: View, plain: Callable[[Path, Landmarks], NDArray[np.uint8]], tmp_path: Path
) -> None:
    absent, frames = 50, 2 * PIECE_FRAMES + 61
    path = film(tmp_path / "film.mp4", frames)
    one = person(1, 100.0, talks=True, frames=frames)
    walked = one.points + np.linspace((0, 0), (120, 0), frames)[:, None]
    one = hide(replace(one, points=walked.astype(np.float32)), 0, absent)
    judge = Brightness(view=view)
    told(path, [one], judge)
    assert len(judge.views) == 3
    assert max(map(len, judge.views)) - min(map(len, judge.views)) <= 1
    np.testing.assert_array_equal(np.concatenate(judge.views), plain(path, one))
    # The sound beside them, as it is when the whole of it is read at once.
    wave = read_audio(path, rate_hz=SAMPLE_RATE_HZ)[absent * FRAME : frames * FRAME]
    np.testing.assert_array_equal(np.concatenate(judge.waves)[: len(wave)], wave)


@pytest.mark.parametrize("rate_hz", [12, 50])
def test_any_rate_is_shown_at_25_hz(rate_hz: int, tmp_path: Path) -> None:
    frames = 2 * rate_hz
    path = film(tmp_path / "film.mp4", frames, rate_hz=rate_hz)
    one = person(1, 150.0, talks=True, frames=frames)
    judge = Brightness()
    (sure,) = told(path, [one], judge)
    assert len(sure) == frames
    (views,) = judge.views
    # The last of 12 frames a second stands at 1.917 s: 25 Hz ends there.
    assert len(views) == (48 if rate_hz == 12 else 50)
    np.testing.assert_array_equal(views, plain_faces(path, one))
    assert len(judge.waves[0]) == len(views) * FRAME


@dataclass(slots=True)
class Judged(Brightness):
    """Takes everybody for the speaker who was judged."""

    def decide(self, scores: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
        return (np.isfinite(scores) * voice).astype(np.float32)


def test_gaps_are_bridged_and_cuts_are_not(tmp_path: Path) -> None:
    frames = 100
    path = film(tmp_path / "film.mp4", frames)
    one = hide(hide(person(1, 150.0, talks=False, frames=frames), 10, 20), 60, 90)
    judge = Judged()
    shots = (Shot(start=0, stop=40), Shot(start=40, stop=frames))
    (sure,) = told(path, [one], judge, shots)
    # What follows a gap of 30 frames is too short to be judged.
    assert frames - 90 < LEAST_FRAMES
    assert [len(views) for views in judge.views] == [40, 20]
    # The second begins 40 frames, and as many levels, later; the codec moves grey by a level or two.
    first, second = (float(views[0].mean()) for views in judge.views)
    assert second - first == pytest.approx(40, abs=2)
    # Nobody is seen to speak in a gap that was bridged for the judge.
    assert np.flatnonzero(sure).tolist() == [*range(10), *range(20, 60)]


def test_a_face_outside_the_picture_is_grey(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", 20)
    judge = Brightness()
    told(path, [person(1, -500.0, talks=False, frames=20)], judge)
    assert (judge.views[0] == 110).all()


def test_without_sound_nobody_is_asked(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", 20, sound=False)
    judge = Brightness()
    (sure,) = told(path, [person(1, 150.0, talks=True, frames=20)], judge)
    assert not sure.any()
    assert not judge.views
    assert told(path, [], judge) == []


def test_sound_shorter_than_the_video_ends_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, [np.zeros((180, 320, 3), np.uint8)] * 50, wave=np.full(SAMPLE_RATE_HZ, 0.3, np.float32))
    judge = Brightness()
    told(path, [person(1, 150.0, talks=True, frames=50)], judge)
    assert len(judge.waves[0]) == 50 * FRAME
    assert np.abs(judge.waves[0][: SAMPLE_RATE_HZ // 2]).mean() > 0.2
    assert not judge.waves[0][-SAMPLE_RATE_HZ // 2 :].any()


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Analysis]:
    scene = write_scene(tmp_path)

    def analysed(judge: Brightness | None = None, **options: object) -> Analysis:
        return analyse(scene, work_dir=tmp_path / "work", active_speaker=judge, **options)  # pyright: ignore[reportArgumentType]

    return analysed


def test_a_judge_turns_round_who_speaks(look: Callable[..., Analysis]) -> None:
    by_motion, by_light = look(), look(Brightness())
    assert (by_motion.active_speaker, by_light.active_speaker) == (MOUTH_MOTION, "brightness-1")
    assert choose_target(by_motion, "auto").index == 1
    assert choose_target(by_light, "auto").index == 0
    assert by_light.tracks[0].landmarks.points[..., 0].mean() < BRIGHT_X + 40
    left, right = describe_people(by_light)
    # The voice lasts 1.8 s; loudness is sure of it but for its edges.
    assert left.speaking_s == pytest.approx(1.8, abs=0.2)
    assert right.speaking_s == 0
    voices = describe_voices(by_light)
    assert voices.active_speaker == "brightness-1"
    assert (voices.off_screen_s, voices.overlapping_s) == (0, 0)


@dataclass(slots=True)
class Certain(Brightness):
    """Takes nobody, or everybody, for the speaker."""

    sure: float = 0.0

    def decide(self, scores: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full((len(scores), len(voice)), self.sure, np.float32)


@pytest.mark.parametrize(("sure", "off_screen", "overlapping"), [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0)])
def test_voices_of_nobody_and_of_two_are_told_by_the_judge(
    look: Callable[..., Analysis], sure: float, off_screen: float, overlapping: float
) -> None:
    voices = describe_voices(look(Certain(name=f"certain-{sure}", sure=sure)))
    assert voices.voice_s > 1
    assert voices.off_screen_s == pytest.approx(off_screen * voices.voice_s)
    assert voices.overlapping_s == pytest.approx(overlapping * voices.voice_s)


def test_what_a_judge_said_is_kept_under_its_name(look: Callable[..., Analysis]) -> None:
    told: list[str] = []

    def listen(stage: str, _done: int, _total: int) -> None:
        told.append(stage)

    first, again, other = Brightness(), Brightness(), Brightness(name="brightness-2")
    look(first, progress=listen)
    assert (told.count("faces"), told.count("speakers")) == (FRAMES, FRAMES)
    kept = look(again, progress=listen)
    assert not again.views
    assert kept.active_speaker == "brightness-1"
    assert choose_target(kept, "auto").index == 0
    look(other, progress=listen)
    assert other.views
    assert told.count("faces") == FRAMES  # faces are found once for all judges
    look()
    assert choose_target(look(), "auto").index == 1


def test_annotated_speech_is_not_judged(look: Callable[..., Analysis], tmp_path: Path) -> None:
    speaking = {"speaking_0": np.zeros(FRAMES, np.float32), "speaking_1": np.ones(FRAMES, np.float32)}
    np.savez(tmp_path / "labels.npz", **speaking)
    judge = Brightness()
    known = look(judge)
    assert not judge.views
    assert known.active_speaker == known.backend
    assert choose_target(known, "auto").index == 1
    np.savez(tmp_path / "labels.npz", speaking_1=speaking["speaking_1"])
    assert look(judge).active_speaker == "brightness-1"
    assert len(judge.views) == 2  # who speaks may depend on everybody
