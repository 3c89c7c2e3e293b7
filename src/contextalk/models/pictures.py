"""Pictures as everybody else has them (uint8 frames) ↔ as networks have them (pixels and latents)."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.geometry import CROP_PX
from contextalk.models.codec import Codec, Domain
from contextalk.models.machine import CPU, device_of, fast_arithmetic, move

Frames = NDArray[np.uint8]

_BATCH_PICTURES = 16


def to_pixels(pictures: Frames, device: torch.device = CPU) -> Float[Tensor, "1 f 3 h w"]:
    """(F, H, W, 3) uint8 → (1, F, 3, H, W) float32 in [−1, 1], on `device`."""
    return pixels_of(move(torch.from_numpy(np.ascontiguousarray(pictures)), device))[None]


def pixels_of(pictures: UInt8[Tensor, "f h w 3"]) -> Float[Tensor, "f 3 h w"]:
    """`to_pixels` of pictures that are a tensor already, where they are."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_frames(pixels: Float[Tensor, "f 3 h w"]) -> Frames:
    """The inverse of `to_pixels`, rounded and clipped: (F, 3, H, W) → (F, H, W, 3) uint8."""
    return ((pixels + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def encode_pictures(codec: Codec, pictures: Frames, domain: Domain) -> Float[Tensor, "f 16 16 16"]:
    """(F, 256, 256, 3) uint8 → normalised latents, a few pictures at a time, where the codec is."""
    if pictures.shape[1:] != (CROP_PX, CROP_PX, 3):
        raise ValueError(f"pictures are {pictures.shape}, wanted (F, {CROP_PX}, {CROP_PX}, 3)")
    parts = range(0, len(pictures), _BATCH_PICTURES)
    device = device_of(codec)
    with inference(device):
        return torch.cat(
            [codec.encode(to_pixels(pictures[at : at + _BATCH_PICTURES], device), domain)[0] for at in parts]
        )


def decode_pictures(codec: Codec, latents: Float[Tensor, "f 16 16 16"], domain: Domain) -> Frames:
    """Normalised latents → (F, 256, 256, 3) uint8."""
    device = device_of(codec)
    with inference(device):
        return to_frames(codec.decode(move(latents, device)[None].float(), domain)[0])


@contextmanager
def inference(device: torch.device = CPU) -> Iterator[None]:
    """No gradients, and the device's fast arithmetic."""
    with torch.no_grad(), fast_arithmetic(device):
        yield
