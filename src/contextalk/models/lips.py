"""Lip generator: audio and identity → the lip reference of each frame, 1×16×16 (the paper's Wav2Lip, Sec. 5.1)."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.core.choices import LipsKind
from contextalk.core.config import LATER
from contextalk.core.geometry import LIP_PX
from contextalk.models.codec import LATENT_CHANNELS


@dataclass(frozen=True, slots=True, kw_only=True)
class LipsConfig:
    """Where lip references come from, and the shape of the lip generator.

    Attributes:
        kind: `own`: the lip generator. Else Wav2Lip by its published weights (`models/wav2lip.py`), which the paper
            took and no bundle contains; nothing of the lip generator is built then.
        channels: Width.
        folds: Generators trained on disjoint clips. A training clip gets its references from the one that never saw
            it, so
            that stage 2 learns with references as imperfect as those it will get; new audio is given to the first.
    """

    kind: LipsKind = field(default="own", metadata=LATER)
    channels: int = 96
    folds: int = 2


class LipGenerator(nn.Module):
    """`folds` small networks of one shape."""

    def __init__(self, config: LipsConfig) -> None:
        super().__init__()
        self.config = config
        self.folds = nn.ModuleList(_LipNetwork(config.channels) for _ in range(config.folds))

    def forward(
        self, mel: Float[Tensor, "b f 80 16"], identity: Float[Tensor, "b 16 16 16"], fold: int = 0
    ) -> Float[Tensor, "b f 1 16 16"]:
        """Grey mouth pictures in [−1, 1]: the square around the mouth, upright, half as wide as the face is."""
        return self.folds[fold](mel, identity)


class _LipNetwork(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.audio = nn.Sequential(
            nn.Conv1d(80, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            nn.SiLU(),
        )
        self.person = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, width // 2, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1),
            nn.SiLU(),
        )
        self.join = nn.Linear(4 * width + 16 * width, 4 * width)
        self.draw = nn.Sequential(
            nn.SiLU(),
            nn.Linear(4 * width, 4 * width),
            nn.SiLU(),
            nn.Linear(4 * width, LIP_PX * LIP_PX),
        )

    def forward(self, mel: Tensor, identity: Tensor) -> Tensor:
        batch, frames = mel.shape[:2]
        heard = self.audio(mel.flatten(0, 1) / 4).flatten(1).unflatten(0, (batch, frames))
        seen = self.person(identity).flatten(1)[:, None].expand(-1, frames, -1)
        drawn = torch.tanh(self.draw(functional.silu(self.join(torch.cat([heard, seen], dim=-1)))))
        return drawn.unflatten(-1, (1, LIP_PX, LIP_PX))
