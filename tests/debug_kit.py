"""A bundle and a run of debug size with random weights: the whole way, quickly, to no good end."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from contextalk.core.config import to_dict
from contextalk.models.bundle import Bundle, BundleCard
from contextalk.models.lip_reader import LipReader, LipReaderConfig
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from contextalk.presets import debug
from contextalk.training.ablations import ablation_networks


def write_bundle_and_run(root: Path) -> tuple[Path, Path]:
    """A bundle, and a run with estimator, judges and ablations."""
    torch.manual_seed(0)
    models = debug().models
    bundle = Bundle(BundleCard(models=models, whom="nobody", persons=(), record={}, licence="none"))
    bundle.save(root / "bundle")
    run = root / "run"
    for name, config in ablation_networks(models).items():
        _put(run / name, MVControlNet(config))
        (run / name / "network.json").write_text(json.dumps(to_dict(config)))
    _put(run / "estimator", bundle.reader)
    _put(run / "sync", SyncJudge(SyncJudgeConfig()))
    _put(run / "lip_reader", LipReader(LipReaderConfig()))
    (run / "figures.json").write_text(json.dumps({"sync": {"windows": 1, "offset right": 0.125}}))
    return root / "bundle", run


def _put(folder: Path, module: nn.Module) -> None:
    folder.mkdir(parents=True)
    save_file(module.state_dict(), folder / "averaged.safetensors")
