"""Codec: pictures come back as they were."""

import torch
from torch import Tensor
from torch.nn import functional

from contextalk.models.codec import DOMAINS, Codec
from contextalk.models.machine import draw_normal
from contextalk.training.picture_set import PictureSet

_LATENT_PENALTY = 1e-3
"""Weight of the latents' mean square: keeps them near unit size, so that noise of a fixed size means something."""

_EDGE_WEIGHT = 1.0
"""Of the difference of gradients: L1 alone blurs lips and lids."""


class CodecObjective:
    """L1 on pixels and on their gradients, weighted to mouth, eyes and whatever is drawn."""

    name = "codec"

    def __init__(self, codec: Codec, pictures: PictureSet) -> None:
        self.network = codec
        self.pictures = pictures

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; a window is eight pictures drawn at random."""
        pixels, weights = self.pictures.draw(8 * batch, generator)
        latents = self.network.network.encode(pixels)
        noisy = latents + self.network.config.latent_noise * draw_normal(latents.shape, generator, latents.device)
        decoded = self.network.network.decode(noisy)
        error = ((decoded - pixels).abs() * weights).mean()
        edges = _gradients(decoded) - _gradients(pixels)
        edge_error = (edges.abs() * weights[:, :, 1:, 1:]).mean()
        size = latents.square().mean()
        return error + _EDGE_WEIGHT * edge_error + _LATENT_PENALTY * size, {"latent mean square": size.detach()}

    def evaluate(self) -> dict[str, float]:
        """PSNR in dB per domain on held-out pictures."""
        figures: dict[str, float] = {}
        for domain in DOMAINS:
            pixels = self.pictures.held_out[domain]
            decoded = self.network.network.decode(self.network.network.encode(pixels)).float().clamp(-1, 1)
            figures[f"psnr {domain}"] = float(10 * torch.log10(4 / functional.mse_loss(decoded, pixels)))
        return figures

    def measure_statistics(self) -> None:
        """Fix the codec's latent statistics from the training pictures."""
        for domain in DOMAINS:
            with torch.no_grad():
                pixels = self.pictures.sample(domain, 256)
                raw = torch.cat([self.network.network.encode(part) for part in pixels.split(16)])
            self.network.set_statistics(domain, raw)


def _gradients(pixels: Tensor) -> Tensor:
    """(N, 6, H − 1, W − 1): differences to the right and down."""
    right = pixels[:, :, :-1, 1:] - pixels[:, :, :-1, :-1]
    down = pixels[:, :, 1:, :-1] - pixels[:, :, :-1, :-1]
    return torch.cat([right, down], dim=1)
