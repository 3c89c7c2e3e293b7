"""Other voices than those in the footage: mel chunks as another microphone hears another throat say the same."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contextalk.media.mel import NUM_BANDS, SPAN
from contextalk.models.machine import move

_LOUDNESS = 0.3
"""Standard deviation of the level; 1 is 12.5 dB (`media/mel.py`)."""

_COLOUR, _COLOUR_BANDS = 0.25, 6
"""Standard deviation of a room's or microphone's colour, and how many bands it has, smooth in between."""

_THROAT = 0.06
"""Standard deviation of the factor by which bands move: vocal tracts differ in length (Jaitly and Hinton 2013)."""


def vary_voices(mel: Float[Tensor, "b f 80 t"], generator: torch.Generator) -> Float[Tensor, "b f 80 t"]:
    """Each of B in another voice, the same over its frames; values stay in [−4, 4]."""
    count, frames = mel.shape[:2]
    level = _LOUDNESS * torch.randn(count, 1, 1, generator=generator)
    bands = _COLOUR * torch.randn(count, 1, _COLOUR_BANDS, generator=generator)
    colour = functional.interpolate(bands, NUM_BANDS, mode="linear", align_corners=True)
    factor = 1 + _THROAT * torch.randn(count, 1, generator=generator)
    heard = (torch.arange(NUM_BANDS) * factor).clamp(0, NUM_BANDS - 1)
    lower = heard.floor().long().clamp(max=NUM_BANDS - 2)
    share, tint, lower = (move(value, mel.device) for value in (heard - lower, (level + colour).transpose(1, 2), lower))

    def band(index: Tensor) -> Tensor:
        return mel.gather(2, index[:, None, :, None].expand(-1, frames, -1, mel.shape[3]))

    weight = share[:, None, :, None]
    return (torch.lerp(band(lower), band(lower + 1), weight) + tint[:, None]).clamp(-SPAN, SPAN)
