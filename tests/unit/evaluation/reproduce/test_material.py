"""What a table is made of."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Landmarks
from contextalk.dataset.clips import read_clips, read_soundtracks
from contextalk.dataset.prepare import prepare
from contextalk.evaluation.features import EVERY
from contextalk.evaluation.reproduce.from_synth import identity_picture
from contextalk.evaluation.reproduce.material import open_material
from contextalk.faces.crop import head_mask
from contextalk.faces.views import head_crop
from contextalk.media.video import read_frames
from talk_kit import LEFT, write_talk, write_twins


def test_a_clip_of_footage_shows_its_target_as_the_twin_has_it(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    write_twins(footage, 2)
    # Twins of the kit look alike; this one's picture must be told from its scene's.
    write_talk(footage / "scene-0000-twin", LEFT, frames=60)
    material = open_material(footage, tmp_path / "work", None, None)
    assert [context.name for context in material.contexts] == [
        f"scene-{number:04d}{twin}" for number in (0, 1) for twin in ("", "-twin")
    ]
    first = material.contexts[0]
    seen, there, here = (
        np.asarray(Image.open(path))
        for path in (
            first.identity,
            identity_picture(footage / "scene-0000-twin", tmp_path / "there.png"),
            identity_picture(footage / "scene-0000", tmp_path / "here.png"),
        )
    )
    assert np.array_equal(seen, there)
    twin = Landmarks.load(footage / "scene-0000-twin" / "landmarks-0.npz")
    beside = Landmarks.load(first.identity.with_suffix(".landmarks.npz"))
    moved = twin.points[30] - beside.points[0]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-4)  # float32, a whole shift
    assert beside.size_px == seen.shape[1::-1]
    assert not np.array_equal(seen, here)
    assert (first.target, first.audio.name, first.landmarks.name) == ("0", "speaker-0.wav", "landmarks-0.npz")
    # The other talk, never the twin; the twin of 60 frames finds none as long.
    assert {name: other.name for name, other in material.elsewhere.items()} == {
        "scene-0000": "scene-0001",
        "scene-0001": "scene-0000",
        "scene-0001-twin": "scene-0000",
    }
    assert material.real is None


def test_scenes_that_are_not_scored_are_what_distributions_are_compared_with(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    write_twins(footage, 2)
    for number in (7, 8):
        write_talk(footage / f"scene-{number:04d}", LEFT)
    material = open_material(footage, tmp_path / "work", 2, None)
    assert [context.name for context in material.contexts] == ["scene-0000", "scene-0000-twin"]
    assert material.real is not None
    clips = list(material.real.read())
    assert len(clips) == 4  # both spare scenes, and the talk with its twin that were not asked for
    heads, scenes = clips[0]
    assert heads.shape == scenes.shape == (30 // EVERY, 256, 256, 3)
    everything = open_material(footage, tmp_path / "work", None, None)
    assert everything.real is not None
    assert len(list(everything.real.read())) == 2
    assert everything.real.key != material.real.key


def test_a_test_clip_of_a_dataset_becomes_a_scene_again(tmp_path: Path) -> None:
    for number in range(2):
        write_talk(tmp_path / "footage" / f"scene-{number:04d}", LEFT, seed=number)
    prepare([tmp_path / "footage"], tmp_path / "data")
    material = open_material(tmp_path / "data", tmp_path / "work", None, None)
    clips = {clip.key: clip for clip in read_clips(tmp_path / "data", "test")}
    heard = {track.key: track for track in read_soundtracks(tmp_path / "data", keys=clips.keys())}
    assert heard.keys() == clips.keys()
    for key, clip in clips.items():
        np.testing.assert_array_equal(heard[key].wave, clip.wave)
        np.testing.assert_array_equal(heard[key].landmarks.points, clip.landmarks.points)
    assert [context.name for context in material.contexts] == sorted(clips)
    context, clip = material.contexts[0], clips[material.contexts[0].name]
    frames = [picture.rgb for picture in read_frames(context.scene)]
    assert frames[0].shape == (120, 160, 3)
    assert len(frames) == len(clip)
    true = Landmarks.load(context.landmarks)
    np.testing.assert_array_equal(true.points, clip.landmarks.points)
    back = head_crop(frames[5], clip.crop.centre_px[5], float(clip.crop.side_px[5]))
    inside = head_mask() > 0
    # A head of some 60 scene px, resampled twice and through x264 twice: three levels; the next frame's is no nearer.
    assert np.abs(back[inside].astype(float) - clip.head[5][inside]).mean() < 3
    assert context.scene.with_suffix(".txt").read_text().strip() == "bin blue at f two now"
    other = clips[material.contexts[1].name]
    assert np.array_equal(np.asarray(Image.open(context.identity)), other.head[len(other) // 2])
    assert material.real is None  # no clip to train on
    written = context.scene.stat().st_mtime_ns
    open_material(tmp_path / "data", tmp_path / "work", None, None)
    assert context.scene.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("make", "clips", "wanted"),
    [
        (lambda folder: write_talk(folder / "scene-0000", LEFT), None, "no scene with a twin"),
        (lambda folder: folder.mkdir(), None, "holds no clips"),
        (lambda folder: write_twins(folder, 1), 0, "0 clips, wanted at least 1"),
    ],
)
def test_what_holds_no_clips_is_one_line(tmp_path: Path, make, clips: int | None, wanted: str) -> None:
    make(tmp_path / "data")
    with pytest.raises(ContextalkError, match=wanted) as error:
        open_material(tmp_path / "data", tmp_path / "work", clips, None)
    assert "\n" not in str(error.value)


def test_a_lone_clip_of_a_person_is_refused(tmp_path: Path) -> None:
    write_talk(tmp_path / "footage" / "scene-0000", LEFT)
    prepare([tmp_path / "footage"], tmp_path / "data")
    with pytest.raises(ContextalkError, match="1 clips in its test split and of none of them a second clip"):
        open_material(tmp_path / "data", tmp_path / "work", None, None)
