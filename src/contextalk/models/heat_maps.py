"""Points as pictures a convolution can read: one Gaussian heat map a point, on the grid of latent cells."""

import torch
from jaxtyping import Float
from torch import Tensor

from contextalk.core.geometry import LATENT_CELLS

_SIGMA_CELLS = 0.75
"""Wide enough that a point between two cells is told from both of them, narrow enough to tell the lips apart."""


def heat_maps(points: Float[Tensor, "n k 2"]) -> Float[Tensor, "n k 16 16"]:
    """Draw each point as a Gaussian.

    Args:
        points: In units of the crop (0 … 1); points outside leave their map empty.

    Returns:
        Values in 0 … 1, 1 where a cell's middle is the point.
    """
    middles = torch.arange(LATENT_CELLS, device=points.device) + 0.5
    across, down = (points * LATENT_CELLS).unbind(dim=-1)
    column = torch.exp(-((middles - across[..., None]) ** 2) / (2 * _SIGMA_CELLS**2))
    row = torch.exp(-((middles - down[..., None]) ** 2) / (2 * _SIGMA_CELLS**2))
    return row[..., :, None] * column[..., None, :]
