"""Pictures ↔ latents: 256×256 RGB to 16 channels on 16×16 cells (paper, Table 3: downsampling 16)."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.core.geometry import CROP_PX, LATENT_CELLS

LATENT_CHANNELS = 16

Domain = Literal["face", "drawing", "scene"]
DOMAINS: tuple[Domain, ...] = ("face", "drawing", "scene")

Pixels = Float[Tensor, "b f 3 h w"]
Latents = Float[Tensor, "b f 16 16 16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecConfig:
    """Shape of a codec.

    Attributes:
        kind: `compact`: a small space-to-depth network; `kl-f16`: the paper's, diffusers' AutoencoderKL with five
            scales.
        channels: Widths, finest first: three scales (64, 32, 16 cells) for `compact`, five for `kl-f16`.
        blocks: Residual blocks a scale; `compact` has none on its finest, where they would cost most.
        latent_noise: Standard deviation of noise added to latents in training, so that decoding forgives a
            generator's errors.
    """

    kind: Literal["compact", "kl-f16"] = "kl-f16"
    channels: tuple[int, ...] = (128, 128, 256, 256, 512)
    blocks: int = 2
    latent_noise: float = 0.0


class Codec(nn.Module):
    """An autoencoder and the latent statistics of each domain.

    Latents leave `encode` with zero mean and unit variance per channel and domain, and `decode` expects them so.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.network = CompactAutoencoder(config) if config.kind == "compact" else PaperAutoencoder(config)
        self.register_buffer("mean", torch.zeros(len(DOMAINS), LATENT_CHANNELS))
        self.register_buffer("std", torch.ones(len(DOMAINS), LATENT_CHANNELS))

    def encode(self, pixels: Pixels, domain: Domain) -> Latents:
        """Pixels in [−1, 1] → normalised latents, float32."""
        batch, frames = pixels.shape[:2]
        raw = self.network.encode(pixels.flatten(0, 1)).float()
        mean, std = self._statistics(domain)
        return ((raw - mean) / std).unflatten(0, (batch, frames))

    def decode(self, latents: Latents, domain: Domain) -> Pixels:
        """Normalised latents → pixels in [−1, 1], float32."""
        batch, frames = latents.shape[:2]
        mean, std = self._statistics(domain)
        raw = latents.flatten(0, 1).float() * std + mean
        return self.network.decode(raw).float().clamp(-1, 1).unflatten(0, (batch, frames))

    def set_statistics(self, domain: Domain, raw: Float[Tensor, "n 16 h w"]) -> None:
        """Fix a domain's statistics from unnormalised latents of training pictures."""
        row = DOMAINS.index(domain)
        self.mean[row] = raw.float().mean(dim=(0, 2, 3))
        self.std[row] = raw.float().std(dim=(0, 2, 3)).clamp(min=1e-3)

    def _statistics(self, domain: Domain) -> tuple[Tensor, Tensor]:
        row = DOMAINS.index(domain)
        return self.mean[row].reshape(1, -1, 1, 1), self.std[row].reshape(1, -1, 1, 1)


class CompactAutoencoder(nn.Module):
    """Space-to-depth by 4, then two halvings, residual blocks without normalisation; about 2 M parameters."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, fine, 3, padding=1),
            nn.SiLU(),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * fine, middle, 1),
            *(Residual(middle) for _ in range(config.blocks)),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * middle, coarse, 1),
            *(Residual(coarse) for _ in range(config.blocks)),
            nn.Conv2d(coarse, LATENT_CHANNELS, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, coarse, 3, padding=1),
            *(Residual(coarse) for _ in range(config.blocks)),
            nn.Conv2d(coarse, 4 * middle, 1),
            nn.PixelShuffle(2),
            *(Residual(middle) for _ in range(config.blocks)),
            nn.Conv2d(middle, 4 * fine, 1),
            nn.PixelShuffle(2),
            Residual(fine),
            nn.Conv2d(fine, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )

    def encode(self, pixels: Float[Tensor, "n 3 x y"]) -> Float[Tensor, "n 16 h w"]:
        """Unnormalised latents."""
        return self.encoder(pixels.contiguous(memory_format=torch.channels_last))

    def decode(self, latents: Float[Tensor, "n 16 h w"]) -> Float[Tensor, "n 3 x y"]:
        """Pixels, unclamped."""
        return self.decoder(latents.contiguous(memory_format=torch.channels_last))


class Residual(nn.Module):
    """Two 3×3 convolutions around SiLU; starts as the identity, which stands in for normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out."""
        return x + self.second(functional.silu(self.first(functional.silu(x))))


class PaperAutoencoder(nn.Module):
    """The LDM `kl-f16` shape on diffusers' AutoencoderKL, attention at 16×16; encodes to the posterior's mean."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        from diffusers import AutoencoderKL

        scales = len(config.channels)
        groups = min(32, min(config.channels))
        shape: dict[str, Any] = {
            "down_block_types": ("DownEncoderBlock2D",) * (scales - 1) + ("AttnDownEncoderBlock2D",),
            "up_block_types": ("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * (scales - 1),
            "block_out_channels": config.channels,
            "layers_per_block": config.blocks,
            "latent_channels": LATENT_CHANNELS,
            "norm_num_groups": groups,
            "sample_size": CROP_PX,
        }
        self.vae: Any = AutoencoderKL(**shape)

    def encode(self, pixels: Float[Tensor, "n 3 x y"]) -> Float[Tensor, "n 16 h w"]:
        """Unnormalised latents: the mean of the posterior."""
        return self.vae.encode(pixels).latent_dist.mode()

    def decode(self, latents: Float[Tensor, "n 16 h w"]) -> Float[Tensor, "n 3 x y"]:
        """Pixels, unclamped."""
        return self.vae.decode(latents).sample


def latent_shape(batch: int, frames: int) -> tuple[int, int, int, int, int]:
    """(B, F, 16, 16, 16)."""
    return (batch, frames, LATENT_CHANNELS, LATENT_CELLS, LATENT_CELLS)
