"""Files, and the report on them."""

import json

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed: pip install 'contextalk[synth]'")
pytestmark = pytest.mark.usefixtures("skia_drawing")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from contextalk.synth import write_scenes

    path = tmp_path_factory.mktemp("synth")
    write_scenes(path, minutes=0.066, seed=5, twins=True, scene_s=2.0)
    return path


def test_layout(folder) -> None:
    from contextalk.core.records import Landmarks
    from contextalk.media.audio import read_audio
    from contextalk.media.video import probe

    scene = folder / "scene-0000"
    script = json.loads((scene / "scene.json").read_text())
    people = len(script["cast"])
    names = {"scene.mp4", "labels.npz", "scene.json"}
    names |= {f"speaker-{k}.wav" for k in range(people)} | {f"landmarks-{k}.npz" for k in range(people)}
    assert {path.name for path in scene.iterdir()} == names
    assert 2 <= people <= 4

    video = probe(scene / "scene.mp4")
    assert video.size_px == (960, 540)
    assert len(video.times_s) == 50
    assert video.has_audio
    assert len(read_audio(scene / "speaker-0.wav")) == 32_000
    labels = np.load(scene / "labels.npz")
    for k in range(people):
        marks = Landmarks.load(scene / f"landmarks-{k}.npz")
        np.testing.assert_array_equal(marks.points, labels[f"landmarks_{k}"])
        np.testing.assert_allclose(np.linalg.norm(labels[f"gaze_{k}"], axis=1), 1, atol=1e-5)  # float32 rounding
        assert labels[f"head_box_{k}"].shape == (50, 4)
        assert (labels[f"addressee_{k}"] >= -1).all()
    main, turn = script["main"], script["turns"][0]
    assert (labels[f"addressee_{main}"] == turn["addressee"]).all()
    assert labels[f"speaking_{main}"].mean() > 0.4
    assert turn["phones"]
    assert turn["text"]


def test_gaze_of_a_face_that_looks_into_the_camera_is_minus_z() -> None:
    from contextalk.synth import random_stage

    stage = random_stage(1, 3)
    towards = stage.gaze(0)[:, 2]

    assert (towards < 0).all()


def test_twins_share_sound_and_script_but_for_the_addressee(folder) -> None:
    twin = next(folder.glob("*-twin"))
    scene = folder / twin.name.removesuffix("-twin")
    one, two = (json.loads((path / "scene.json").read_text()) for path in (scene, twin))
    main = one["main"]

    assert (scene / f"speaker-{main}.wav").read_bytes() == (twin / f"speaker-{main}.wav").read_bytes()
    assert one["cast"] == two["cast"]
    assert one["turns"][0]["addressee"] != two["turns"][0]["addressee"]
    assert one["turns"][0]["phones"] == two["turns"][0]["phones"]
    labels = [np.load(path / "labels.npz") for path in (scene, twin)]
    np.testing.assert_array_equal(*(label[f"blink_{main}"] for label in labels))


def test_the_same_call_resumes_and_a_broken_scene_is_made_again(folder) -> None:
    from contextalk.synth import write_scenes

    kept, lost = folder / "scene-0000" / "scene.mp4", folder / "scene-0001"
    before, content = kept.stat().st_mtime_ns, (lost / "labels.npz").read_bytes()
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    half = folder / "scene-0001.part"
    half.mkdir()
    (half / "rubbish").write_text("left by a crash")

    write_scenes(folder, minutes=0.066, seed=5, twins=True, scene_s=2.0)

    assert kept.stat().st_mtime_ns == before
    assert not half.exists()
    with np.load(lost / "labels.npz") as labels:
        assert labels["times_s"].shape == (50,)
    assert len((lost / "labels.npz").read_bytes()) == len(content)


