"""Lip references of training clips: each from the generator that never saw the clip."""

import torch
from torch import Tensor

from contextalk.models.lips import LipGenerator
from contextalk.models.machine import move
from contextalk.training.latents import LatentClip
from contextalk.training.objectives.lips import fold_of
from contextalk.training.windows import WindowBatch


class FoldedLips:
    """Makes (B, F, 1, 16, 16) references for batches of one window set."""

    def __init__(self, lips: LipGenerator, clips: list[LatentClip], *, fold: int | None = None) -> None:
        """Choose generators.

        Args:
            lips: Trained generators.
            clips: Those of the window set, in its order.
            fold: Use this generator for all; None: for each clip the one kept from it.
        """
        self.lips = lips.eval().requires_grad_(requires_grad=False)
        folds = [fold_of(clip.key, lips.config.folds) if fold is None else fold for clip in clips]
        self.fold_of_frame = torch.cat([torch.full((len(clip),), of) for clip, of in zip(clips, folds, strict=True)])

    def __call__(self, windows: WindowBatch) -> Tensor:
        """References of a batch."""
        folds = move(self.fold_of_frame[windows.frames[:, 0]], windows.mel.device)
        with torch.no_grad():
            drawn = torch.stack(
                [self.lips(windows.mel, windows.identity, fold) for fold in range(len(self.lips.folds))]
            )
        return drawn[folds, torch.arange(len(folds), device=folds.device)].float()
