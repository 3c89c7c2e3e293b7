"""Checkpoints: written whole or not at all, read without pickled code."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from contextalk.core.runs import WEIGHTS

TRAINER = "trainer.pt"


def save_checkpoint(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    averaged: dict[str, Tensor],
    *,
    seen: int,
    figures: dict[str, float],
) -> None:
    """Write everything a resumed run needs into one file, and the averaged weights beside it for use.

    The averaged weights come first: a run that says it has seen all of its windows has them.
    """
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "averaged": averaged,
        "seen": seen,
        "figures": figures,
    }
    part = folder / f"{WEIGHTS}.part"
    metadata = {"seen": str(seen), "figures": json.dumps(figures)}
    save_file({name: value.contiguous() for name, value in averaged.items()}, part, metadata=metadata)
    part.replace(folder / WEIGHTS)
    part = folder / f"{TRAINER}.part"
    torch.save(state, part)
    part.replace(folder / TRAINER)


def load_checkpoint(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer, averaged: dict[str, Tensor]
) -> tuple[int, dict[str, float]]:
    """Put network, optimiser and average back; returns (windows seen, figures), (0, {}) without a checkpoint."""
    path = folder / TRAINER
    if not path.is_file():
        return 0, {}
    state = torch.load(path, map_location="cpu", weights_only=True)  # written on whatever device
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    for name, value in state["averaged"].items():
        averaged[name].copy_(value)
    return int(state["seen"]), dict(state["figures"])


def load_averaged(folder: Path, network: nn.Module) -> bool:
    """Put the averaged weights of a run into a network; False where the run has none yet."""
    path = folder / WEIGHTS
    if not path.is_file():
        return False
    network.load_state_dict(load_file(path))
    return True
