"""The same networks on the card and on the CPU: `python benchmarks/gpu/parity.py`.

Errors are ‖card − CPU‖ / ‖CPU‖ against float32 on the CPU. Where there is no card, bfloat16 on the CPU is compared.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
import tyro
from common import say
from torch import Tensor, nn

from contextalk.cli.console import table
from contextalk.core.choices import Device
from contextalk.models.codec import Codec
from contextalk.models.conditions import Condition
from contextalk.models.lips import LipGenerator
from contextalk.models.machine import CPU, choose_device, describe
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.reader import LandmarkReader
from contextalk.presets import PRESETS

FLOAT32_TOLERANCE = 1e-3
"""TF32 is off: what is left is the order of sums, some 1e-6 a layer over about a hundred layers."""

BFLOAT16_TOLERANCE = 0.05
"""Eight bits of mantissa, 0.4 % a rounding, over about a hundred layers whose errors partly cancel."""

Call = Callable[[torch.device], Tensor]
_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """What to compare.

    Attributes:
        presets: Whose networks, with random weights.
        device: As `contextalk generate`.
    """

    presets: tuple[str, ...] = ("debug", "compact")
    device: Device = "auto"


def main(config: Parity) -> int:
    """Compare and print; 1 where an error is larger than its tolerance."""
    device = choose_device(config.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    rows: list[tuple[str, ...]] = []
    wrong = 0
    for preset in config.presets:
        for name, call in calls(preset).items():
            truth = call(CPU)
            for kind, tolerance in ((torch.float32, FLOAT32_TOLERANCE), (torch.bfloat16, BFLOAT16_TOLERANCE)):
                plain = kind == torch.float32
                with nullcontext() if plain else torch.autocast(device.type, dtype=kind):
                    error = float((call(device).float() - truth).norm() / truth.norm())
                # Written so that NaN is wrong.
                right = error <= tolerance
                wrong += not right
                rows.append((f"{preset} {name}", str(kind)[6:], f"{error:.1e}", "yes" if right else "NO"))
    say(f"{describe(device)} against float32 on the CPU")
    say(table(("network", "arithmetic", "error", "within tolerance"), rows))
    return min(wrong, 1)


def calls(preset: str) -> dict[str, Call]:
    """Each network on random input, by name."""
    torch.manual_seed(0)
    models = PRESETS[preset]().models
    codec, reader, lips = Codec(models.codec), LandmarkReader(models.reader), LipGenerator(models.lips)
    pixels, latents = torch.rand(1, 2, 3, 256, 256) * 2 - 1, torch.randn(1, 8, 16, 16, 16)
    mel, identity = torch.randn(1, 8, 80, 16), torch.randn(1, 16, 16, 16)
    made: dict[str, Call] = {
        "codec encodes": lambda at: on(codec, at).encode(pixels.to(at), "face"),
        "codec decodes": lambda at: on(codec, at).decode(latents.to(at), "face"),
        "reader": lambda at: on(reader, at)(latents.to(at)) - 128,
        "lips": lambda at: on(lips, at)(mel.to(at), identity.to(at)),
    }
    for name, shape in models.networks.items():
        made[name] = _call(MVControlNet(replace(shape, dropout=0.0)), latents, mel, identity)
    return made


def _call(network: MVControlNet, latents: Tensor, mel: Tensor, identity: Tensor) -> Call:
    # Layers that start at zero would hide all before them.
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    generator = torch.Generator().manual_seed(1)
    hints = tuple(torch.randn(latents.shape, generator=generator) for _ in range(network.config.num_hints))
    condition = Condition(
        hints=hints, audio=mel, lips=mel[:, :, None, :16], identity=identity, place=torch.full((1, 8, 3), 0.5)
    )

    def call(at: torch.device) -> Tensor:
        told = condition.map(lambda value: value.to(at))
        return on(network, at)(latents.to(at), torch.full((1,), 500.0, device=at), told, first_is_clean=True)

    return call


def on(network: _Network, device: torch.device) -> _Network:
    """Moved, for evaluation, without gradients."""
    return network.to(device).eval().requires_grad_(requires_grad=False)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Parity)))
