"""Probe before you train: from frozen latents of the scene view alone, which side does the target face?"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.models.conditions import SceneEncoder
from contextalk.training.windows import WindowSet

_WIDTH = 64
CLEAR_TURN = 0.12
"""How far the nose must stand from the jaw's middle, over the jaw's width, for a side to be clear (about 12°)."""


class SideProbe(nn.Module):
    """The scene encoder of the networks and one linear layer: what it cannot see no generator will."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = SceneEncoder(_WIDTH)
        self.out = nn.Linear(SceneEncoder.num_tokens * _WIDTH, 1)

    def forward(self, scene: Float[Tensor, "b 1 16 16 16"], place: Float[Tensor, "b 1 3"]) -> Float[Tensor, "b"]:
        """Logit of facing image right."""
        return self.out(self.scene(scene, place).flatten(1))[:, 0]


class ProbeObjective:
    """Cross-entropy of the side over frames in which the head is clearly turned."""

    name = "probe"

    def __init__(self, training: WindowSet, held_out: WindowSet) -> None:
        self.network = SideProbe()
        self.training = training
        self.held_out = held_out

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; a window here is one frame of it eight times over, hence eight frames."""
        windows = self.training.draw(8 * batch, generator, length=1)
        turn = turn_of(windows.points)[:, 0]
        clear = (turn.abs() > CLEAR_TURN).float()
        logit = self.network(windows.scene, windows.place).float()
        losses = functional.binary_cross_entropy_with_logits(logit, (turn > 0).float(), reduction="none")
        return (losses * clear).sum() / clear.sum().clamp(min=1), {}

    def evaluate(self) -> dict[str, float]:
        """Share of held-out turned frames whose side is told; NaN where no frame is turned."""
        windows = self.held_out.spread(1024, length=1)
        turn = turn_of(windows.points)[:, 0]
        clear = turn.abs() > CLEAR_TURN
        right = (self.network(windows.scene, windows.place).float() > 0) == (turn > 0)
        share = float(right[clear].float().mean()) if clear.any() else float("nan")
        return {"side right": share, "turned frames": float(clear.sum())}


def turn_of(points: Float[Tensor, "b f n 2"]) -> Float[Tensor, "b f"]:
    """How far the nose stands to image right of the jaw's middle, over the jaw's width: the sine of yaw, roughly."""
    left, right, nose = points[..., 0, 0], points[..., 16, 0], points[..., 30, 0]
    return (nose - (left + right) / 2) / (right - left).clamp(min=1.0)
