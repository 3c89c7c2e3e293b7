"""A bundle with lip references of Wav2Lip: from a file in the published layout, of random weights, to a video."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from contextalk.cli.main import main
from contextalk.media.video import probe
from contextalk.models.bundle import CARD, Bundle, embedded_bundle
from talk_kit import LEFT, RIGHT, write_talk
from wav2lip_kit import publish, random_weights, write_checkpoint


def run(*words: str | Path) -> None:
    main([str(word) for word in words])


def test_from_published_weights_to_a_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    footage, dataset, folder, bundle = (tmp_path / name for name in ("footage", "dataset", "run", "bundle"))
    for number, (side, frames) in enumerate(((LEFT, 40), (RIGHT, 30))):
        write_talk(
            footage / f"scene-{number}", side, frames=frames, seed=number, person=20 + 2 * number, held_out=False
        )
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["scene-0"], "val": ["scene-1"]}))
    run("prepare", footage, "-o", dataset, "--split-by", split)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = write_checkpoint(tmp_path / "downloaded.pth", random_weights(), prefix="module.")
    publish(monkeypatch, wav2lip_gan=file)
    run("weights", "import", "wav2lip_gan", file)
    kept = tmp_path / "cache" / "contextalk" / "weights" / "wav2lip_gan.pth"
    assert kept.is_file()
    file.unlink()

    capsys.readouterr()
    train = ("train", "all", "--data", dataset, "--preset", "debug", "--lips", "wav2lip_gan")
    run(*train, "--run", folder, "--json")
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert set(figures["lips"]) == {"error", "error of a still mouth"}
    drawn = [load_file(path)["lips"] for path in (folder / "latents" / "wav2lip_gan").rglob("*.safetensors")]
    long, short = sorted(drawn, key=len, reverse=True)
    assert [long.shape, short.shape] == [(40, 16, 16), (30, 16, 16)]
    assert long.float().std(dim=0).max() > 0  # the buzz comes and goes, and the mouth with it
    assert (short == 128).all()

    run("bundle", folder, "-o", bundle)
    card = json.loads((bundle / "bundle.json").read_text())
    assert card["models"]["lips"]["kind"] == "wav2lip_gan"
    assert "non-commercial" in card["licence"]
    assert json.loads(card["record"]["lips"]) == figures["lips"]
    assert "lips.safetensors" not in {path.name for path in bundle.iterdir()}
    # The debug bundle has 1.3 million parameters, Wav2Lip 36 million: none of its tensors is in there.
    assert sum(path.stat().st_size for path in bundle.iterdir()) < kept.stat().st_size / 20

    scene, out = footage / "scene-1", tmp_path / "out.mp4"
    generate = ("generate", scene / "scene.mp4", "--audio", scene / "speaker-0.wav", "--bundle", bundle, "--force")
    run(*generate, "-o", out)
    np.testing.assert_allclose(probe(out).times_s, probe(scene / "scene.mp4").times_s, atol=1e-6)
    report = json.loads(out.with_suffix(".report.json").read_text())
    assert "wav2lip_gan, non-commercial" in json.dumps(report)

    # Without the weights: one line, before anything is looked at, and no half-made things.
    kept.unlink()
    shutil.rmtree(folder / "latents" / "wav2lip_gan")
    again = tmp_path / "again"
    for words in ((*generate, "-o", tmp_path / "no.mp4"), (*train, "--run", again)):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            run(*words)
        said = capsys.readouterr().err
        assert ending.value.code == 2
        assert said.count("\n") == 1
        assert "contextalk weights import wav2lip_gan FILE" in said
    assert not (tmp_path / "no.mp4").exists()
    assert not (again / "codec").exists()


def test_the_embedded_bundle_is_read_as_before():
    embedded = Bundle.load()
    assert embedded.card.models.lips.kind == "own"
    assert embedded.lips is not None
    card = json.loads((embedded_bundle() / CARD).read_text())
    assert set(card["models"]["lips"]) == {"channels", "folds"}
    assert torch.isfinite(embedded.lips(torch.zeros(1, 1, 80, 16), torch.zeros(1, 16, 16, 16))).all()
