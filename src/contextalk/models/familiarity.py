"""Whether a head is of the kind that a bundle was taught."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

_FACE = (slice(64, 224), slice(64, 192))
"""Rows and columns of a head crop from brows to chin: not the wall behind."""

_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_FEATURES = len(_QUANTILES) + 3

_COLOUR_STEP = 8
_BLUR_PX = 2.0
_LEAST_LEVELS = 0.05
"""Added before logarithms, in levels of 256."""

_SHRINKAGE = 0.05
"""Of the covariance towards its mean diagonal: one person's heads span few directions."""

_TYPICAL_SHARE = 0.995
_SLACK = 1.5
"""A head may be this much further than all but a two-hundredth of those that were taught."""


class Familiarity(nn.Module):
    """Mahalanobis distance of a head's texture to the heads taught; nothing in it learns by descent.

    Texture and not the codec's latents: the codec keeps photographed faces better than the drawn ones it was taught on,
    and their latents have about the same statistics.
    """

    mean: Tensor
    whiten: Tensor
    limit: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(_FEATURES))
        self.register_buffer("whiten", torch.eye(_FEATURES))
        self.register_buffer("limit", torch.tensor(1.0))

    def forward(self, heads: UInt8[Tensor, "n 256 256 3"]) -> Float[Tensor, "n"]:
        """Distances of head crops in units of the limit: above 1 is a stranger."""
        return self._distance(texture(heads).to(self.mean)) / self.limit

    def settle(self, textures: Float[Tensor, "n 9"]) -> None:
        """Take the heads of these textures as what is familiar."""
        told = textures.double()
        self.mean.copy_(told.mean(dim=0))
        whole = torch.eye(_FEATURES, dtype=torch.float64)
        spread = (torch.cov(told.T) if len(told) > 1 else torch.zeros_like(whole)) + 1e-4 * whole
        spread = (1 - _SHRINKAGE) * spread + _SHRINKAGE * spread.trace() / _FEATURES * whole
        self.whiten.copy_(torch.linalg.cholesky(torch.linalg.inv(spread)))
        typical = torch.quantile(self._distance(told.to(self.mean)), _TYPICAL_SHARE)
        self.limit.copy_(_SLACK * typical.clamp(min=1.0))

    def _distance(self, textures: Tensor) -> Tensor:
        return torch.linalg.vector_norm((textures - self.mean) @ self.whiten, dim=-1)


def texture(heads: UInt8[Tensor, "n 256 256 3"]) -> Float[Tensor, "n 9"]:
    """How steep a face is: six quantiles of its gradient; how many colours it has; how much of it is fine detail."""
    rgb = heads.float()
    grey = (rgb @ torch.tensor([0.299, 0.587, 0.114], device=rgb.device))[:, None]
    smooth = torch.tensor([1.0, 2.0, 1.0], device=rgb.device) / 4
    slope = torch.tensor([-1.0, 0.0, 1.0], device=rgb.device) / 2
    across = functional.conv2d(grey, torch.outer(smooth, slope)[None, None], padding=1)
    down = functional.conv2d(grey, torch.outer(slope, smooth)[None, None], padding=1)
    steep = torch.hypot(across, down)[:, 0][(slice(None), *_FACE)].flatten(1)
    quantiles = torch.quantile(steep, torch.tensor(_QUANTILES, device=rgb.device), dim=1).T
    detail = (grey - _blurred(grey))[:, 0][(slice(None), *_FACE)].abs().mean(dim=(1, 2))
    colours = torch.stack([_colours(head) for head in heads[(slice(None), *_FACE)]])
    return torch.cat([(quantiles + _LEAST_LEVELS).log(), colours, (detail + _LEAST_LEVELS).log()[:, None]], dim=1)


def _blurred(grey: Float[Tensor, "n 1 256 256"]) -> Float[Tensor, "n 1 256 256"]:
    reach = int(3 * _BLUR_PX)
    at = torch.arange(-reach, reach + 1, device=grey.device, dtype=torch.float32)
    bell = torch.exp(-(at**2) / (2 * _BLUR_PX**2))
    bell = bell / bell.sum()
    padded = functional.pad(grey, (reach,) * 4, mode="reflect")
    return functional.conv2d(functional.conv2d(padded, bell[None, None, None]), bell[None, None, :, None])


def _colours(face: UInt8[Tensor, "h w 3"]) -> Float[Tensor, "2"]:
    """Entropy of the colours in steps of eight levels, and the share of the three most frequent ones."""
    steps = face.flatten(0, 1).long() // _COLOUR_STEP
    counts = torch.unique((steps[:, 0] * 32 + steps[:, 1]) * 32 + steps[:, 2], return_counts=True)[1]
    share = counts / counts.sum()
    return torch.stack([-(share * share.log()).sum(), share.sort(descending=True).values[:3].sum()])
