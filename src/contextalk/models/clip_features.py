"""The picture half of CLIP (Radford et al. 2021), names and shapes as its published safetensors have them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the pictures CLIP was trained on, RGB in 0 … 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """Shape of the picture half; the defaults are ViT-L/14.

    Attributes:
        picture_px, patch_px: Side of a picture and of a patch.
        width, layers, heads: Of the transformer.
        embedding: Length of what is compared.
    """

    picture_px: int = 224
    patch_px: int = 14
    width: int = 1024
    layers: int = 24
    heads: int = 16
    embedding: int = 768


class ClipVision(nn.Module):
    """A vision transformer that reads a picture off its class token."""

    def __init__(self, config: ClipConfig | None = None) -> None:
        super().__init__()
        self.config = config or ClipConfig()
        self.vision_model = _Tower(self.config)
        self.visual_projection = nn.Linear(self.config.width, self.config.embedding, bias=False)

    def forward(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Unit vectors of pictures made by `clip_pixels`."""
        return functional.normalize(self.visual_projection(self.vision_model(pixels)), dim=-1)


def clip_pixels(pictures: NDArray[np.uint8], side_px: int = 224) -> Float[Tensor, "n 3 h w"]:
    """Square RGB pictures (N, S, S, 3) as CLIP expects them: bicubic with low-pass, then standardised.

    Raises:
        ValueError: The pictures are not square; CLIP's own preparation would cut their sides off.
    """
    if pictures.shape[1] != pictures.shape[2]:
        raise ValueError(f"pictures are {pictures.shape[2]}x{pictures.shape[1]}, wanted square ones")
    size = (side_px, side_px)
    resized = [np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)) for rgb in pictures]
    pixels = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(STD).reshape(1, 3, 1, 1)


class _Tower(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.pre_layrnorm = nn.LayerNorm(config.width)  # the published name has lost its e
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(_Layer(config) for _ in range(config.layers))})
        self.post_layernorm = nn.LayerNorm(config.width)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.pre_layrnorm(self.embeddings(pixels))
        for layer in self.encoder["layers"].children():
            x = layer(x)
        return self.post_layernorm(x[:, 0])


class _Embeddings(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        patches = (config.picture_px // config.patch_px) ** 2
        self.class_embedding = nn.Parameter(torch.randn(config.width))
        self.patch_embedding = nn.Conv2d(3, config.width, config.patch_px, stride=config.patch_px, bias=False)
        self.position_embedding = nn.Embedding(patches + 1, config.width)

    def forward(self, pixels: Tensor) -> Tensor:
        patches = self.patch_embedding(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(pixels), 1, -1)
        return torch.cat([first, patches], dim=1) + self.position_embedding.weight


class _Layer(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.self_attn = _Attention(config)
        self.layer_norm1 = nn.LayerNorm(config.width)
        self.mlp = _Mlp(config)
        self.layer_norm2 = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class _Attention(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.k_proj = nn.Linear(config.width, config.width)
        self.v_proj = nn.Linear(config.width, config.width)
        self.q_proj = nn.Linear(config.width, config.width)
        self.out_proj = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.width, 4 * config.width)
        self.fc2 = nn.Linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))  # CLIP's fast GELU
