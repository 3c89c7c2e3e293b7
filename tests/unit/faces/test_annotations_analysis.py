"""Analyses of written videos with annotations: times, speaking, order, cache, targets and errors."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError, TargetError
from contextalk.core.records import Analysis, Landmarks
from contextalk.faces.analysis import analyse
from contextalk.faces.cache import default_folder
from contextalk.faces.targets import choose_target, people_line
from contextalk.media.video import write_video
from faces_kit import animate

SIZE_PX = (320, 180)
FRAMES = 50


def person(seed: int, x: float, size: float) -> Landmarks:
    made = animate(seed, FRAMES)
    middle, height = made.points.mean(axis=(0, 1)), np.ptp(made.points[..., 1])
    return replace(
        made, points=((made.points - middle) * (size / height) + [x, 90]).astype(np.float32), size_px=SIZE_PX
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    dark, light = (rng.integers(low, low + 60, (180, 320, 3), np.uint8) for low in (10, 180))
    write_video(tmp_path / "scene.mp4", [dark if frame < 25 else light for frame in range(FRAMES)])
    person(1, 240.0, 60.0).save(tmp_path / "landmarks-0.npz")
    person(2, 80.0, 40.0).save(tmp_path / "landmarks-1.npz")
    labels = {"speaking_0": np.zeros(FRAMES, np.float32), "speaking_1": np.ones(FRAMES, np.float32)}
    np.savez(tmp_path / "labels.npz", **labels)
    return tmp_path


@pytest.fixture
def analysis(folder: Path) -> Analysis:
    return analyse(folder / "scene.mp4", work_dir=folder / "work")


def test_sidecars_are_found_and_people_numbered_from_the_left(analysis: Analysis) -> None:
    assert analysis.backend.startswith("annotations")
    left, right = analysis.tracks
    assert (left.index, right.index) == (0, 1)
    # Video times are multiples of 1/25 s up to the container's time base of 1/12800 s.
    np.testing.assert_allclose(left.landmarks.points, person(2, 80.0, 40.0).points, atol=0.05)
    assert left.speaking.min() == 1.0
    assert right.speaking.max() == 0.0


def test_the_hard_cut_is_found(analysis: Analysis) -> None:
    assert [(shot.start, shot.stop) for shot in analysis.shots] == [(0, 25), (25, FRAMES)]


def test_a_single_take_has_no_cut(tmp_path: Path) -> None:
    scene = np.random.default_rng(1).integers(0, 256, (180, 400, 3), np.uint8)
    write_video(tmp_path / "scene.mp4", [scene[:, x : x + 320] for x in range(40)])
    person(1, 100.0, 50.0).save(tmp_path / "landmarks-0.npz")
    assert len(analyse(tmp_path / "scene.mp4", work_dir=tmp_path / "work").shots) == 1


def test_targets(analysis: Analysis) -> None:
    chosen = {
        name: choose_target(analysis, name).index for name in ("largest", "left", "right", "auto", "1", "80,90@1.0")
    }
    assert chosen == {"largest": 1, "left": 0, "right": 1, "auto": 0, "1": 1, "80,90@1.0": 0}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("2", "no person 2; the scene has 2 people: 0 at x 80, 1 at x 240"),
        ("-1", "no person -1"),
        ("middle", "'middle' is none of largest | left | right"),
        ("5,5@0.5", "no face at 5,5 at 0.5 s"),
        ("80,90@9", "the scene ends at 2.00 s"),
        ("nobody.png", "nobody.png does not exist"),
    ],
)
def test_a_target_that_does_not_exist_is_named_beside_those_that_do(
    analysis: Analysis, target: str, message: str
) -> None:
    with pytest.raises(TargetError) as caught:
        choose_target(analysis, target)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nobody_in_the_scene(analysis: Analysis) -> None:
    empty = replace(analysis, tracks=())
    assert people_line(empty) == "the scene has 0 people"
    with pytest.raises(TargetError, match="no face in"):
        choose_target(empty, "largest")


def test_the_cache_answers_and_a_damaged_one_is_made_again(folder: Path, analysis: Analysis) -> None:
    calls: list[int] = []

    def count(_stage: str, done: int, _total: int) -> None:
        calls.append(done)

    def again() -> Analysis:
        return analyse(folder / "scene.mp4", work_dir=folder / "work", progress=count)

    cached = again()
    assert not calls, "the second look decodes nothing"
    assert cached.shots == analysis.shots
    for one, other in zip(cached.tracks, analysis.tracks, strict=True):
        np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)
        np.testing.assert_array_equal(one.speaking, other.speaking)
    (stored,) = (folder / "work").glob("*.npz")
    stored.write_bytes(stored.read_bytes()[:1000])
    assert again().shots == analysis.shots
    assert not calls, "blocks are kept apart from what is made of them"


def test_changed_annotations_are_not_answered_from_the_cache(folder: Path, analysis: Analysis) -> None:
    person(3, 80.0, 40.0).save(folder / "landmarks-1.npz")
    again = analyse(folder / "scene.mp4", work_dir=folder / "work")
    assert np.abs(again.tracks[0].landmarks.points - analysis.tracks[0].landmarks.points).max() > 1


def test_times_beyond_the_annotations_have_no_face(folder: Path) -> None:
    person(2, 80.0, 40.0)[0:30].save(folder / "landmarks-1.npz")
    found = analyse(folder / "scene.mp4", work_dir=folder / "work").tracks[0].landmarks
    assert found.valid[:31].all()
    assert not found.valid[32:].any()
    assert np.isnan(found.points[32:]).all()


def test_annotations_of_another_scene_are_an_error(folder: Path) -> None:
    replace(person(1, 100.0, 50.0), size_px=(640, 360)).save(folder / "landmarks-0.npz")
    with pytest.raises(ContextalkError, match="is for a 640x360 scene, wanted 320x180"):
        analyse(folder / "scene.mp4", work_dir=folder / "work")


def test_annotations_that_do_not_exist_are_an_error(folder: Path) -> None:
    with pytest.raises(ContextalkError, match="do not exist, wanted auto, none"):
        analyse(folder / "scene.mp4", annotations=str(folder / "absent"), work_dir=folder / "work")
    (folder / "empty").mkdir()
    with pytest.raises(ContextalkError, match="no annotations at"):
        analyse(folder / "scene.mp4", annotations=str(folder / "empty"), work_dir=folder / "work")


def test_the_cache_follows_the_users_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "contextalk" / "analysis"


def test_backends_that_are_absent_or_unknown_are_one_line(folder: Path) -> None:
    with pytest.raises(ContextalkError, match="'dlib' is none of mediapipe, face-alignment"):
        analyse(folder / "scene.mp4", annotations="none", work_dir=folder / "work", backend="dlib")
    if importlib.util.find_spec("face_alignment") is None:
        with pytest.raises(ContextalkError, match="pip install face-alignment"):
            analyse(folder / "scene.mp4", annotations="none", work_dir=folder / "work", backend="face-alignment")
