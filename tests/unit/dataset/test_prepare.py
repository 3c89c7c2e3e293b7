"""Synth scenes in, clips out: what is read back is what was there."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import DatasetError
from contextalk.core.records import Landmarks
from contextalk.dataset.clips import read_clips
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare
from contextalk.dataset.splits import SPLITS, SplitRule
from contextalk.faces.views import head_crop, resized_scene
from contextalk.media.audio import read_audio
from contextalk.media.video import read_frames

Scenes = Callable[..., Path]


def test_clip_read_back_equals_its_source(synth_scene: Scenes, tmp_path: Path) -> None:
    scene = synth_scene("scene-0000")
    report = prepare([scene.parent], tmp_path / "data")
    (clip,) = read_clips(tmp_path / "data")
    truth = Landmarks.load(scene / "landmarks-1.npz")
    source = [picture.rgb for picture in read_frames(scene / "scene.mp4")]
    wanted = [
        head_crop(rgb, *place) for rgb, *place in zip(source, clip.crop.centre_px, clip.crop.side_px, strict=True)
    ]

    assert len(clip) == len(source) == 50
    assert sum(report.num_clips.values()) == 1
    np.testing.assert_array_equal(clip.landmarks.points, truth.points)
    np.testing.assert_allclose(clip.landmarks.times_s, np.arange(50) / 25)
    # x264 at crf 10–12 and 4:2:0 chroma: the mean error on this flat footage stays near one grey level.
    assert np.abs(clip.head.astype(int) - np.stack(wanted)).mean() < 2.0
    assert np.abs(clip.scene.astype(int) - np.stack([resized_scene(rgb) for rgb in source])).mean() < 2.0
    # 16-bit samples: half a step each when written twice.
    np.testing.assert_allclose(clip.wave, read_audio(scene / "speaker-1.wav"), atol=1.5 / 32768)


def test_frame_and_landmarks_stay_together(synth_scene: Scenes, tmp_path: Path) -> None:
    """The grey of the heads counts the frames, so a shift by one frame is a difference of 2."""
    prepare([synth_scene("scene-0000")], tmp_path / "data")
    (clip,) = read_clips(tmp_path / "data")
    at = np.rint(clip.crop.to_crop(clip.landmarks.points).mean(axis=1)).astype(int)
    grey = clip.head[np.arange(50), at[:, 1], at[:, 0]].mean(axis=-1)
    assert np.abs(grey - (40 + 2 * np.arange(50))).mean() < 1.0  # half a frame


def test_main_speaker_first_and_everybody_on_request(synth_scene: Scenes, tmp_path: Path) -> None:
    scene = synth_scene("scene-0000")
    prepare([scene], tmp_path / "main")
    prepare([scene], tmp_path / "all", target="all")
    assert [clip.person for clip in read_clips(tmp_path / "main")] == ["person-12"]
    everybody = list(read_clips(tmp_path / "all"))
    assert [clip.person for clip in everybody] == ["person-12", "person-11"]
    (other,) = everybody[0].others
    np.testing.assert_array_equal(other.points, Landmarks.load(scene / "landmarks-0.npz").points)
    assert everybody[0].meta["others"] == [0]
    assert everybody[0].meta["addressee"] == [0] * 50
    assert [clip.meta["text"] for clip in everybody] == ["bin blue", ""]
    assert everybody[0].meta["speaking"] == [1.0] * 50
    np.testing.assert_allclose(everybody[1].wave, read_audio(scene / "speaker-0.wav"), atol=1.5 / 32768)


def test_split_by_scene_seed_keeps_twins_together_and_splits_apart(synth_scene: Scenes, tmp_path: Path) -> None:
    splits = {seed: SplitRule().split_of((), f"synth-{seed}") for seed in range(100)}
    wanted = {split: next(seed for seed in splits if splits[seed] == split) for split in SPLITS}
    for split, seed in wanted.items():
        synth_scene(f"scene-{split}", seed=seed, num_frames=25)
        synth_scene(f"scene-{split}-twin", seed=seed, num_frames=26)
    prepare([tmp_path / "scenes"], tmp_path / "data", target="all")
    for split in SPLITS:
        sources = [clip.source for clip in read_clips(tmp_path / "data", split)]
        scenes = [f"scenes/scene-{split}{twin}/scene.mp4" for twin in ("", "-twin")]
        assert sorted(sources) == sorted(2 * scenes)


def test_held_out_people_are_test(synth_scene: Scenes, tmp_path: Path) -> None:
    prepare([synth_scene("scene-0000", held_out=True)], tmp_path / "data")
    assert [clip.split for clip in read_clips(tmp_path / "data")] == ["test"]


def test_split_file_overrides_the_hash(synth_scene: Scenes, tmp_path: Path) -> None:
    rule = tmp_path / "split.json"
    rule.write_text(json.dumps({"val": ["scene-0001"]}))
    scenes = [synth_scene(f"scene-{number:04d}", seed=number) for number in range(2)]
    prepare(scenes, tmp_path / "data", split_by=rule)
    by_source = {row["source"]: row["split"] for row in read_manifest(tmp_path / "data").to_pylist()}
    assert by_source["scenes/scene-0001/scene.mp4"] == "val"
    assert by_source["scenes/scene-0000/scene.mp4"] != "val"


def test_same_call_reuses_and_a_change_replaces(synth_scene: Scenes, tmp_path: Path) -> None:
    scene, data = synth_scene("scene-0000"), tmp_path / "data"
    prepare([scene], data)
    shard = next((data / "shards").iterdir())
    written_ns = shard.stat().st_mtime_ns
    assert prepare([scene], data).num_reused == 1
    assert shard.stat().st_mtime_ns == written_ns

    assert prepare([scene], data, target="0").num_reused == 0
    assert [clip.person for clip in read_clips(data)] == ["person-11"]
    assert not shard.exists()


def test_interrupted_work_is_done_again(synth_scene: Scenes, tmp_path: Path) -> None:
    scenes, data = [synth_scene(f"scene-{number:04d}", seed=number) for number in range(2)], tmp_path / "data"
    prepare(scenes, data)
    first = {path.name: path.read_bytes() for path in (data / "shards").iterdir()}
    # What kill -9 leaves: half a shard under its temporary name, and no record.
    lost = next((data / "shards").glob("*scene-0001*"))
    lost.with_name(lost.name + ".99.part").write_bytes(lost.read_bytes()[:1000])
    next((data / "units").glob("*scene-0001*")).unlink()
    lost.unlink()
    assert prepare(scenes, data).num_reused == 1
    assert {path.name: path.read_bytes() for path in (data / "shards").iterdir()} == first


def test_several_processes_give_the_same_dataset(synth_scene: Scenes, tmp_path: Path) -> None:
    scenes = [synth_scene(f"scene-{number:04d}", seed=number, num_frames=25) for number in range(3)]
    prepare(scenes, tmp_path / "one")
    prepare(scenes, tmp_path / "two", workers=2)
    # Bytes: in a table an unmeasured check, NaN, is equal to nothing.
    one, two = (tmp_path / name / "manifest.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_progress_counts_bytes_of_sources_up_to_all(synth_scene: Scenes, tmp_path: Path) -> None:
    scenes = [synth_scene(f"scene-{number:04d}", seed=number, num_frames=25) for number in range(3)]
    for workers in (1, 2):
        seen: list[tuple[str, int, int]] = []
        prepare(
            scenes,
            tmp_path / f"data-{workers}",
            workers=workers,
            progress=lambda what, done, total, seen=seen: seen.append((what, done, total)),
        )
        done = [told[1] for told in seen]
        assert done == sorted(done)
        assert (done[0], done[-1]) == (0, seen[0][2])
        assert {told[0].split(" (")[0] for told in seen} == {"prepare, kB"}, "one bar, whatever is at work"
        assert seen[-1][0] == "prepare, kB (3 of 3 sources)"
        assert any("clips of scene.mp4" in told[0] for told in seen)


def test_any_fsspec_url(synth_scene: Scenes, tmp_path: Path) -> None:
    prepare([synth_scene("scene-0000")], tmp_path / "data")
    (clip,) = read_clips(f"file://{tmp_path / 'data'}")
    assert len(clip) == 50


@pytest.mark.parametrize("command", ["missing", "empty"])
def test_sources_that_are_none(command: str, tmp_path: Path) -> None:
    if command == "empty":
        (tmp_path / command).mkdir()
    with pytest.raises(DatasetError, match=r"wanted .*video|wanted \.mp4"):
        prepare([tmp_path / command], tmp_path / "data")


def test_labels_of_another_video_are_a_rejected_source(synth_scene: Scenes, tmp_path: Path) -> None:
    good, bad = synth_scene("scene-0000"), synth_scene("scene-0001", seed=8)
    Landmarks.load(bad / "landmarks-0.npz")[:40].save(bad / "landmarks-0.npz")
    report = prepare([good, bad], tmp_path / "data")
    (row,) = [row for row in read_manifest(tmp_path / "data").to_pylist() if row["reject_reason"]]
    assert "has 40 frames" in row["reject_reason"]
    assert report.rejected == {"unreadable": 1}


def test_labels_that_lack_a_person_are_a_rejected_source(synth_scene: Scenes, tmp_path: Path) -> None:
    scene = synth_scene("scene-0000")
    np.savez(scene / "labels.npz", speaking_0=np.zeros(50))
    with pytest.raises(DatasetError, match="wanted speaking_K and addressee_K of each person"):
        prepare([scene], tmp_path / "data")


def test_reading_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is no dataset: wanted a readable manifest\.parquet"):
        next(read_clips(tmp_path))
    with pytest.raises(DatasetError, match="split 'training' does not exist"):
        next(read_clips(tmp_path, "training"))
