"""The basic block of the video diffusion branch (paper, Fig. 3b).

Pictures travel as (N, C, H, W) with N = B·F in channels-last memory, in which tokens (N, H·W, C) are a free view.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional

_Layer = TypeVar("_Layer", nn.Conv2d, nn.Linear)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockInput:
    """What every block of one forward pass is told.

    Attributes:
        frames: F of the window.
        time: (N, T) embedding of the diffusion time, one row per frame.
        tokens: (N, M, D) the frame's own c_l.
    """

    frames: int
    time: Float[Tensor, "n t"]
    tokens: Float[Tensor, "n m d"]


class SpatialTemporalBlock(nn.Module):
    """2-D, then 1-D temporal convolution; spatial self-, cross-, then temporal self-attention (paper, Fig. 3b)."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        *,
        time_dim: int,
        token_dim: int,
        head_dim: int,
        attention: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.first_norm = _group_norm(channels_in)
        self.first = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.time = nn.Linear(time_dim, 2 * channels)
        self.second_norm = _group_norm(channels)
        self.dropout = nn.Dropout(dropout)
        self.second = _zeroed(nn.Conv2d(channels, channels, 3, padding=1))
        self.skip = nn.Conv2d(channels_in, channels, 1) if channels_in != channels else nn.Identity()
        self.temporal = TemporalConvolution(channels)
        self.attention = (
            nn.ModuleList(
                [
                    SpatialAttention(channels, head_dim),
                    CrossAttention(channels, token_dim, head_dim),
                    TemporalAttention(channels, head_dim),
                ]
            )
            if attention
            else nn.ModuleList()
        )

    def forward(self, x: Float[Tensor, "n c h w"], given: BlockInput) -> Float[Tensor, "n k h w"]:
        """(N, channels_in, H, W) → (N, channels, H, W)."""
        hidden = self.first(functional.silu(self.first_norm(x)))
        scale, shift = self.time(functional.silu(given.time))[:, :, None, None].chunk(2, dim=1)
        hidden = self.second_norm(hidden) * (1 + scale) + shift
        x = self.skip(x) + self.second(self.dropout(functional.silu(hidden)))
        x = self.temporal(x, given.frames)
        for attend in self.attention:
            x = attend(x, given)
        return x


class TemporalConvolution(nn.Module):
    """Kernel-3 convolution over frames at each place, zero-padded, added to its input; starts as the identity.

    Written as one matrix product over three shifted copies: channels-last memory makes that a view and a concatenation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _group_norm(channels)
        self.mix = _zeroed(nn.Linear(3 * channels, channels))

    def forward(self, x: Float[Tensor, "n c h w"], frames: int) -> Float[Tensor, "n c h w"]:
        """Same shape out."""
        hidden = functional.silu(self.norm(x)).permute(0, 2, 3, 1).unflatten(0, (-1, frames))
        before = functional.pad(hidden[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
        after = functional.pad(hidden[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
        mixed = self.mix(torch.cat([before, hidden, after], dim=-1))
        return x + mixed.flatten(0, 1).permute(0, 3, 1, 2)


class SpatialAttention(nn.Module):
    """Self-attention among the cells of a frame."""

    def __init__(self, channels: int, head_dim: int) -> None:
        super().__init__()
        self.norm = _group_norm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels, bias=False)
        self.out = _zeroed(nn.Linear(channels, channels))
        self.head_dim = min(head_dim, channels)

    def forward(self, x: Float[Tensor, "n c h w"], given: BlockInput) -> Float[Tensor, "n c h w"]:
        """Same shape out."""
        del given
        query, key, value = self.query_key_value(_tokens(self.norm(x))).chunk(3, dim=-1)
        return x + _pictures(self.out(_attend(query, key, value, self.head_dim)), x)


class CrossAttention(nn.Module):
    """Frame i's cells look at frame i's c_l and at no other's (paper, Eq. 7)."""

    def __init__(self, channels: int, token_dim: int, head_dim: int) -> None:
        super().__init__()
        self.norm = _group_norm(channels)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key_value = nn.Linear(token_dim, 2 * channels, bias=False)
        self.out = _zeroed(nn.Linear(channels, channels))
        self.head_dim = min(head_dim, channels)

    def forward(self, x: Float[Tensor, "n c h w"], given: BlockInput) -> Float[Tensor, "n c h w"]:
        """Same shape out."""
        key, value = self.key_value(given.tokens).chunk(2, dim=-1)
        attended = _attend(self.query(_tokens(self.norm(x))), key, value, self.head_dim)
        return x + _pictures(self.out(attended), x)


class TemporalAttention(nn.Module):
    """Self-attention among the frames at each cell, frames told apart by a sinusoidal position."""

    def __init__(self, channels: int, head_dim: int) -> None:
        super().__init__()
        self.norm = _group_norm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels, bias=False)
        self.out = _zeroed(nn.Linear(channels, channels))
        self.head_dim = min(head_dim, channels)

    def forward(self, x: Float[Tensor, "n c h w"], given: BlockInput) -> Float[Tensor, "n c h w"]:
        """Same shape out."""
        frames = given.frames
        tokens = _tokens(self.norm(x)).unflatten(0, (-1, frames)).transpose(1, 2)
        position = sinusoidal(torch.arange(frames, device=x.device), tokens.shape[-1]).to(tokens.dtype)
        query, key, value = self.query_key_value((tokens + position).flatten(0, 1)).chunk(3, dim=-1)
        attended = self.out(_attend(query, key, value, self.head_dim))
        return x + _pictures(attended.unflatten(0, (-1, tokens.shape[1])).transpose(1, 2).flatten(0, 1), x)


def sinusoidal(values: Shaped[Tensor, "n"], dim: int) -> Float[Tensor, "n d"]:
    """Sines and cosines of `values` at `dim / 2` wavelengths from 2π to 10 000 · 2π (Vaswani et al. 2017), float32."""
    rates = torch.exp(-math.log(10_000.0) * torch.arange(dim // 2, device=values.device) / (dim // 2))
    angles = values.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _attend(query: Tensor, key: Tensor, value: Tensor, head_dim: int) -> Tensor:
    def split(tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (-1, head_dim)).transpose(1, 2)

    query, key, value = split(query), split(key), split(value)
    if query.device.type == "cpu":
        # PyTorch's fused kernel is an order of magnitude slower than two products on sequences this short on a CPU.
        weights = torch.softmax(query @ key.transpose(-2, -1) * head_dim**-0.5, dim=-1)
        attended = weights @ value
    else:
        attended = functional.scaled_dot_product_attention(query, key, value)
    return attended.transpose(1, 2).flatten(2)


def _tokens(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _pictures(tokens: Tensor, like: Tensor) -> Tensor:
    return tokens.unflatten(1, like.shape[-2:]).permute(0, 3, 1, 2)


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(channels, min(32, max(1, channels // 4))), channels)


def _zeroed(layer: _Layer) -> _Layer:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
