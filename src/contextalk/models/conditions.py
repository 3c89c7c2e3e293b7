"""c_l: each modality encoded apart, concatenated frame by frame (paper, Fig. 3c)."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.core.errors import ShapeError
from contextalk.core.records import OTHERS_SHAPE
from contextalk.models.codec import LATENT_CHANNELS
from contextalk.models.expression import NUM_COEFFICIENTS

Modality = Literal["audio", "lips", "identity", "place", "scene", "expression", "others"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Everything a network is told. An absent modality is None and becomes a learnt null token.

    Attributes:
        hints: c_v, each (B, F, 16, 16, 16) latents: the scene view for stage 1; drawing, masked head crop … for stage
            2.
        audio: (B, F, 80, 16) mel chunks.
        lips: (B, F, 1, 16, 16) lip references in [−1, 1].
        identity: (B, 16, 16, 16) latent of a picture of the target from elsewhere in time.
        place: (B, F, 3) crop centre and side in scene units.
        expression: (B, F, 8) shape coefficients of the face to be drawn (`expression.py`).
        others: (B, F, 3, 7) the people around the target (`faces/others.py`).
    """

    hints: tuple[Tensor, ...]
    audio: Float[Tensor, "b f 80 16"] | None = None
    lips: Float[Tensor, "b f 1 16 16"] | None = None
    identity: Float[Tensor, "b 16 16 16"] | None = None
    place: Float[Tensor, "b f 3"] | None = None
    expression: Float[Tensor, "b f 8"] | None = None
    others: Float[Tensor, "b f 3 7"] | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> "Condition":
        """The same condition with every tensor changed: another device, type or batch."""
        changed = {
            field.name: change(value)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, hints=tuple(change(hint) for hint in self.hints), **changed)


class ConditionEncoder(nn.Module):
    """Tokens of all modalities, (B, F, N, dim), in the order of `modalities`."""

    def __init__(self, modalities: tuple[Modality, ...], dim: int) -> None:
        super().__init__()
        self.modalities = modalities
        self.encoders = nn.ModuleDict({name: _ENCODERS[name](dim) for name in modalities})
        # A network that knows of the scene by its view alone is always shown it, and told the place it is seen from.
        always = {"scene", "place"} if "scene" in modalities and "others" not in modalities else set[str]()
        absent = (name for name in modalities if name not in always)
        self.null_tokens = nn.ParameterDict({name: nn.Parameter(torch.randn(1, 1, 1, dim) * 0.02) for name in absent})

    def forward(self, condition: Condition) -> Float[Tensor, "b f n d"]:
        """Encode; shapes as in `Condition`."""
        batch, frames = condition.hints[0].shape[:2]
        tokens: list[Tensor] = []
        for name in self.modalities:
            # The scene has no field of its own: its view is a hint, understood from the target's place.
            value = condition.place if name == "scene" else getattr(condition, name)
            if value is None and name in self.null_tokens:
                tokens.append(self.null_tokens[name].expand(batch, frames, self.encoders[name].num_tokens, -1))
            elif name == "scene":
                tokens.append(self.encoders[name](condition.hints[0], value))
            else:
                tokens.append(self.encoders[name](value, frames))
        return torch.cat(tokens, dim=2)


class AudioEncoder(nn.Module):
    """Mel chunk (80 bands × 16 steps) → 4 tokens, one per 4 steps (50 ms)."""

    num_tokens = 4

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.bands = nn.Conv1d(80, dim, 3, padding=1)
        self.steps = nn.Conv1d(dim, dim, 4, stride=4)
        self.mix = nn.Conv1d(dim, dim, 3, padding=1)
        self.position = nn.Parameter(torch.randn(self.num_tokens, dim) * 0.02)

    def forward(self, mel: Float[Tensor, "b f 80 16"], frames: int) -> Float[Tensor, "b f 4 d"]:
        """Encode; mel is in [−4, 4]."""
        x = functional.silu(self.bands(mel.flatten(0, 1) / 4))
        x = functional.silu(self.steps(x))
        x = x + self.mix(x)
        return x.transpose(1, 2).unflatten(0, (-1, frames)) + self.position


