"""Pictures as everybody else has them (uint8 frames) ↔ as networks have them (pixels and latents)."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.geometry import CROP_PX
from contextalk.models.codec import Codec, Domain
from contextalk.models.machine import compute_type

Frames = NDArray[np.uint8]

_BATCH_PICTURES = 16


def to_pixels(pictures: Frames) -> Float[Tensor, "1 f 3 h w"]:
    """(F, H, W, 3) uint8 → (1, F, 3, H, W) float32 in [−1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)[None].float() / 127.5 - 1


def to_frames(pixels: Float[Tensor, "f 3 h w"]) -> Frames:
    """The inverse of `to_pixels`, rounded and clipped: (F, 3, H, W) → (F, H, W, 3) uint8."""
    return ((pixels + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def encode_pictures(codec: Codec, pictures: Frames, domain: Domain) -> Float[Tensor, "f 16 16 16"]:
    """(F, 256, 256, 3) uint8 → normalised latents, a few pictures at a time."""
    if pictures.shape[1:] != (CROP_PX, CROP_PX, 3):
        raise ValueError(f"pictures are {pictures.shape}, wanted (F, {CROP_PX}, {CROP_PX}, 3)")
    parts = range(0, len(pictures), _BATCH_PICTURES)
    with inference():
        return torch.cat([codec.encode(to_pixels(pictures[at : at + _BATCH_PICTURES]), domain)[0] for at in parts])


def decode_pictures(codec: Codec, latents: Float[Tensor, "f 16 16 16"], domain: Domain) -> Frames:
    """Normalised latents → (F, 256, 256, 3) uint8."""
    with inference():
        return to_frames(codec.decode(latents[None].float(), domain)[0])


@contextmanager
def inference() -> Iterator[None]:
    """No gradients, and the machine's fast arithmetic."""
    with torch.no_grad(), torch.autocast("cpu", dtype=compute_type(), enabled=compute_type() != torch.float32):
        yield
