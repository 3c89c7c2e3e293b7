"""What a face does, apart from where it is and which way it turns: a further modality of c_l (paper, Sec. 5.5).

The paper tried coefficients of a 3D morphable model. Ours are eight shape coefficients measured on the 68 points, so
that they are had alike of drawn and of real people, of true landmarks and of generated ones; they follow the muscles
that move the mouths, lids and brows of `contextalk synth`. They tell nothing that the drawing does not show.
"""

import torch
from jaxtyping import Float
from torch import Tensor

NAMES = ("jaw", "wide", "thick", "corners", "left brow", "right brow", "left lid", "right lid")
"""Gap of the inner lips, width of the mouth, thickness of both lips, mouth corners above the upper lip, brows above the
eyes, open lids; left is image left."""

NUM_COEFFICIENTS = len(NAMES)


def expression(points: Float[Tensor, "*n 68 2"]) -> Float[Tensor, "*n 8"]:
    """Coefficients in order of `NAMES`, about −0.5 … 1.

    Measured in axes that lie level with the eyes. Widths are in distances of the outer eye corners, which shrink alike
    as a head turns; heights in lengths of the nose.

    Args:
        points: iBUG order, any px; NaN gives NaN.
    """
    along = points[..., 45, :] - points[..., 36, :]
    eyes_px = torch.linalg.vector_norm(along, dim=-1, keepdim=True).clamp_min(1e-6)
    right = along / eyes_px
    down = torch.stack([-right[..., 1], right[..., 0]], dim=-1)
    x = (points * right[..., None, :]).sum(dim=-1) / eyes_px
    y = (points * down[..., None, :]).sum(dim=-1)
    y = y / (y[..., 33:34] - y[..., 27:28]).abs().clamp_min(1e-6)

    def height(*numbers: int) -> Tensor:
        return y[..., list(numbers)].mean(dim=-1)

    return torch.stack(
        [
            height(66) - height(62),
            x[..., 54] - x[..., 48],
            height(62) - height(51) + height(57) - height(66),
            height(51) - height(48, 54),
            height(36, 39) - height(17, 18, 19, 20, 21),
            height(42, 45) - height(22, 23, 24, 25, 26),
            height(40, 41) - height(37, 38),
            height(46, 47) - height(43, 44),
        ],
        dim=-1,
    )
