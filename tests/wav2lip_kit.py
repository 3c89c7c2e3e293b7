"""Files as Wav2Lip's are published, of random weights: the published ones are not ours to hold."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from contextalk.models import weights

CONVOLUTIONS = {
    "face_encoder_blocks.0.0": (16, 6, 7, 7),
    "face_encoder_blocks.1.0": (32, 16, 3, 3),
    "face_encoder_blocks.1.1": (32, 32, 3, 3),
    "face_encoder_blocks.1.2": (32, 32, 3, 3),
    "face_encoder_blocks.2.0": (64, 32, 3, 3),
    "face_encoder_blocks.2.1": (64, 64, 3, 3),
    "face_encoder_blocks.2.2": (64, 64, 3, 3),
    "face_encoder_blocks.2.3": (64, 64, 3, 3),
    "face_encoder_blocks.3.0": (128, 64, 3, 3),
    "face_encoder_blocks.3.1": (128, 128, 3, 3),
    "face_encoder_blocks.3.2": (128, 128, 3, 3),
    "face_encoder_blocks.4.0": (256, 128, 3, 3),
    "face_encoder_blocks.4.1": (256, 256, 3, 3),
    "face_encoder_blocks.4.2": (256, 256, 3, 3),
    "face_encoder_blocks.5.0": (512, 256, 3, 3),
    "face_encoder_blocks.5.1": (512, 512, 3, 3),
    "face_encoder_blocks.6.0": (512, 512, 3, 3),
    "face_encoder_blocks.6.1": (512, 512, 1, 1),
    "audio_encoder.0": (32, 1, 3, 3),
    "audio_encoder.1": (32, 32, 3, 3),
    "audio_encoder.2": (32, 32, 3, 3),
    "audio_encoder.3": (64, 32, 3, 3),
    "audio_encoder.4": (64, 64, 3, 3),
    "audio_encoder.5": (64, 64, 3, 3),
    "audio_encoder.6": (128, 64, 3, 3),
    "audio_encoder.7": (128, 128, 3, 3),
    "audio_encoder.8": (128, 128, 3, 3),
    "audio_encoder.9": (256, 128, 3, 3),
    "audio_encoder.10": (256, 256, 3, 3),
    "audio_encoder.11": (512, 256, 3, 3),
    "audio_encoder.12": (512, 512, 1, 1),
    "face_decoder_blocks.0.0": (512, 512, 1, 1),
    "face_decoder_blocks.1.1": (512, 512, 3, 3),
    "face_decoder_blocks.2.1": (512, 512, 3, 3),
    "face_decoder_blocks.2.2": (512, 512, 3, 3),
    "face_decoder_blocks.3.1": (384, 384, 3, 3),
    "face_decoder_blocks.3.2": (384, 384, 3, 3),
    "face_decoder_blocks.4.1": (256, 256, 3, 3),
    "face_decoder_blocks.4.2": (256, 256, 3, 3),
    "face_decoder_blocks.5.1": (128, 128, 3, 3),
    "face_decoder_blocks.5.2": (128, 128, 3, 3),
    "face_decoder_blocks.6.1": (64, 64, 3, 3),
    "face_decoder_blocks.6.2": (64, 64, 3, 3),
    "output_block.0": (32, 80, 3, 3),
}
"""Shape of `NAME.conv_block.0.weight`, outputs first."""

TRANSPOSED = {
    "face_decoder_blocks.1.0": (1024, 512, 3, 3),
    "face_decoder_blocks.2.0": (1024, 512, 3, 3),
    "face_decoder_blocks.3.0": (768, 384, 3, 3),
    "face_decoder_blocks.4.0": (512, 256, 3, 3),
    "face_decoder_blocks.5.0": (320, 128, 3, 3),
    "face_decoder_blocks.6.0": (160, 64, 3, 3),
}
"""The same, inputs first."""


def layout() -> dict[str, tuple[int, ...]]:
    """Name → shape of every tensor in a published file."""
    blocks = [(name, shape, shape[0]) for name, shape in CONVOLUTIONS.items()]
    blocks += [(name, shape, shape[1]) for name, shape in TRANSPOSED.items()]
    shapes: dict[str, tuple[int, ...]] = {}
    for name, shape, out in blocks:
        shapes |= {f"{name}.conv_block.0.weight": shape, f"{name}.conv_block.0.bias": (out,)}
        shapes |= {f"{name}.conv_block.1.{what}": (out,) for what in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{name}.conv_block.1.num_batches_tracked"] = ()
    return {**shapes, "output_block.1.weight": (3, 32, 1, 1), "output_block.1.bias": (3,)}


def random_weights(seed: int = 0) -> dict[str, Tensor]:
    """Weights under which the sound is heard in the picture, and the picture is neither black nor white."""
    generator = torch.Generator().manual_seed(seed)
    made: dict[str, Tensor] = {}
    for name, shape in layout().items():
        if len(shape) == 4:
            made[name] = torch.randn(shape, generator=generator) / (shape[1] * shape[2] * shape[3]) ** 0.5
        elif name.endswith(("1.weight", "running_var")):
            made[name] = 0.5 + torch.rand(shape, generator=generator)
        elif name.endswith("tracked"):
            made[name] = torch.tensor(1000)
        else:
            made[name] = 0.1 * torch.randn(shape, generator=generator)
    return made


def hollow_weights() -> dict[str, Tensor]:
    """The layout in a file of a few kB: every tensor is one number, expanded."""
    return {name: torch.zeros(()).expand(shape) for name, shape in layout().items()}


def write_checkpoint(path: Path, tensors: dict[str, Tensor], *, prefix: str = "", zipped: bool = True) -> Path:
    """A file as the published training script writes it; without `zipped` as PyTorch did before 1.6."""
    moments = {"step": 5, "exp_avg": torch.zeros(3), "exp_avg_sq": torch.zeros(3)}
    checkpoint = {
        "state_dict": {f"{prefix}{name}": value for name, value in tensors.items()},
        "optimizer": {"state": {0: moments}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
        "global_step": 255_000,
        "global_epoch": 87,
    }
    torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)
    return path


def publish(patch: pytest.MonkeyPatch, **files: Path) -> None:
    """Let the catalogue's entries be these files: their sums are then the ones wanted."""
    sums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    changed = tuple(replace(one, sha256=sums.get(one.name, one.sha256)) for one in weights.REGISTRY)
    patch.setattr(weights, "REGISTRY", changed)
