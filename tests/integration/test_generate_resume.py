"""Killed and started again, the result is that of a run that was never interrupted."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest
from contextalk.generation.generate import generate_with
from contextalk.generation.work import WorkFolder
from generation_kit import make_audio, make_scene, planes_of, simple_pipeline

HERE = Path(__file__).resolve().parent

DIE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from generation_kit import simple_pipeline
from contextalk.core.records import GenerateRequest
from contextalk.generation.generate import generate_with

folder, what, at, lossless = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5] == "lossless"

def die(name, done, total):
    if name == what and done == at:
        os.kill(os.getpid(), signal.SIGKILL)

request = GenerateRequest(
    scene=folder / "scene" / "scene.mp4", audio=folder / "audio.wav", output=folder / "out.mp4", lossless=lossless
)
generate_with(simple_pipeline(), request, die, segment_windows=2)
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def request_in(folder: Path, name: str, *, lossless: bool = True, seed: int = 0) -> GenerateRequest:
    return GenerateRequest(
        scene=folder / "scene" / "scene.mp4",
        audio=folder / "audio.wav",
        output=folder / name,
        lossless=lossless,
        seed=seed,
    )


def make_inputs(folder: Path) -> None:
    make_scene(folder / "scene", ticks=tuple(range(60)), cut_at=33)
    make_audio(folder / "audio.wav", 2.0)


def assert_same_frames(first: Path, second: Path) -> None:
    pairs = list(zip(planes_of(first), planes_of(second), strict=True))
    assert len(pairs) == 60
    for one, other in pairs:
        assert all(np.array_equal(*planes) for planes in zip(one, other, strict=True))


# Segments begin at frames 0, 8, 22, 34 and 48: at most 14 frames, and a window ends at each.
@pytest.mark.parametrize(("what", "at", "finished"), [("landmarks", 6, 0), ("heads", 20, 1), ("heads", 52, 4)])
@pytest.mark.parametrize("coding", ["lossless", "h264"])
def test_killed_and_started_again_equals_uninterrupted(tmp_path: Path, what: str, at: int, finished: int, coding: str):
    make_inputs(tmp_path)
    lossless = coding == "lossless"
    command = [sys.executable, "-c", DIE, str(HERE.parent), str(tmp_path), what, str(at), coding]
    died = subprocess.run(command, env=os.environ, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert not (tmp_path / "out.mp4").exists()
    assert (tmp_path / "out.mp4.work").is_dir()

    whole, resumed = simple_pipeline(), simple_pipeline()
    plain = generate_with(whole, request_in(tmp_path, "plain.mp4", lossless=lossless), segment_windows=2)
    again = generate_with(resumed, request_in(tmp_path, "out.mp4", lossless=lossless), segment_windows=2)

    assert_same_frames(tmp_path / "plain.mp4", tmp_path / "out.mp4")
    assert np.array_equal(plain.landmarks.points, again.landmarks.points)
    assert resumed.landmarks.calls < whole.landmarks.calls  # pyright: ignore[reportAttributeAccessIssue]
    assert again.report["resumed_segments"] == finished
    assert not (tmp_path / "out.mp4.work").exists()


def test_segments_change_no_frame(tmp_path: Path):
    make_inputs(tmp_path)
    generate_with(simple_pipeline(), request_in(tmp_path, "short.mp4"), segment_windows=1)
    generate_with(simple_pipeline(), request_in(tmp_path, "long.mp4"), segment_windows=36)
    assert_same_frames(tmp_path / "short.mp4", tmp_path / "long.mp4")


def test_another_request_starts_over(tmp_path: Path):
    make_inputs(tmp_path)
    command = [sys.executable, "-c", DIE, str(HERE.parent), str(tmp_path), "heads", "52", "lossless"]
    subprocess.run(command, env=os.environ, check=False, capture_output=True)
    result = generate_with(simple_pipeline(), request_in(tmp_path, "out.mp4", seed=1), segment_windows=2)
    assert result.report["resumed_segments"] == 0


def test_two_runs_do_not_write_one_output(tmp_path: Path):
    make_inputs(tmp_path)
    with (
        WorkFolder(tmp_path / "out.mp4", "another"),
        pytest.raises(ContextalkError, match=r"another run is writing .*out\.mp4"),
    ):
        generate_with(simple_pipeline(), request_in(tmp_path, "out.mp4"))


@pytest.mark.parametrize("lost", [("segment-0000.mp4",), ("landmarks-0000.npz", "landmarks-0002.npz")])
def test_a_lost_part_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: tuple[str, ...]):
    make_inputs(tmp_path)
    request = request_in(tmp_path, "out.mp4")
    work = tmp_path / "out.mp4.work"
    with monkeypatch.context() as patched:
        patched.setattr(WorkFolder, "remove", lambda _: None)
        generate_with(simple_pipeline(), request, segment_windows=2)
        whole = planes_of(request.output)
    for name in lost:
        (work / name).unlink()
    generate_with(simple_pipeline(), request, segment_windows=2)
    for one, other in zip(whole, planes_of(request.output), strict=True):
        assert all(np.array_equal(*planes) for planes in zip(one, other, strict=True))


def test_the_same_scene_and_face_by_other_names_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_inputs(tmp_path)
    request = request_in(tmp_path, "out.mp4")
    renamed = request.scene.with_name("renamed.mp4")
    renamed.write_bytes(request.scene.read_bytes())
    with monkeypatch.context() as patched:
        patched.setattr(WorkFolder, "remove", lambda _: None)
        first = generate_with(simple_pipeline(), request, segment_windows=2)
    again = generate_with(simple_pipeline(), replace(request, scene=renamed, target="left"), segment_windows=2)
    assert again.report["resumed_segments"] == first.report["segments"]
    assert {"cv2", "diffusers"} <= set(again.report["versions"])  # pyright: ignore[reportArgumentType]
