"""The whole house once, at debug size, by the command line: synth, prepare, train all, bundle, people, generate."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from contextalk.cli.main import main
from contextalk.core.records import Landmarks
from contextalk.media.video import probe
from contextalk.models.bundle import Bundle


def run(*words: str | Path) -> None:
    main([str(word) for word in words])


@pytest.mark.usefixtures("skia_drawing")
def test_from_nothing_to_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    footage, dataset, folder, bundle = (tmp_path / name for name in ("footage", "dataset", "run", "bundle"))
    run("synth", "-o", footage, "--minutes", "0.1", "--seed", "5", "--scene-s", "2")
    scenes = sorted(footage.glob("scene-*"))
    assert len(scenes) == 3
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"val": [scenes[1].name], "test": [scenes[2].name]}))

    run("prepare", footage, "-o", dataset, "--target", "all", "--split-by", split)
    capsys.readouterr()
    run("train", "all", "--data", dataset, "--run", folder, "--preset", "debug", "--json")
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert list(figures) == [
        *("codec", "familiarity", "probe", "reader", "lips"),
        *("landmark_first", "landmark_sequence", "face_first", "face_sequence"),
    ]
    run("bundle", folder, "-o", bundle)

    scene = scenes[2] / "scene.mp4"
    capsys.readouterr()
    run("people", scene, "--json")
    people = json.loads(capsys.readouterr().out)
    out, saved = tmp_path / "out.mp4", tmp_path / "landmarks.npz"
    words = ["generate", scene, "--audio", scenes[2] / "speaker-0.wav", "--bundle", bundle, "--target", "0", "--force"]
    run(*words, "--save-landmarks", saved, "-o", out)

    source, made = probe(scene), probe(out)
    assert len(people["people"]) >= 2
    np.testing.assert_allclose(made.times_s, source.times_s, atol=1e-6)
    assert made.size_px == source.size_px
    landmarks = Landmarks.load(saved)
    assert landmarks.valid.all()
    assert np.isfinite(landmarks.points).all()
    report = json.loads((tmp_path / "out.report.json").read_text())
    assert report["generated_frames"] == len(source.times_s)
    assert report["provenance"]["synthetic"] is True

    # Codec and one network, taught further from the bundle: the others of the new bundle are the old ones.
    further, fresh = tmp_path / "further", tmp_path / "fresh"
    words = ("--data", dataset, "--run", further, "--preset", "debug", "--from", bundle)
    run("train", "codec", *words, "--windows", "4")
    run("train", "face-first", *words, "--windows", "6")
    run("train", "landmark-sequence", *words, "--windows", "6", "--speech", dataset)  # dubbed by themselves
    run("bundle", further, "--from", bundle, "-o", fresh)
    old, new = Bundle.load(bundle), Bundle.load(fresh)
    same = {name: equal_weights(old.modules[name], new.modules[name]) for name in old.modules}
    assert same.pop("codec") is False
    assert same.pop("face_first") is same.pop("landmark_sequence") is False
    assert any((further / "latents").glob("dubbed-*/*.safetensors"))
    statistics = [name for name, _ in old.codec.named_buffers()]
    assert statistics
    assert all(new.codec.get_buffer(name).equal(old.codec.get_buffer(name)) for name in statistics)
    assert all(same.values()), same
    assert set(new.card.record) == {*old.card.record, "from", "speech"}
    assert min(json.loads(new.card.record["speech"]).values()) >= 1  # sentences of each speaker
    assert json.loads(new.card.record["from"]) == {"bundle": bundle.name, "sha256": old.fingerprint}

    # An ablation begins as stage 2 where it has the same weights: two Adam steps of 2e-4 later it is still near.
    run("train", "framewise", *words, "--windows", "4")
    begun = load_file(further / "framewise" / "averaged.safetensors")
    known = old.modules["face_sequence"].state_dict()
    both = [name for name in begun if name in known and known[name].shape == begun[name].shape]
    assert len(both) > 0.9 * len(begun)
    assert max(float((begun[name] - known[name]).abs().max()) for name in both) < 1e-3


@pytest.mark.usefixtures("skia_drawing")
def test_training_goes_on_where_it_was(tmp_path: Path):
    """Stopped after half the windows and started again, a run ends with the weights of one that was not stopped."""
    footage, dataset = tmp_path / "footage", tmp_path / "dataset"
    run("synth", "-o", footage, "--minutes", "0.0667", "--seed", "6", "--scene-s", "2")
    run("prepare", footage, "-o", dataset)
    common = ("--data", dataset, "--preset", "debug")
    for name in ("whole", "halves"):
        run("train", "codec", *common, "--run", tmp_path / name)
    run("train", "reader", *common, "--run", tmp_path / "whole", "--windows", "8")
    # The schedule of a run is that of its full length, so the first half is cut off by hand: stop after a checkpoint.
    stop_after(4, tmp_path / "halves", dataset)
    run("train", "reader", *common, "--run", tmp_path / "halves", "--windows", "8")
    first, second = (load_file(tmp_path / name / "reader" / "averaged.safetensors") for name in ("whole", "halves"))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value.numpy(), second[name].numpy()), name


def equal_weights(one: nn.Module, other: nn.Module) -> bool:
    values = other.state_dict()
    return all(torch.equal(value, values[name]) for name, value in one.state_dict().items())


def stop_after(windows: int, folder: Path, dataset: Path) -> None:
    """Interrupt a training of eight windows once `windows` are seen and saved."""
    from dataclasses import replace

    from contextalk.presets import debug
    from contextalk.training.run import TrainingRun

    def interrupt(what: str, done: int, _total: int) -> None:
        if what.startswith("reader") and done >= windows + 2:
            raise KeyboardInterrupt

    preset = debug()
    training = replace(preset.training, checkpoint_every_s=0.0)
    started = TrainingRun(dataset, folder, replace(preset, training=training), progress=interrupt)
    started.shorten("reader", 8)
    with pytest.raises(KeyboardInterrupt):
        started.train("reader")
