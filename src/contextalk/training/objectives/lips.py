"""Lip generator: grey mouths from sound, two folds that never see each other's clips."""

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from contextalk.dataset.splits import words_key
from contextalk.models.lips import LipGenerator
from contextalk.models.machine import CPU
from contextalk.training.latents import LatentClip
from contextalk.training.windows import WindowBatch, WindowSet


def fold_of(key: str, folds: int) -> int:
    """Which generator a clip, and whatever says the same, is *kept from*; that one makes its references."""
    return int(hashlib.sha256(words_key(key).encode()).hexdigest(), 16) % folds


class LipsObjective:
    """Mean absolute error of the mouth picture, summed over folds."""

    name = "lips"

    def __init__(
        self,
        lips: LipGenerator,
        training: list[LatentClip],
        held_out: list[LatentClip],
        device: torch.device = CPU,
    ) -> None:
        self.network = lips
        folds = lips.config.folds
        kept = [[clip for clip in training if fold_of(clip.key, folds) != fold] for fold in range(folds)]
        # A dataset of one or two clips may leave a fold without any: it then learns from all.
        self.folds = [WindowSet(clips or training, device) for clips in kept]
        self.held_out = WindowSet(held_out, device)

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; the batch is shared among the folds."""
        share = max(1, batch // len(self.folds))
        losses = [self._error(windows.draw(share, generator), fold) for fold, windows in enumerate(self.folds)]
        return torch.stack(losses).mean(), {}

    def evaluate(self) -> dict[str, float]:
        """`lip_figures` of the first fold."""
        return lip_figures(lambda windows: self.network(windows.mel, windows.identity, 0), self.held_out)

    def _error(self, windows: WindowBatch, fold: int) -> Tensor:
        drawn = self.network(windows.mel, windows.identity, fold)
        return functional.l1_loss(drawn.float(), mouth_pictures(windows))


def lip_figures(draw: Callable[[WindowBatch], Tensor], held_out: WindowSet) -> dict[str, float]:
    """Error of references on held-out clips beside the floor of drawing each person's own mean mouth."""
    windows = held_out.spread(128)
    truth = mouth_pictures(windows)
    mean = truth.mean(dim=1, keepdim=True)
    return {
        "error": float(functional.l1_loss(draw(windows).float(), truth)),
        "error of a still mouth": float((truth - mean).abs().mean()),
    }


def mouth_pictures(windows: WindowBatch) -> Tensor:
    """(B, F, 1, 16, 16) truth in [−1, 1]."""
    return (windows.lips / 127.5 - 1)[:, :, None]