class LipEncoder(nn.Module):
    """Lip reference 1×16×16 (paper, Table 3) → 4 tokens, one per quarter."""

    num_tokens = 4

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, dim // 2, 4, stride=4)
        self.second = nn.Conv2d(dim // 2, dim, 2, stride=2)
        self.position = nn.Parameter(torch.randn(self.num_tokens, dim) * 0.02)

    def forward(self, lips: Float[Tensor, "b f 1 16 16"], frames: int) -> Float[Tensor, "b f 4 d"]:
        """Encode; lips are in [−1, 1]."""
        x = self.second(functional.silu(self.first(lips.flatten(0, 1))))
        return x.flatten(2).transpose(1, 2).unflatten(0, (-1, frames)) + self.position


class GridEncoder(nn.Module):
    """A latent 16×16×16 → a 4×4 grid of tokens."""

    num_tokens = 16

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(LATENT_CHANNELS, dim // 2, 3, stride=2, padding=1)
        self.second = nn.Conv2d(dim // 2, dim, 3, stride=2, padding=1)
        self.third = nn.Conv2d(dim, dim, 3, padding=1)
        self.position = nn.Parameter(torch.randn(self.num_tokens, dim) * 0.02)

    def forward(self, latent: Tensor, frames: int) -> Float[Tensor, "b f 16 d"]:
        """Encode (B, 16, 16, 16), repeated for each frame, or (B, F, 16, 16, 16)."""
        x = latent.flatten(0, -4)
        x = functional.silu(self.first(x))
        x = functional.silu(self.second(x))
        x = (x + self.third(x)).flatten(2).transpose(1, 2) + self.position
        if latent.ndim == 4:
            return x[:, None].expand(-1, frames, -1, -1)
        return x.unflatten(0, (-1, frames))


class SceneEncoder(nn.Module):
    """The scene view → tokens that look for things relative to the target: who faces them, and on which side.

    Each cell is told where it lies from the target's place, and each token is a learnt weighting over all cells. A grid
    of tokens at fixed places learnt the training rooms by heart and nothing about unseen ones (docs/log.md).
    """

    num_tokens = 8
    width = 48
    noise = 0.3
    """Standard deviation of noise on the view in training, against learning rooms by heart."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        width = self.width
        self.layers = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS + 2, width, 3, padding=1),
            nn.SiLU(),
            nn.Dropout2d(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Dropout2d(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
        )
        self.weigh = nn.Conv2d(width, self.num_tokens, 1)
        self.values = nn.Conv2d(width, width, 1)
        self.out = nn.Linear(width, dim)

    def forward(
        self, view: Float[Tensor, "b f 16 16 16"], place: Float[Tensor, "b f 3"] | None
    ) -> Float[Tensor, "b f 8 d"]:
        """Encode.

        Raises:
            ShapeError: No place: the scene is only understood from where the target is.
        """
        if place is None:
            raise ShapeError("the scene modality wants a place beside the scene view")
        frames, cells = view.shape[1], view.shape[-1]
        x = torch.cat([view.flatten(0, 1), _offsets(place.flatten(0, 1), cells)], dim=1)
        if self.training:
            x = x + self.noise * torch.randn_like(x)
        x = self.layers(x.contiguous(memory_format=torch.channels_last))
        share = self.weigh(x).flatten(2).softmax(dim=-1)
        pooled = share @ self.values(x).flatten(2).transpose(1, 2)
        return self.out(pooled).unflatten(0, (-1, frames))


class PlaceEncoder(nn.Module):
    """Crop centre and side → one token."""

    num_tokens = 1

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, place: Float[Tensor, "b f 3"], frames: int) -> Float[Tensor, "b f 1 d"]:
        """Encode; values are about 0 … 1."""
        del frames
        return self.layers(2 * place - 1)[:, :, None]


class ExpressionEncoder(nn.Module):
    """Shape coefficients → one token."""

    num_tokens = 1

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(NUM_COEFFICIENTS, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, expression: Float[Tensor, "b f 8"], frames: int) -> Float[Tensor, "b f 1 d"]:
        """Encode; values are about −0.5 … 1."""
        del frames
        return self.layers(2 * expression - 0.5)[:, :, None]


class OthersEncoder(nn.Module):
    """The people around the target → a token each; who is not there is a row of zeros."""

    num_tokens = OTHERS_SHAPE[0]

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(OTHERS_SHAPE[1], dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, others: Float[Tensor, "b f 3 7"], frames: int) -> Float[Tensor, "b f 3 d"]:
        """Encode; values are about −1.5 … 2."""
        del frames
        return self.layers(others)


def _offsets(place: Float[Tensor, "n 3"], cells: int) -> Float[Tensor, "n 2 h w"]:
    """How far each cell lies right of and below the crop's centre, a quarter of the scene being 1."""
    middles = (torch.arange(cells, device=place.device) + 0.5) / cells
    right = (middles - place[:, 0:1])[:, None, :].expand(-1, cells, -1)
    below = (middles - place[:, 1:2])[:, :, None].expand(-1, -1, cells)
    return 4 * torch.stack([right, below], dim=1)


_ENCODERS: dict[str, Callable[[int], nn.Module]] = {
    "audio": AudioEncoder,
    "lips": LipEncoder,
    "identity": GridEncoder,
    "place": PlaceEncoder,
    "scene": SceneEncoder,
    "expression": ExpressionEncoder,
    "others": OthersEncoder,
}
