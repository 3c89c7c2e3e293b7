"""The one training loop: seeded by windows seen, checkpointed whole, resumed exactly."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from contextalk.core.records import Progress
from contextalk.models.machine import compute_type, keep_memory
from contextalk.models.pictures import inference
from contextalk.training.checkpoint import load_checkpoint, save_checkpoint
from contextalk.training.config import Budget, TrainConfig


class Objective(Protocol):
    """What one network learns: it owns its data and says how wrong the network is."""

    @property
    def name(self) -> str:
        """Of the network, in progress and curves."""
        ...

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Loss of `batch` windows drawn with `generator` alone, and figures for the log."""
        ...

    def evaluate(self) -> dict[str, float]:
        """Figures on held-out clips."""
        ...


@dataclass(slots=True)
class Progressed:
    """Where a run stands: changes as it goes.

    Attributes:
        seen: Windows seen.
        figures: The last held-out figures.
    """

    seen: int
    figures: dict[str, float]


def fit(
    objective: Objective, budget: Budget, config: TrainConfig, folder: Path, progress: Progress | None = None
) -> dict[str, float]:
    """Train until `budget.windows` are seen, continuing from the folder's checkpoint.

    Leaves the averaged weights in the network.

    Returns:
        Held-out figures of the averaged weights.
    """
    keep_memory()
    folder.mkdir(parents=True, exist_ok=True)
    network = objective.network
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(network.parameters(), lr=budget.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    averaged = {name: value.detach().clone() for name, value in network.state_dict().items()}
    state = Progressed(seen=0, figures={})
    state.seen, state.figures = load_checkpoint(folder, network, optimizer, averaged)
    with SummaryWriter(str(folder)) as board:
        _train(objective, budget, config, folder, optimizer, averaged, state, board, progress)
    network.load_state_dict(averaged)
    return state.figures


def _train(
    objective: Objective,
    budget: Budget,
    config: TrainConfig,
    folder: Path,
    optimizer: torch.optim.Optimizer,
    averaged: dict[str, Tensor],
    state: Progressed,
    board: SummaryWriter,
    progress: Progress | None,
) -> None:
    network = objective.network
    saved_at = time.monotonic()
    while state.seen < budget.windows:
        # 1. Every draw of this step derives from (seed, windows seen): resuming needs no stored generator.
        step_seed = config.seed * 1_000_000_007 + state.seen
        generator = torch.Generator().manual_seed(step_seed)
        torch.manual_seed(step_seed)  # dropout inside the network
        # 2. One step.
        network.train()
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(budget, config, state.seen)
        with torch.autocast("cpu", dtype=compute_type(), enabled=compute_type() != torch.float32):
            loss, figures = objective.loss(budget.batch, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        before, state.seen = state.seen, state.seen + budget.batch
        _average(averaged, network, min(config.ema_decay, _warm_decay(state.seen // budget.batch)))
        # 3. Say so, now and then look at held-out clips, keep it.
        if _crossed(before, state.seen, 25 * budget.batch):
            for name, value in {**figures, "loss": float(loss.detach()), "gradient norm": float(norm)}.items():
                board.add_scalar(f"train/{name}", value, state.seen)
        if progress is not None:
            progress(f"{objective.name} (loss {float(loss.detach()):.3f})", state.seen, budget.windows)
        if _crossed(before, state.seen, config.evaluate_every) or state.seen >= budget.windows:
            state.figures = _evaluate(objective, averaged)
            for name, value in state.figures.items():
                board.add_scalar(f"held-out/{name}", value, state.seen)
        if time.monotonic() - saved_at > config.checkpoint_every_s or state.seen >= budget.windows:
            save_checkpoint(folder, network, optimizer, averaged, seen=state.seen, figures=state.figures)
            saved_at = time.monotonic()


def _learning_rate(budget: Budget, config: TrainConfig, seen: int) -> float:
    """Linear warm-up over the first 1 %, then constant or a cosine to a hundredth."""
    share = seen / budget.windows
    warm = min(1.0, (share + 1e-9) / 0.01)
    if config.learning_rate_decay == "none":
        return budget.learning_rate * warm
    return budget.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def _warm_decay(steps: int) -> float:
    """An average over all steps so far, until it is longer than the wanted one."""
    return (1 + steps) / (10 + steps)


def _average(averaged: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                averaged[name].lerp_(value.detach(), 1 - decay)
            else:
                averaged[name].copy_(value)


def _evaluate(objective: Objective, averaged: dict[str, Tensor]) -> dict[str, float]:
    """Held-out figures of the averaged weights; the training weights are put back."""
    network = objective.network
    training = {name: value.detach().clone() for name, value in network.state_dict().items()}
    network.load_state_dict(averaged)
    network.eval()
    with inference():
        figures = objective.evaluate()
    network.load_state_dict(training)
    return figures


def _crossed(before: int, after: int, every: int) -> bool:
    return before // every != after // every
