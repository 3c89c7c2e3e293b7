"""Which arithmetic a machine is fast at, and how to keep its allocator from standing in the way."""

import ctypes
import sys
from functools import cache

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt(3)."""


@cache
def compute_type() -> torch.dtype:
    """bfloat16 where the processor multiplies it natively (AVX-512 BF16, AMX, any recent GPU), else float32."""
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capability = torch.backends.cpu.get_cpu_capability()
    # PyTorch has no public name for this question; tests/canaries watches it.
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
