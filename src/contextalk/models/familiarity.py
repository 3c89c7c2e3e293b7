"""Whether a head is of the kind that a bundle was taught."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contextalk.models.codec import LATENT_CHANNELS

_FACE = (slice(None), slice(None), slice(4, 14), slice(4, 12))
"""The cells of brows, eyes, nose and mouth: not the wall behind."""

_FEATURES = 2 * LATENT_CHANNELS
_SHRINKAGE = 0.05
"""Of the covariance towards its mean diagonal: one person's latents span few directions."""

_TYPICAL_SHARE = 0.995
_SLACK = 2.0
"""A head may be this much further than all but a two-hundredth of those that were taught."""


class Familiarity(nn.Module):
    """Mahalanobis distance of a head's latent statistics to those taught; nothing in it learns by descent."""

    mean: Tensor
    whiten: Tensor
    limit: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(_FEATURES))
        self.register_buffer("whiten", torch.eye(_FEATURES))
        self.register_buffer("limit", torch.tensor(1.0))

    def forward(self, heads: Float[Tensor, "n 16 16 16"]) -> Float[Tensor, "n"]:
        """Distances of latents of head crops in units of the limit: above 1 is a stranger."""
        return self._distance(_statistics(heads)) / self.limit

    def settle(self, heads: Float[Tensor, "n 16 16 16"]) -> None:
        """Take the heads that were taught as what is familiar."""
        told = _statistics(heads).double()
        self.mean.copy_(told.mean(dim=0))
        spread = torch.cov(told.T) + 1e-6 * torch.eye(_FEATURES, dtype=torch.float64, device=told.device)
        spread = (1 - _SHRINKAGE) * spread + _SHRINKAGE * spread.trace() / _FEATURES * torch.eye(_FEATURES).to(spread)
        self.whiten.copy_(torch.linalg.cholesky(torch.linalg.inv(spread)))
        typical = torch.quantile(self._distance(told.float()), _TYPICAL_SHARE)
        self.limit.copy_(_SLACK * typical)

    def _distance(self, statistics: Tensor) -> Tensor:
        return torch.linalg.vector_norm((statistics - self.mean) @ self.whiten, dim=-1)


def _statistics(heads: Float[Tensor, "n 16 16 16"]) -> Float[Tensor, "n 32"]:
    """Mean and standard deviation of each channel over the face."""
    face = heads.float()[_FACE].flatten(2)
    return torch.cat([face.mean(dim=2), face.std(dim=2)], dim=1)
