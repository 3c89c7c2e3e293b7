"""Points from latents: of drawings, for the hand-over; of heads, for an evaluation that looks at pixels."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from contextalk.models.machine import draw_normal, move
from contextalk.models.reader import LandmarkReader
from contextalk.training.windows import WindowSet

_NOISE = 0.25
"""Largest standard deviation of the noise put on latents in training."""


class ReaderObjective:
    """Smooth L1 in crop px."""

    def __init__(
        self,
        name: str,
        reader: LandmarkReader,
        training: WindowSet,
        held_out: WindowSet,
        *,
        reads: Literal["drawing", "face"] = "drawing",
    ) -> None:
        """`reads`: drawings, as imperfect as a generator's; or heads."""
        self.name = name
        self.network = reader
        self.reads = reads
        self.training = training
        self.held_out = held_out

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`."""
        windows = self.training.draw(batch, generator)
        latents = getattr(windows, self.reads)
        sigma = _NOISE * move(torch.rand(batch, 1, 1, 1, 1, generator=generator), latents.device)
        noisy = latents + sigma * draw_normal(latents.shape, generator, latents.device)
        return functional.smooth_l1_loss(self.network(noisy), windows.points), {}

    def evaluate(self) -> dict[str, float]:
        """Mean distance in crop px on held-out clips, all 68 points and the mouth's."""
        windows = self.held_out.spread(64)
        distance = torch.linalg.vector_norm(self.network(getattr(windows, self.reads)) - windows.points, dim=-1)
        return {"px": float(distance[..., :68].mean()), "mouth px": float(distance[..., 48:68].mean())}
