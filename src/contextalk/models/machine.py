"""Where networks run: the device, the arithmetic it is fast at, and the ways to it.

A network is moved once; whatever it is given is moved to it (`device_of`), and random numbers are drawn on the CPU, so
that every device is given the same ones.
"""

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch import Tensor, nn

from contextalk.core.choices import Device
from contextalk.core.errors import ContextalkError

CPU = torch.device("cpu")

_MEMORY_SHARE = 0.5
"""Of a card's free memory that stored data may take; the rest is the networks'."""

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt(3)."""


def choose_device(wanted: Device) -> torch.device:
    """The device that is meant; `auto`: a graphics card where there is one.

    Raises:
        ContextalkError: A card is wanted and this PyTorch sees none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ContextalkError(
            f"device cuda: PyTorch {torch.__version__} sees no CUDA device, wanted auto, cpu, or a card and a PyTorch "
            "built for it"
        )
    return torch.device("cuda") if wanted != "cpu" and torch.cuda.is_available() else CPU


def describe(device: torch.device) -> str:
    """Its name, for reports and tables."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def device_of(network: nn.Module) -> torch.device:
    """Where a network is."""
    return next(network.parameters()).device


def move(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; the way from the CPU to a card does not wait for what the card has to do before."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def keep(tensors: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Stored data on the device where they take at most half of its free memory, else where they are."""
    if device.type == "cuda":
        wanted = sum(tensor.nbytes for tensor in tensors.values())
        if wanted > _MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]:
            return tensors
    return {name: tensor.to(device) for name, tensor in tensors.items()}  # not pinned on the way: it would stay so


def draw_normal(shape: torch.Size | tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal numbers, the same on every device."""
    return move(torch.randn(shape, generator=generator), device)


def fast_arithmetic(device: torch.device) -> AbstractContextManager[object]:
    """Autocast to `compute_type` on the device."""
    wanted = compute_type(device)
    return nullcontext() if wanted == torch.float32 else torch.autocast(device.type, dtype=wanted)


@cache
def compute_type(device: torch.device) -> torch.dtype:
    """bfloat16 where it is multiplied natively (AVX-512 BF16, AMX, CUDA cards from Ampere on), else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type != "cpu":
        return torch.float32
    capability = torch.backends.cpu.get_cpu_capability()
    # PyTorch has no public name for this question; tests/unit/models/test_machine.py asks it.
    native = capability.startswith("AVX512") and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


@cache
def keep_memory() -> bool:
    """Let the C library keep freed memory instead of handing it back after every tensor.

    By default glibc maps each large tensor afresh and the kernel zeroes it page by page: half of a training step's time
    on two cores was spent there (docs/performance.md). Costs memory up to the largest step, no results.

    Returns:
        Whether the C library took the settings; false where it is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not hasattr(library, "gnu_get_libc_version"):
        return False
    largest_int = 2**31 - 1
    settings = ((_M_TRIM_THRESHOLD, largest_int), (_M_TOP_PAD, 2**28), (_M_MMAP_MAX, 0))
    return all(library.mallopt(name, value) == 1 for name, value in settings)
