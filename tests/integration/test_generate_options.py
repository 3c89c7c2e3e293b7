"""What each word of a request does."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from contextalk.core.records import GenerateRequest, Landmarks, MissingFace
from contextalk.faces.targets import TargetError
from contextalk.generation.generate import generate_with
from contextalk.generation.identity_sources import identity_from_scene
from contextalk.generation.pipeline import Face, Shown, Told
from contextalk.generation.sheet import contact_sheet
from contextalk.media.audio import read_audio
from contextalk.media.video import write_video
from generation_kit import EnergyFaces, FlatHeads, make_audio, make_scene, planes_of, simple_pipeline, still_landmarks

FRAMES = 30


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenerateRequest:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tone = (0.1 * np.sin(np.arange(round(FRAMES / 25 * 16000)) * 0.2)).astype(np.float32)
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(FRAMES)), wave=tone, hidden=(0, 12, 13, 14))
    audio = make_audio(tmp_path / "audio.wav", 0.6)
    return GenerateRequest(scene=scene, audio=audio, output=tmp_path / "out.mp4", lossless=True)


def changed_frames(request: GenerateRequest) -> list[int]:
    pairs = zip(planes_of(request.scene), planes_of(request.output), strict=True)
    return [index for index, (old, new) in enumerate(pairs) if not np.array_equal(old[0], new[0])]


def test_a_shorter_audio_ends_in_silence_with_the_mouth_closing(request_: GenerateRequest):
    result = generate_with(simple_pipeline(), request_)
    assert result.report["silence_s"] == pytest.approx(0.6, abs=1e-3)
    opening = result.landmarks.mouth_open
    # The simple stage eases over frames; a second of speech against the last, silent third.
    assert opening[-4:].max() < 0.5 * opening[:15].max()
    heard = read_audio(request_.output)
    assert len(heard) / 16000 == pytest.approx(FRAMES / 25, abs=0.05)  # AAC ends on a block of 1024
    assert np.abs(heard[int(0.8 * 16000) : int(1.1 * 16000)]).max() < 1e-3


def test_only_the_range_is_touched(request_: GenerateRequest):
    result = generate_with(simple_pipeline(), replace(request_, time_range_s=(0.2, 0.4)))
    assert changed_frames(request_) == [5, 6, 7, 8, 9]
    assert np.flatnonzero(result.landmarks.valid).tolist() == [5, 6, 7, 8, 9]


def test_missing_faces_are_held_by_default(request_: GenerateRequest):
    result = generate_with(simple_pipeline(), request_)
    assert changed_frames(request_) == list(range(FRAMES))
    assert result.report["missing_face_frames"] == [0, 12, 13, 14]


def test_missing_faces_may_pass_through(request_: GenerateRequest):
    result = generate_with(simple_pipeline(), replace(request_, on_missing_face="passthrough"))
    assert changed_frames(request_) == [i for i in range(FRAMES) if i not in (0, 12, 13, 14)]
    assert result.report["spans"] == [[1, 12], [15, 30]]


def test_missing_faces_may_be_an_error(request_: GenerateRequest):
    with pytest.raises(TargetError, match="no face in 4 of 30 frames"):
        generate_with(simple_pipeline(), replace(request_, on_missing_face="error"))


def test_saved_landmarks_replay_to_the_same_frames(request_: GenerateRequest, tmp_path: Path):
    saved = tmp_path / "saved.npz"
    generate_with(simple_pipeline(), replace(request_, save_landmarks=saved))
    assert Landmarks.load(saved).times_s == pytest.approx(np.arange(FRAMES) / 25)
    pipeline = simple_pipeline()
    again = replace(request_, landmarks=saved, output=tmp_path / "again.mp4")
    generate_with(pipeline, again)
    assert isinstance(pipeline.landmarks, EnergyFaces)
    assert pipeline.landmarks.calls == 0
    for one, other in zip(planes_of(request_.output), planes_of(again.output), strict=True):
        assert all(np.array_equal(*planes) for planes in zip(one, other, strict=True))


def test_edited_landmarks_without_a_face_follow_the_policy(request_: GenerateRequest, tmp_path: Path):
    saved = tmp_path / "saved.npz"
    generate_with(simple_pipeline(), replace(request_, save_landmarks=saved))
    landmarks = Landmarks.load(saved)
    landmarks.valid[20:24] = False
    landmarks.points[20:24] = np.nan
    landmarks.save(saved)
    replayed = replace(request_, landmarks=saved, on_missing_face="passthrough")
    generate_with(simple_pipeline(), replayed)
    assert changed_frames(request_) == [*range(1, 12), *range(15, 20), *range(24, 30)]


@pytest.mark.parametrize(
    ("policy", "changed"), [("passthrough", [*range(4, 12), *range(15, 21)]), ("hold", list(range(FRAMES)))]
)
def test_landmarks_for_part_of_a_shot_are_no_more_than_that(
    request_: GenerateRequest, tmp_path: Path, policy: MissingFace, changed: list[int]
):
    """Rows for frames 5 to 19: a frame beside them is held over, the others follow the policy and are reported."""
    still_landmarks(np.arange(5, 20) / 25).save(tmp_path / "part.npz")
    request = replace(request_, landmarks=tmp_path / "part.npz", on_missing_face=policy)
    result = generate_with(simple_pipeline(), request)
    assert changed_frames(request) == changed
    assert result.report["missing_face_frames"] == [*range(4), 12, 13, 14, *range(21, FRAMES)]


def test_the_report_says_what_was_replayed(request_: GenerateRequest, tmp_path: Path):
    path = tmp_path / "given.npz"
    still_landmarks(np.arange(2, 20) / 25, hidden=(3, 4)).save(path)
    result = generate_with(simple_pipeline(), replace(request_, landmarks=path))
    assert result.report["replayed_landmarks"] == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": 18,
        "valid_rows": 16,
        "times_s": [0.08, 0.76],
    }
    assert generate_with(simple_pipeline(), request_).report["replayed_landmarks"] is None


@pytest.mark.parametrize("sound", ["driving", "scene+driving", "keep"])
def test_what_is_heard(request_: GenerateRequest, sound: str):
    generate_with(simple_pipeline(), replace(request_, sound=sound))  # pyright: ignore[reportArgumentType]
    # The driving buzz is over at 0.6 s; the scene's tone is always there.
    late = np.abs(read_audio(request_.output)[int(0.8 * 16000) : int(1.1 * 16000)]).max()
    assert (late > 0.05) == (sound != "driving")
    early = np.abs(read_audio(request_.output)[: int(0.3 * 16000)]).max()
    assert (early > 0.25) == (sound != "keep")


def test_keep_without_sound_stays_silent(request_: GenerateRequest, tmp_path: Path):
    scene = make_scene(tmp_path / "mute", ticks=tuple(range(8)))
    request = replace(request_, scene=scene, sound="keep", audio=make_audio(tmp_path / "a.wav", 0.3))
    generate_with(simple_pipeline(), request)
    with av.open(str(request.output)) as container:
        assert not container.streams.audio


def white_box(frame: int) -> NDArray[np.uint8]:
    mask = np.zeros((120, 160, 3), np.uint8)
    mask[30:90, 40 + frame : 90 + frame] = 255
    return mask


@pytest.mark.parametrize("kind", ["picture", "video"])
def test_a_users_mask_is_the_region(request_: GenerateRequest, tmp_path: Path, kind: str):
    if kind == "picture":
        mask = tmp_path / "mask.png"
        Image.fromarray(white_box(0)).save(mask)
    else:
        mask = tmp_path / "mask.mp4"
        write_video(mask, (white_box(frame) * (frame != 3) for frame in range(FRAMES)), crf=1)
    face = tmp_path / "face.png"
    Image.new("RGB", (64, 64), (200, 150, 120)).save(face)
    # The picture shows no face that a detector finds.
    still_landmarks(np.zeros(1), (64, 64)).save(tmp_path / "face.landmarks.npz")
    request = replace(request_, mask=mask, identity=face)
    generate_with(simple_pipeline(), request)
    wanted = list(range(FRAMES)) if kind == "picture" else [i for i in range(FRAMES) if i != 3]
    assert changed_frames(request) == wanted
    for index, (old, new) in enumerate(zip(planes_of(request.scene), planes_of(request.output), strict=True)):
        inside = white_box(0 if kind == "picture" else index)[..., 0] > 0
        assert np.array_equal(old[0][~inside], new[0][~inside])


def test_the_seed_decides(request_: GenerateRequest, tmp_path: Path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        generate_with(simple_pipeline(), replace(request_, output=tmp_path / f"{name}.mp4", seed=seed))
    a, b, c = (planes_of(tmp_path / f"{name}.mp4")[7][0] for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_the_report_says_what_was_done(request_: GenerateRequest, tmp_path: Path):
    result = generate_with(simple_pipeline(), request_)
    written = json.loads((tmp_path / "out.report.json").read_text())
    assert written["provenance"]["bundle"] == "simple"
    assert len(written["provenance"]["inputs"]["scene"]["sha256"]) == 64
    assert set(written["seconds"]) == {"read", "bundle", "faces", "landmarks", "heads", "join"}
    assert written["generated_frames"] == result.report["generated_frames"] == FRAMES


def test_the_report_says_whence_the_identity_is(request_: GenerateRequest, tmp_path: Path):
    """The whole scene, a part of it, and a scene that is one window: there no frame lies outside."""

    def said(request: GenerateRequest) -> tuple[list[bool], set[int]]:
        identity: Any = generate_with(simple_pipeline(), request).report["identity"]
        inside = [picture["in_generated_window"] for picture in identity["pictures"]]
        assert [picture["time_s"] is None for picture in identity["pictures"]] == [False] * len(inside)
        return inside, set(identity["windows_with_own_head"].values())

    assert said(request_) == ([True] * 2, {0})
    assert said(replace(request_, time_range_s=(0.2, 0.4))) == ([False], {0})
    short = make_scene(tmp_path / "short", ticks=tuple(range(8)))
    audio = make_audio(tmp_path / "short.wav", 0.3)
    assert said(replace(request_, scene=short, audio=audio, output=tmp_path / "short.mp4")) == ([True] * 2, {1})


def test_the_sheet_shows_four_rows(request_: GenerateRequest):
    result = generate_with(simple_pipeline(), request_)
    sheet = contact_sheet(request_.scene, result, columns=5)
    # A column is a head of 256 px or the scene at 192 px height, whichever is wider.
    assert sheet.size == (150 + 5 * (256 + 6), 24 + 2 * (256 + 6) + 2 * (192 + 6))


def test_an_identity_is_not_taken_from_the_frames_to_generate(request_: GenerateRequest):
    result = generate_with(simple_pipeline(), request_)
    landmarks = replace(result.landmarks, times_s=result.landmarks.times_s * 10)
    half = np.arange(FRAMES) < 15
    outside = identity_from_scene(request_.scene, landmarks, result.crop, half)
    assert len(outside.heads) == 1
    assert outside.times_s[0] is not None
    assert outside.times_s[0] >= landmarks.times_s[15]
    everywhere = identity_from_scene(request_.scene, landmarks, result.crop, np.ones(FRAMES, bool))
    first, second = everywhere.times_s
    assert first is not None
    assert second is not None
    assert abs(first - second) >= 1.0
    assert everywhere.choose(first - 0.1, first + 0.1, None).head == 1
    assert everywhere.choose(second - 0.1, second + 0.1, None).head == 0


def test_a_stranger_is_acted_by_somebody_else_and_keeps_the_own_face(request_: GenerateRequest, tmp_path: Path):
    """The simple stage draws a face of another size in another place; what comes out sits where the head sat."""
    seen: list[Told] = []

    class Spy(EnergyFaces):
        def window(self, told: Told, *rest: Any) -> Face:
            seen.append(told)
            return super().window(told, *rest)

    pipeline = replace(simple_pipeline(), landmarks=Spy(), why_not=lambda _: "nobody like this", meets_strangers=True)
    asked = replace(request_, force=True, blinks_per_minute=0.0, save_landmarks=tmp_path / "kept.npz")
    result = generate_with(pipeline, asked)
    assert result.report["stranger"] is True
    assert all(told.scene_view is None and told.identity_head is None for told in seen)
    true = Landmarks.load(request_.scene.with_name("landmarks-0.npz"))
    # The annotated head rests, so the low-pass leaves its place; the simple stage jitters a face by half a crop px.
    drawn, rest = result.landmarks.points[5], true.points[5]
    np.testing.assert_allclose(drawn[27:48].mean(axis=0), rest[27:48].mean(axis=0), atol=1.0)
    np.testing.assert_allclose(np.ptp(drawn[:, 0]), np.ptp(rest[:, 0]), rtol=0.05)
    assert result.landmarks.mouth_open.max() > 1.5 * result.landmarks.mouth_open.min()
    familiar = generate_with(simple_pipeline(), replace(asked, output=tmp_path / "familiar.mp4"))
    assert familiar.report["stranger"] is False


@pytest.mark.parametrize(("lead_s", "later"), [(0.08, 0), (0.04, 1)])
def test_lip_references_hear_what_they_are_drawn_from(request_: GenerateRequest, lead_s: float, later: int):
    """At 25 fps a chunk that begins a frame later is the next frame's; what stage 1 hears stays."""
    heard: list[Shown] = []

    class Listening(FlatHeads):
        def window(self, shown: Shown, *rest: Any) -> tuple[NDArray[np.uint8], Tensor]:
            heard.append(shown)
            return super().window(shown, *rest)

    generate_with(replace(simple_pipeline(), faces=Listening(), lip_lead_s=lead_s), request_)
    whole = [shown for shown in heard if len(shown.mel) == 8 and np.ptp(shown.times_s) > 0.27]
    assert whole
    for shown in whole:
        np.testing.assert_array_equal(shown.lip_mel[: 8 - later], shown.mel[later:])
