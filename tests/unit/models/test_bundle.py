"""A bundle comes back as it was saved, and says in one line what is wrong with one that is not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from contextalk.core.errors import BundleError
from contextalk.core.records import GenerateRequest
from contextalk.generation.api import open_pipeline
from contextalk.models.bundle import CARD, Bundle, BundleCard
from contextalk.presets import PRESETS, debug


def make(seed: int = 0) -> Bundle:
    torch.manual_seed(seed)
    return Bundle(
        BundleCard(models=debug().models, whom="nobody", persons=(), record={"codec": "4"}, licence="Apache-2.0")
    )


def test_round_trip(tmp_path: Path):
    bundle = make()
    bundle.codec.mean[1] = torch.arange(16) / 4
    bundle.save(tmp_path)
    again = Bundle.load(tmp_path)
    assert again.card == bundle.card
    for name, module in bundle.modules.items():
        for key, value in module.state_dict().items():
            # Stored as float16: 11 bits of mantissa.
            torch.testing.assert_close(again.modules[name].state_dict()[key], value, rtol=1e-3, atol=1e-6)
    assert Bundle.load(tmp_path).fingerprint == again.fingerprint != make(1).fingerprint


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / CARD).unlink(), "is no bundle"),
        (lambda folder: (folder / "face_first.safetensors").unlink(), "face_first.safetensors is missing"),
        (lambda folder: (folder / "codec.safetensors").write_bytes(b"x"), "damaged"),
        (lambda folder: (folder / CARD).write_text("{}"), "is no bundle card"),
        (lambda folder: (folder / CARD).write_text("[]"), "is no bundle card"),
        (lambda folder: (folder / CARD).write_bytes(b"\xff\xfe"), "is no bundle card"),
        (lambda folder: rewrite(folder, models=None), "bundle.json: "),
        (lambda folder: rewrite(folder, schema_version=99), "schema version 99"),
        (lambda folder: rewrite(folder, surprise=1), "unknown field surprise"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage, message: str):
    make().save(tmp_path)
    damage(tmp_path)
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kept", "wanted"), [("face", "landmark_first or landmark"), ("landmark", "face_first or face")]
)
def test_a_network_that_lacks_is_named(tmp_path: Path, kept: str, wanted: str):
    """Before anybody looks at the scene, which here is none; replayed landmarks want no stage 1."""
    models = debug().models
    networks = {name: config for name, config in models.networks.items() if name.startswith(kept)}
    card = BundleCard(models=replace(models, networks=networks), whom="", persons=(), record={}, licence="")
    Bundle(card).save(tmp_path)
    request = GenerateRequest(
        scene=tmp_path / "none.mp4", audio=tmp_path / "none.wav", output=tmp_path / "out.mp4", bundle=tmp_path
    )
    with pytest.raises(BundleError, match=f"no network {wanted}, there are {kept}_first, {kept}_sequence") as caught:
        open_pipeline(request)
    assert "\n" not in str(caught.value)
    if kept == "face":
        open_pipeline(replace(request, landmarks=tmp_path / "l.npz"))


def rewrite(folder: Path, **changes: object) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))


@pytest.mark.parametrize("name", ["compact", "debug"])
def test_every_small_preset_builds(name: str):
    models = PRESETS[name]().models
    bundle = Bundle(BundleCard(models=models, whom="", persons=(), record={}, licence=""))
    hints = {"landmark": 2 if models.landmark_residual else 1, "face": len(models.face_hints)}
    for stage in ("landmark", "face"):
        for step in ("first", "sequence"):
            assert bundle.network(stage, step).config.num_hints == hints[stage]


def test_large_presets_build_without_memory():
    """Shapes of `paper` and `quality` on the meta device: they agree with themselves, nothing is allocated."""
    for name in ("paper", "quality"):
        with torch.device("meta"):
            Bundle(BundleCard(models=PRESETS[name]().models, whom="", persons=(), record={}, licence=""))
