"""Bad input gives one line that names what was seen and what is wanted, and leaves nothing behind."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contextalk.cli.people import People
from contextalk.core.errors import BundleError, ContextalkError, MediaError, TargetError
from contextalk.core.records import GenerateRequest
from contextalk.generation.generate import generate, generate_with
from contextalk.media.audio import write_wav
from generation_kit import SIZE_PX, make_audio, make_scene, simple_pipeline, still_landmarks


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenerateRequest:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(12)))
    audio = make_audio(tmp_path / "audio.wav", 0.4)
    return GenerateRequest(scene=scene, audio=audio, output=tmp_path / "out.mp4")


def refused(request: GenerateRequest, kind: type[ContextalkError], match: str) -> None:
    with pytest.raises(kind, match=match) as caught:
        generate_with(simple_pipeline(), request)
    assert "\n" not in str(caught.value)
    assert not request.output.exists()


def test_no_video_stream(request_: GenerateRequest):
    refused(replace(request_, scene=request_.audio), MediaError, "video")


def test_truncated_scene(request_: GenerateRequest, tmp_path: Path):
    cut = tmp_path / "scene" / "cut.mp4"
    content = request_.scene.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    refused(replace(request_, scene=cut), MediaError, "cut.mp4")


def test_an_output_in_place_of_the_driving_video(request_: GenerateRequest):
    talk = request_.scene.with_name("talk.mp4")
    talk.write_bytes(request_.scene.read_bytes())
    with pytest.raises(ContextalkError, match="is the audio itself"):
        generate_with(simple_pipeline(), replace(request_, audio=talk, output=talk))
    assert talk.read_bytes() == request_.scene.read_bytes()


def test_a_sampler_the_bundle_has_no_form_of(request_: GenerateRequest):
    with pytest.raises(ContextalkError, match="sampler ddpm wants"):
        generate(replace(request_, sampler="ddpm"))


@pytest.mark.parametrize(("target", "match"), [("1..2,3@4", "1..2,3@4 does not"), ("{}/empty.png", "is no picture")])
def test_targets_that_cannot_be_read(request_: GenerateRequest, tmp_path: Path, target: str, match: str):
    (tmp_path / "empty.png").touch()
    refused(replace(request_, target=target.format(tmp_path)), ContextalkError, match)


def test_damaged_labels(request_: GenerateRequest):
    request_.scene.with_name("labels.npz").write_bytes(b"PK no archive")
    refused(request_, ContextalkError, "labels.npz cannot be read")


def test_a_cache_folder_that_cannot_be_written(request_: GenerateRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nope")
    refused(request_, ContextalkError, "cannot keep the analysis in /proc/nope")


@pytest.mark.parametrize("name", ["none/sheet.png", "sheet.foo"])
def test_a_contact_sheet_that_cannot_be_written(request_: GenerateRequest, tmp_path: Path, name: str):
    with pytest.raises(ContextalkError, match="cannot write --sheet"):
        People(scene=request_.scene, sheet=tmp_path / name).run(lambda *_: None)


def test_a_truncated_mask_picture(request_: GenerateRequest, tmp_path: Path):
    mask, face = tmp_path / "mask.png", tmp_path / "face.png"
    noise = np.random.default_rng(0).integers(0, 255, SIZE_PX[::-1], dtype=np.uint8)
    Image.fromarray(noise).save(mask)
    mask.write_bytes(mask.read_bytes()[:5000])
    face.touch()
    refused(replace(request_, mask=mask, identity=face), MediaError, "mask .* is no picture that can be read")


def test_no_audio(request_: GenerateRequest):
    refused(replace(request_, audio=request_.scene), MediaError, "no audio stream")


def test_audio_longer_than_the_scene(request_: GenerateRequest, tmp_path: Path):
    audio = make_audio(tmp_path / "long.wav", 1.5)
    refused(replace(request_, audio=audio), ContextalkError, r"lasts 1\.50 s and the scene .* 0\.48 s: trim the audio")


def test_audio_shorter_than_a_frame(request_: GenerateRequest, tmp_path: Path):
    audio = tmp_path / "short.wav"
    write_wav(audio, np.zeros(500, np.float32))
    refused(replace(request_, audio=audio), ContextalkError, r"lasts 0\.031 s, wanted at least one frame")


def test_no_face(request_: GenerateRequest):
    (request_.scene.parent / "landmarks-0.npz").unlink()
    refused(request_, TargetError, "no face")


def test_target_that_does_not_exist(request_: GenerateRequest):
    refused(replace(request_, target="3"), TargetError, r"no person 3; the scene has 1 person")


def test_mask_of_the_wrong_size(request_: GenerateRequest, tmp_path: Path):
    mask = tmp_path / "mask.png"
    Image.new("L", (64, 48), 255).save(mask)
    refused(replace(request_, mask=mask), ContextalkError, "without an identity picture")
    refused(
        replace(request_, mask=mask, identity=mask), ContextalkError, r"mask.png is 64x48, wanted the scene's 160x120"
    )


def test_identity_without_a_face(request_: GenerateRequest, tmp_path: Path):
    picture = tmp_path / "wall.png"
    Image.new("RGB", (200, 200), (90, 120, 30)).save(picture)
    refused(replace(request_, identity=picture), TargetError, r"no face in identity picture .*wall\.png")


def test_identity_that_is_no_picture(request_: GenerateRequest):
    refused(replace(request_, identity=request_.audio), MediaError, "is no picture")


def test_a_folder_that_is_no_bundle(request_: GenerateRequest, tmp_path: Path):
    with pytest.raises(BundleError, match="is no bundle"):
        generate(replace(request_, bundle=tmp_path))


def test_a_face_the_bundle_cannot_draw(request_: GenerateRequest):
    pipeline = replace(simple_pipeline(), why_not=lambda _: "these models draw cartoons")
    with pytest.raises(BundleError, match=r"draw cartoons: train on them .* --force"):
        generate_with(pipeline, request_)
    assert generate_with(pipeline, replace(request_, force=True)).output.exists()


def landmarks_of_another_size(request: GenerateRequest, folder: Path) -> GenerateRequest:
    still_landmarks(np.arange(12) / 25, (320, 240)).save(folder / "other.npz")
    return replace(request, landmarks=folder / "other.npz")


def landmarks_of_another_time(request: GenerateRequest, folder: Path) -> GenerateRequest:
    still_landmarks(5 + np.arange(12) / 25, SIZE_PX).save(folder / "late.npz")
    return replace(request, landmarks=folder / "late.npz")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda r, f: replace(r, output=f / "nowhere" / "out.mp4"), "is no folder"),
        (lambda r, f: replace(r, output=f / "audio.wav" / "out.mp4"), "is no folder"),
        (lambda r, f: replace(r, output=f / "out.avi"), r"\.avi, wanted"),
        (lambda r, _: replace(r, output=r.scene), "is the scene itself"),
        (lambda r, _: replace(r, report=r.output), "the report .* is the output itself"),
        (lambda r, _: replace(r, save_landmarks=r.audio), "the save_landmarks .* is the audio itself"),
        (
            lambda r, _: replace(r, identity=r.scene, save_landmarks=r.scene.with_suffix(".landmarks.npz")),
            "the save_landmarks .* is the landmarks file of the identity itself",
        ),
        (lambda r, f: replace(r, report=f / "nowhere" / "r.json"), "is no folder"),
        (lambda r, _: replace(r, seed=-1), "seed is -1"),
        (lambda r, _: replace(r, steps=0), "0 solver steps"),
        (lambda r, _: replace(r, blinks_per_minute=-1.0), "-1 blinks a minute"),
        (lambda r, _: replace(r, time_range_s=(2.0, 1.0)), "2-1 s, wanted 0 <= start < stop"),
        (lambda r, _: replace(r, time_range_s=(5.0, 6.0)), r"no frame in the range 5-6 s, the scene lasts 0\.48 s"),
        (lambda r, f: replace(r, landmarks=f / "none.npz"), "landmarks .*none.npz does not exist"),
        (lambda r, _: replace(r, landmarks=r.audio), "is no landmarks file"),
        (landmarks_of_another_size, "for a 320x240 scene, wanted the scene's 160x120"),
        (landmarks_of_another_time, r"show no face in the frames .* \(their times are 5\.00 to 5\.44 s\)"),
    ],
)
def test_what_else_is_refused(
    request_: GenerateRequest,
    tmp_path: Path,
    change: Callable[[GenerateRequest, Path], GenerateRequest],
    match: str,
):
    with pytest.raises(ContextalkError, match=match) as caught:
        generate_with(simple_pipeline(), change(request_, tmp_path))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.mp4").exists()
