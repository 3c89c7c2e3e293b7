"""Points regressed from c_l: how wrong they are, and what they say of side and mouth."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contextalk.core.geometry import CROP_PX
from contextalk.training.objectives.probe import CLEAR_TURN, turn_of

_BETA_PX = 5.0
"""Errors beyond this count linearly: where a head is looked for on the wrong side, not the square of it."""

_MOUTH = slice(48, 68)
_MOUTH_BETA_PX = 1.0
"""A mouth moves by few px where a head moves by many; at one scale its shape would hardly be learnt."""


def points_loss(points: Float[Tensor, "b f 70 2"], truth_px: Float[Tensor, "b f 70 2"]) -> Tensor:
    """Smooth L1 in units of 5 px, and of the mouth about its own middle in units of 1 px.

    Args:
        points: In units of the crop (0 … 1).
        truth_px: In crop px.
    """
    seen = points * CROP_PX
    whole = functional.smooth_l1_loss(seen, truth_px, beta=_BETA_PX) / _BETA_PX
    shape = functional.smooth_l1_loss(_about_middle(seen), _about_middle(truth_px), beta=_MOUTH_BETA_PX)
    return whole + shape / _MOUTH_BETA_PX


def point_figures(points: Float[Tensor, "b f 70 2"], truth_px: Float[Tensor, "b f 70 2"]) -> dict[str, float]:
    """Distance, side of turned heads and correlation of mouth opening; arguments as for `points_loss`."""
    seen, wanted = turn_of(points * CROP_PX), turn_of(truth_px)
    clear = wanted.abs() > CLEAR_TURN
    opened = (points[..., 66, 1] - points[..., 62, 1]).flatten() * CROP_PX
    wanted_open = (truth_px[..., 66, 1] - truth_px[..., 62, 1]).flatten()
    distance = torch.linalg.vector_norm(points * CROP_PX - truth_px, dim=-1).mean()
    return {
        "points px": float(distance),
        "side right": float((seen.sign() == wanted.sign())[clear].float().mean()) if clear.any() else float("nan"),
        "mouth r": float(torch.corrcoef(torch.stack([opened, wanted_open]).double())[0, 1]),
    }


def _about_middle(points_px: Tensor) -> Tensor:
    mouth = points_px[..., _MOUTH, :]
    return mouth - mouth.mean(dim=-2, keepdim=True)
