"""`compact`'s shape, tiny: two networks that generate what guesses lack, trained in a chain, stopped, gone on with."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from contextalk.core.config import to_dict
from contextalk.dataset.prepare import prepare
from contextalk.models.bundle import Bundle
from contextalk.models.codec import CodecConfig
from contextalk.models.lips import LipsConfig
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.reader import ReaderConfig
from contextalk.presets import Preset, compact
from contextalk.training.checkpoint import TRAINER
from contextalk.training.config import Budget
from contextalk.training.run import PRESET_FILE, bundle_run, train
from talk_kit import LEFT, RIGHT, write_talk

WINDOWS = 12
"""Of each generating network: six steps."""


def tiny_compact() -> Preset:
    """`compact` with every departure and dropout it has, at a size of seconds."""
    base = compact()
    few = Budget(windows=4, batch=2, learning_rate=1e-3)
    return Preset(
        models=replace(
            base.models,
            codec=CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1, latent_noise=0.1),
            reader=ReaderConfig(channels=16, blocks=1),
            lips=LipsConfig(channels=16),
            networks={
                name: replace(network, base_channels=8, head_dim=8, condition_dim=16, time_dim=16)
                for name, network in base.models.networks.items()
            },
        ),
        training=replace(
            base.training,
            batch_windows=2,
            network_windows=WINDOWS,
            codec=replace(few, batch=1),
            lips=few,
            reader=few,
            probe=few,
            context=few,
            checkpoint_every_s=0.0,
        ),
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talks")
    for number, side in enumerate((LEFT, RIGHT)):
        write_talk(
            folder / "footage" / f"scene-{number:04d}", side, frames=30 + 6 * number, seed=number, held_out=False
        )
    split = folder / "split.json"
    split.write_text(json.dumps({"train": ["scene-0000"], "val": ["scene-0001"]}))
    prepare([folder / "footage"], folder / "dataset", split_by=split)
    return folder / "dataset"


@pytest.fixture(scope="module")
def whole(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was not interrupted."""
    run = tmp_path_factory.mktemp("run")
    (run / PRESET_FILE).write_text(json.dumps(to_dict(tiny_compact())))
    figures = train("all", data=dataset, run=run)
    assert list(figures) == ["codec", "familiarity", "probe", "reader", "lips", "context", "landmark", "face"]
    return run


def test_the_chain_ends_in_a_bundle(whole: Path, tmp_path: Path):
    bundle_run(whole, tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    assert list(bundle.networks) == ["landmark", "face"]
    models = bundle.card.models
    assert models.landmark_residual > 0
    assert models.face_residual > 0
    assert "bent" in models.face_hints
    assert len(list((whole / "latents").glob("guesses-*.safetensors"))) == 2  # of training and of held-out windows


def test_the_guesses_are_those_of_context(whole: Path):
    """Stage 1 begins with what `context` learnt, and what it regresses with is not taught any further."""
    learnt, after = (torch.load(whole / name / TRAINER, weights_only=True) for name in ("context", "landmark"))
    moved = {name for name, value in after["network"].items() if not torch.equal(value, learnt["averaged"][name])}
    assert moved
    assert not [name for name in moved if name.startswith(MVControlNet.REGRESSION)]


@pytest.mark.parametrize("network", ["landmark", "face"])
def test_stopped_and_gone_on_with_equals_uninterrupted(whole: Path, dataset: Path, tmp_path: Path, network: str):
    run = tmp_path / "run"
    shutil.copytree(whole, run, ignore=lambda _, names: {network} & set(names))
    with pytest.raises(KeyboardInterrupt):
        train(network, data=dataset, run=run, progress=stop_at(network, WINDOWS // 2))
    seen = torch.load(run / network / TRAINER, weights_only=True)["seen"]
    assert 0 < seen < WINDOWS
    train(network, data=dataset, run=run)
    ended, wanted = (torch.load(folder / network / TRAINER, weights_only=True) for folder in (run, whole))
    assert ended["seen"] == wanted["seen"] == WINDOWS
    assert json.dumps(ended["figures"]) == json.dumps(wanted["figures"])  # of a still mouth some are NaN
    for part in ("network", "averaged"):
        assert ended[part].keys() == wanted[part].keys()
        for name, value in wanted[part].items():
            assert torch.equal(ended[part][name], value), f"{part}.{name}"


def stop_at(network: str, windows: int) -> Callable[[str, int, int], None]:
    """Ctrl-C once so many windows are seen; what was seen a step before is saved."""

    def told(what: str, done: int, _total: int) -> None:
        if what.startswith(network) and done >= windows:
            raise KeyboardInterrupt

    return told
