"""Landmark reader: the latent of a drawing → the points that were drawn (the hand-over from stage 1 to stage 2)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.core.geometry import CROP_PX, LATENT_CELLS
from contextalk.core.records import NUM_DRAWN
from contextalk.models.codec import LATENT_CHANNELS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderConfig:
    """Shape of a reader.

    Attributes:
        channels: Width of the convolutions.
        blocks: How many of them.
    """

    channels: int = 96
    blocks: int = 4


class LandmarkReader(nn.Module):
    """A heat map per point on a grid twice as fine as the latent; the point is its centre of mass."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.enter = nn.Conv2d(LATENT_CHANNELS, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
            )
            for _ in range(config.blocks)
        )
        self.heat = nn.Conv2d(width, NUM_DRAWN, 3, padding=1)
        self.offset = nn.Linear(width * 4 * 4, 2 * NUM_DRAWN)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)

    def forward(self, latents: Float[Tensor, "b f 16 16 16"]) -> Float[Tensor, "b f 70 2"]:
        """Points in crop px: 68 landmarks, then the pupils (a pupil of a closed eye is where the eye is)."""
        batch, frames = latents.shape[:2]
        x = self.enter(latents.flatten(0, 1))
        for block in self.blocks:
            x = x + block(x)
        heat = functional.interpolate(self.heat(x).float(), scale_factor=2, mode="bilinear")
        share = heat.flatten(2).softmax(dim=-1).unflatten(-1, heat.shape[-2:])
        cells = 2 * LATENT_CELLS
        centres = (torch.arange(cells, device=x.device) + 0.5) * (CROP_PX / cells)
        column = (share.sum(dim=2) * centres).sum(dim=-1)
        row = (share.sum(dim=3) * centres).sum(dim=-1)
        # What the whole drawing says beyond each point's own heat map: a few px at most.
        pooled = functional.adaptive_avg_pool2d(functional.silu(x), 4).flatten(1)
        points = torch.stack([column, row], dim=-1) + self.offset(pooled).float().unflatten(-1, (NUM_DRAWN, 2))
        return points.unflatten(0, (batch, frames))