def test_held_out_scenes_have_held_out_people(tmp_path) -> None:
    from contextalk.synth import HELD_OUT_PEOPLE, write_scenes

    (scene,) = write_scenes(tmp_path, minutes=0.033, seed=2, scene_s=2.0, people="held-out")

    assert all(who["person"] in HELD_OUT_PEOPLE for who in json.loads((scene / "scene.json").read_text())["cast"])
    assert json.loads((scene / "scene.json").read_text())["held_out"] is True


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scene_s": 0.3}, "0.3 s, wanted 0.32 \\(a window\\) to 60"),
        ({"minutes": 0}, "0, wanted more than 0"),
        ({"seed": -1}, "-1, wanted 0"),
    ],
)
def test_numbers_out_of_range_are_named(tmp_path, wrong, message) -> None:
    from contextalk.core.errors import ContextalkError
    from contextalk.synth import write_scenes

    with pytest.raises(ContextalkError, match=message):
        write_scenes(tmp_path, **{"minutes": 1, "seed": 0, **wrong})


def test_report_wants_enough_scenes(folder) -> None:
    from contextalk.core.errors import ContextalkError
    from contextalk.synth import report

    with pytest.raises(ContextalkError, match="wanted at least 10"):
        report(folder)


def test_side_blind_finds_a_side_that_the_place_tells_and_none_where_it_does_not() -> None:
    from contextalk.synth.report import side_blind

    rng = np.random.default_rng(0)
    places = [np.array([[rng.uniform(100, 860), 200.0, 130.0]]) for _ in range(200)]
    told = [np.array([1 if place[0, 0] < 480 else -1]) for place in places]
    chance = [np.array([rng.choice([-1, 1])]) for _ in places]

    assert side_blind(places, told) > 0.95
    # 200 fair draws: three standard deviations are 0.11.
    assert abs(side_blind(places, chance) - 0.5) < 0.11


def test_difficulty_floors_hold() -> None:
    from contextalk.synth import TRAIN_PEOPLE
    from contextalk.synth.acting import act
    from contextalk.synth.play import casting, play
    from contextalk.synth.report import SIDE_WANTED, YAW_WANTED_DEG, side_blind

    places, sides = [], []
    for seed in range(800):
        row, main, addressee = casting(seed, TRAIN_PEOPLE)
        places.append(np.array([[row[main].x, row[main].y, row[main].scale]]))
        sides.append(np.array([1 if addressee > main else -1]))
    plays = [play(seed, 50, TRAIN_PEOPLE) for seed in range(30)]
    yaw = np.concatenate([act(p.seed, p.seats, p.turns, 50)[p.main].motion.yaw for p in plays])

    assert side_blind(places, sides) <= SIDE_WANTED
    assert np.median(np.abs(yaw - yaw.mean())) >= YAW_WANTED_DEG


def test_a_short_scene_is_the_end_of_one_of_two_seconds(tmp_path) -> None:
    from contextalk.core.records import Landmarks
    from contextalk.media.audio import read_audio
    from contextalk.media.video import read_frames
    from contextalk.synth import write_scenes

    (short,) = write_scenes(tmp_path / "short", minutes=0.005, seed=3, scene_s=0.32)
    (whole,) = write_scenes(tmp_path / "whole", minutes=0.033, seed=3, scene_s=2.0)
    scripts = [json.loads((scene / "scene.json").read_text()) for scene in (short, whole)]
    main = scripts[0]["main"]

    assert scripts[0]["cast"] == scripts[1]["cast"]
    assert scripts[0]["turns"][0]["start_s"] == pytest.approx(scripts[1]["turns"][0]["start_s"] - 1.68)
    points = [Landmarks.load(scene / f"landmarks-{main}.npz").points for scene in (short, whole)]
    np.testing.assert_array_equal(points[0], points[1][-8:])
    waves = [read_audio(scene / f"speaker-{main}.wav") for scene in (short, whole)]
    np.testing.assert_array_equal(waves[0], waves[1][-5120:])
    assert waves[0].any()
    labels = [np.load(scene / "labels.npz") for scene in (short, whole)]
    np.testing.assert_array_equal(labels[0][f"addressee_{main}"], labels[1][f"addressee_{main}"][-8:])
    pictures = [np.stack([frame.rgb for frame in read_frames(scene / "scene.mp4")]) for scene in (short, whole)]
    # Two encodings of the same pictures at crf 16.
    assert np.abs(pictures[0].astype(int) - pictures[1][-8:]).mean() < 3
