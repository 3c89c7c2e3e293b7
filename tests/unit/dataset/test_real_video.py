"""Videos without exact labels of a scene: analysis, bounds, rates, and what is turned down."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.dataset.conftest import landmarks_at, pictures

from contextalk.core.errors import DatasetError
from contextalk.core.records import Landmarks
from contextalk.dataset.clips import read_clips
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare
from contextalk.dataset.sound import Sounds, decode_sound
from contextalk.dataset.unit import read_records
from contextalk.faces import hands
from contextalk.media.video import write_video

Videos = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def sounds_in(folder: Path) -> Sounds:
    return lambda path: decode_sound(path, folder / f"{path.name}.s16")


def rows_of(dataset: Path) -> list[dict[str, Any]]:
    return read_manifest(dataset).to_pylist()


def test_one_person_with_bounds(real_video: Videos, tmp_path: Path) -> None:
    video = real_video("film", num_frames=100)
    clips = [{"start": 2.0 * n, "end": 2.0 * n + 2, "name": f"s{n}", "text": f"text {n}"} for n in range(2)]
    video.with_suffix(".json").write_text(json.dumps({"clips": clips}))
    prepare([video], tmp_path / "data", person="anna")
    found = list(read_clips(tmp_path / "data"))
    assert [(clip.person, clip.meta["text"], len(clip)) for clip in found] == [
        ("anna", f"text {n}", 50) for n in (0, 1)
    ]
    assert [row["start_s"] for row in rows_of(tmp_path / "data")] == [0.0, 2.0]
    # The grey of the head counts the frames of the source: the second clip starts at frame 50.
    at = np.rint(found[1].crop.to_crop(found[1].landmarks.points[:, 30])).astype(int)
    grey = found[1].head[np.arange(50), at[:, 1], at[:, 0]].mean(axis=-1)
    assert np.abs(grey - (40 + 2 * np.arange(50, 100))).mean() < 1.0


def test_long_shot_becomes_even_clips(real_video: Videos, tmp_path: Path) -> None:
    prepare([real_video("long", num_frames=300)], tmp_path / "data")
    assert [row["num_frames"] for row in rows_of(tmp_path / "data")] == [150, 150]


def test_fifty_frames_a_second_become_25(real_video: Videos, tmp_path: Path) -> None:
    prepare([real_video("fast", num_frames=100, rate_hz=50.0)], tmp_path / "data")
    (clip,) = read_clips(tmp_path / "data")
    assert len(clip) == 50
    assert len(clip.wave) == 50 * 640
    at = np.rint(clip.crop.to_crop(clip.landmarks.points[:, 30])).astype(int)
    grey = clip.head[np.arange(50), at[:, 1], at[:, 0]].mean(axis=-1)
    assert np.abs(grey - (40 + 4 * np.arange(50))).mean() < 2.0  # half a frame taken


def test_a_slow_source_is_interpolated_by_choice(tmp_path: Path) -> None:
    """A head that moves by 6 px a picture at 12.5 fps is half-way in every other frame, and so are its points."""
    at_px = np.stack([90 + 6.0 * np.arange(25), np.full(25, 85.0)], axis=1)
    track = landmarks_at(at_px, 12.5)
    path = tmp_path / "slow" / "slow.mp4"
    path.parent.mkdir()
    track.save(path.parent / "landmarks-0.npz")
    hum = np.sin(np.arange(2 * 16_000) * 0.1).astype(np.float32) * 0.01
    still = [pictures([track[frame : frame + 1]])[0] for frame in range(25)]  # all heads of one grey
    write_video(path, still, rate_hz=12.5, crf=6, wave=hum)

    with pytest.raises(DatasetError, match=r"rate: 12.50 fps, wanted 23 … 60.5"):
        prepare([path], tmp_path / "without")
    prepare([path], tmp_path / "data", interpolate=True, min_sync=0)
    (clip,) = read_clips(tmp_path / "data")
    assert len(clip) == 50
    middle = clip.landmarks.points.mean(axis=1)
    np.testing.assert_allclose(np.diff(middle[:48, 0]), 3.0, atol=0.01)  # float32 of coordinates of some hundred px
    middles = range(3, 45, 2)  # between two pictures of the source
    for frame in middles:
        dark = (np.abs(clip.head[frame].astype(float) - 40).max(axis=-1) < 25).nonzero()
        seen = np.array([dark[1].mean(), dark[0].mean()]) + 0.5
        wanted = clip.crop[frame : frame + 1].to_crop(middle[frame : frame + 1])[0]
        away_px = np.abs(seen - wanted).max() * float(clip.crop.side_px[frame]) / 256
        # Of 3 scene px to either picture: flow at the disc's rim, and x264 twice; 0.4 at most here.
        assert away_px < 1.0


def test_rejected_stretches_are_rows_with_a_reason(real_video: Videos, tmp_path: Path) -> None:
    videos = [
        real_video("gap", num_frames=100, unseen=slice(60, 80)),
        real_video("slow", num_frames=40, rate_hz=16.0),
        real_video("mute", wave=False),
        real_video("nobody", unseen=slice(0, 50)),
    ]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(videos[0].read_bytes()[:2000])
    report = prepare([*videos, broken], tmp_path / "data")
    reasons = {
        row["source"].split(".")[0]: row["reject_reason"] for row in rows_of(tmp_path / "data") if row["reject_reason"]
    }
    assert reasons["gap"].startswith(("no face", "too short: 0.80 s"))
    assert reasons["slow"] == "rate: 16.00 fps, wanted 23 … 60.5"
    assert reasons["mute"] == "no sound"
    assert reasons["nobody"].startswith("no target: ")
    assert reasons["broken"].startswith("unreadable: ")
    assert report.rejected == {"no face": 1, "too short": 1, "rate": 1, "no sound": 1, "no target": 1, "unreadable": 1}
    assert sum(report.num_clips.values()) == 1
    assert all(
        row["num_frames"] == 0 and row["shard"] == "" for row in rows_of(tmp_path / "data") if row["reject_reason"]
    )


def test_nothing_usable_is_an_error_with_the_reason(real_video: Videos, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no clip in 1 source.*no sound"):
        prepare([real_video("mute", wave=False)], tmp_path / "data")


def test_small_faces_are_turned_down(real_video: Videos, tmp_path: Path) -> None:
    from contextalk.dataset.config import PrepareConfig
    from contextalk.dataset.people import read_cast
    from contextalk.dataset.plan import plan_clips
    from contextalk.dataset.sources import find_sources

    (source,) = find_sources([real_video("small")])
    config = PrepareConfig(min_face_px=90)
    (row,), jobs = plan_clips(source, read_cast(source, config), config, "unit", sounds_in(tmp_path))
    assert row.reject_reason.startswith("face too small: ")
    assert row.reject_reason.endswith("px, wanted ≥ 90")
    assert jobs == []


def test_pieces_of_a_held_out_sentence_are_held_out(real_video: Videos, tmp_path: Path) -> None:
    video = real_video("film", num_frames=100, unseen=slice(45, 50))
    video.with_suffix(".json").write_text(json.dumps({"clips": [{"start": 0, "end": 4, "name": "s0"}]}))
    (tmp_path / "split.json").write_text('{"test": ["s0"]}')
    prepare([video], tmp_path / "data", split_by=tmp_path / "split.json")
    splits = {row["name"]: row["split"] for row in rows_of(tmp_path / "data") if not row["reject_reason"]}
    assert splits == {"s0-0": "test", "s0-2": "test"}


def test_reframed_copies_are_for_training_alone(real_video: Videos, tmp_path: Path) -> None:
    video = real_video("film", num_frames=100)
    clips = [{"start": 2.0 * n, "end": 2.0 * n + 2, "name": f"s{n}"} for n in range(2)]
    video.with_suffix(".json").write_text(json.dumps({"clips": clips}))
    (tmp_path / "split.json").write_text('{"test": ["s1"]}')
    prepare([video], tmp_path / "data", split_by=tmp_path / "split.json", augment=2)
    rows = rows_of(tmp_path / "data")
    assert sorted((row["name"], row["split"], row["copy"]) for row in rows) == [
        ("s0", "train", 0),
        ("s0", "train", 1),
        ("s0", "train", 2),
        ("s1", "test", 0),
    ]
    plain, *copies = read_clips(tmp_path / "data", "train")
    for copy in copies:
        assert copy.meta["size_px"] == [640, 360]
        # The crop follows the face wherever it was pasted. Both squares are moved, as all that are trained on: each by
        # up to a tenth of a side (26 crop px) and 15 % of its size, here 29 px apart at the outermost point.
        apart = copy.crop.to_crop(copy.landmarks.points) - plain.crop.to_crop(plain.landmarks.points)
        assert np.abs(apart).max() < 40
        at = np.rint(copy.crop.to_crop(copy.landmarks.points[:, 30])).astype(int)
        grey = copy.head[np.arange(50), at[:, 1], at[:, 0]].mean(axis=-1)
        assert np.abs(grey - (40 + 2 * np.arange(50))).mean() < 1.0


def test_a_change_draws_only_the_clips_it_changes(real_video: Videos, tmp_path: Path) -> None:
    video, data = real_video("film", num_frames=100), tmp_path / "data"

    def bounds(*edges: float) -> None:
        clips = [{"start": a, "end": b, "name": f"s{n}"} for n, (a, b) in enumerate(itertools.pairwise(edges))]
        video.with_suffix(".json").write_text(json.dumps({"clips": clips}))

    def drawn(**options: Any) -> int:
        prepare([video], data, **options)
        (record,) = read_records(data)
        return record.costs["clips"].frames

    bounds(0.0, 1.0, 2.0, 4.0)
    assert drawn() == 100
    first = {clip.meta["start_s"]: clip for clip in read_clips(data)}
    assert drawn(person="anna") == 0, "a name changes no picture"
    assert {clip.person for clip in read_clips(data)} == {"anna"}
    bounds(0.0, 1.0, 2.0, 3.0)
    assert drawn(person="anna") == 25, "the last sentence alone is another one"
    for clip in read_clips(data):
        np.testing.assert_array_equal(clip.head, first[clip.meta["start_s"]].head[: len(clip)])
    assert not list((data / "work").iterdir())
    assert len(list((data / "shards").iterdir())) == len({row["split"] for row in rows_of(data)})


@pytest.fixture
def somebody_passes(real_video: Videos) -> Path:
    """The film of one person before whom somebody larger stands in frames 50 to 59."""
    video = real_video("film", num_frames=100)
    passing = Landmarks.load(video.parent / "landmarks-0.npz")
    middle = passing.points.mean(axis=(0, 1))
    passing.points[:] = (passing.points - middle) * 1.5 + middle + np.array([40, 0])
    passing.valid[:50] = passing.valid[60:] = False
    passing.points[~passing.valid] = np.nan
    passing.save(video.parent / "landmarks-1.npz")
    return video


def test_who_stands_in_front_is_cut_out(somebody_passes: Path, tmp_path: Path) -> None:
    report = prepare([somebody_passes], tmp_path / "data", target="0")
    rows = sorted(rows_of(tmp_path / "data"), key=lambda row: row["start_s"])
    assert [(row["start_s"], row["num_frames"]) for row in rows] == [(0.0, 50), (2.0, 0), (2.4, 40)]
    assert [row["reject_reason"].split(":")[0] for row in rows] == ["", "occluded", ""]
    assert [row["covered"] > 0.05 for row in rows] == [False, True, False]
    assert {row["looked_for"] for row in rows} <= {"heads", "hands, heads"}
    assert report.rejected == {"occluded": 1}
    assert "<td>occluded" in report.page.read_text()


def test_what_is_in_front_may_be_let_pass(somebody_passes: Path, tmp_path: Path) -> None:
    prepare([somebody_passes], tmp_path / "data", target="0", max_covered=1.0)
    (row,) = rows_of(tmp_path / "data")
    assert (row["num_frames"], row["looked_for"]) == (100, "")
    assert np.isnan(row["covered"])


def test_clips_without_a_look_for_hands_are_counted(
    somebody_passes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a release of the wheel without models, or none at all, looks like.
    monkeypatch.setattr(hands, "HAND", "not_in_the_wheel.tflite")
    report = prepare([somebody_passes], tmp_path / "data", target="0")
    assert report.summary.num_without_hands == 2
    assert "hands were not looked for in 2 clips" in report.page.read_text()
    assert {row["looked_for"] for row in rows_of(tmp_path / "data")} == {"heads"}
