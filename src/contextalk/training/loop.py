"""The one training loop: seeded by windows seen, checkpointed whole, resumed exactly."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.tensorboard import SummaryWriter

from contextalk.core.records import Progress
from contextalk.models.machine import device_of, fast_arithmetic, keep_memory
from contextalk.models.pictures import inference
from contextalk.training.checkpoint import load_checkpoint, save_checkpoint
from contextalk.training.config import Budget, TrainConfig

_READ_EVERY = 25
"""Steps between two readings of loss and figures: each makes a card wait."""


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

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of `batch` windows drawn with `generator` (on the CPU) alone, and figures for the log.

        Nothing here waits for a card: a number is read from it once in many steps.
        """
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A network with all that learning adds to it, on the network's device.

    Attributes:
        objective: What it learns.
        budget: For how long.
        config: How.
        optimizer: Adam's state.
        averaged: Averaged weights by name.
    """

    objective: Objective
    budget: Budget
    config: TrainConfig
    optimizer: torch.optim.Optimizer
    averaged: dict[str, Tensor]

    @staticmethod
    def start(objective: Objective, budget: Budget, config: TrainConfig) -> "Learner":
        """Before the first window."""
        network = objective.network
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return Learner(
            objective=objective,
            budget=budget,
            config=config,
            optimizer=torch.optim.AdamW(
                network.parameters(), lr=budget.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
            ),
            averaged={name: value.detach().clone() for name, value in network.state_dict().items()},
        )

    def step(self, seen: int) -> dict[str, Tensor]:
        """Learn from the next batch after `seen` windows; returns figures for the log."""
        network, budget = self.objective.network, self.budget
        # Every draw of a step derives from (seed, windows seen): resuming needs no stored generator.
        step_seed = self.config.seed * 1_000_000_007 + seen
        generator = torch.Generator().manual_seed(step_seed)
        torch.manual_seed(step_seed)  # dropout inside the network
        network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = _learning_rate(budget, self.config, seen)
        with fast_arithmetic(device_of(network)):
            loss, figures = self.objective.loss(budget.batch, generator)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        self.optimizer.step()
        _average(self.averaged, network, min(self.config.ema_decay, _warm_decay(seen // budget.batch + 1)))
        return {**figures, "loss": loss.detach(), "gradient norm": norm}


def fit(
    objective: Objective, budget: Budget, config: TrainConfig, folder: Path, progress: Progress | None = None
) -> dict[str, float]:
    """Train until `budget.windows` are seen, continuing from the folder's checkpoint, where the network is.

    Leaves the averaged weights in the network.

    Returns:
        Held-out figures of the averaged weights.
    """
    keep_memory()
    folder.mkdir(parents=True, exist_ok=True)
    learner = Learner.start(objective, budget, config)
    state = Progressed(seen=0, figures={})
    state.seen, state.figures = load_checkpoint(folder, objective.network, learner.optimizer, learner.averaged)
    with SummaryWriter(str(folder)) as board:
        _train(learner, folder, state, board, progress)
    objective.network.load_state_dict(learner.averaged)
    return state.figures


def _train(learner: Learner, folder: Path, state: Progressed, board: SummaryWriter, progress: Progress | None) -> None:
    objective, budget, config = learner.objective, learner.budget, learner.config
    said, saved_at = objective.name, time.monotonic()
    while state.seen < budget.windows:
        # 1. One step.
        figures = learner.step(state.seen)
        before, state.seen = state.seen, state.seen + budget.batch
        # 2. Say so, now and then look at held-out clips, keep it.
        if before == 0 or _crossed(before, state.seen, _READ_EVERY * budget.batch):
            for name, value in figures.items():
                board.add_scalar(f"train/{name}", float(value), state.seen)
            said = f"{objective.name} (loss {float(figures['loss']):.3f})"
        if progress is not None:
            progress(said, state.seen, budget.windows)
        if _crossed(before, state.seen, config.evaluate_every) or state.seen >= budget.windows:
            state.figures = _evaluate(objective, learner.averaged)
            for name, value in state.figures.items():
                board.add_scalar(f"held-out/{name}", value, state.seen)
        if time.monotonic() - saved_at > config.checkpoint_every_s or state.seen >= budget.windows:
            save_checkpoint(
                folder, objective.network, learner.optimizer, learner.averaged, seen=state.seen, figures=state.figures
            )
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
    current = network.state_dict()
    floating = [name for name, value in averaged.items() if value.is_floating_point()]
    update = get_ema_multi_avg_fn(decay)
    update([averaged[name] for name in floating], [current[name] for name in floating], 0)
    for name in averaged.keys() - set(floating):
        averaged[name].copy_(current[name])


def _evaluate(objective: Objective, averaged: dict[str, Tensor]) -> dict[str, float]:
    """Held-out figures of the averaged weights; the training weights are put back."""
    network = objective.network
    training = {name: value.detach().clone() for name, value in network.state_dict().items()}
    network.load_state_dict(averaged)
    network.eval()
    with inference(device_of(network)):
        figures = objective.evaluate()
    network.load_state_dict(training)
    return figures


def _crossed(before: int, after: int, every: int) -> bool:
    return before // every != after // every
