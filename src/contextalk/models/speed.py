"""How fast a device is, whatever runs on it: what the benchmarks of training and generation share."""

import resource
import time
from collections.abc import Callable

import torch

_PRODUCT_SIDE = {"cpu": 1024, "cuda": 8192}
"""Large enough to fill the device, small enough for a second."""


def finish(device: torch.device) -> None:
    """Wait until a card has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_each(act: Callable[[], object], device: torch.device, *, at_least_s: float, warm_up: int = 3) -> float:
    """Mean seconds of an action, repeated until `at_least_s` have passed, without those it warms up with."""
    for _ in range(warm_up):
        act()
    finish(device)
    times, start = 0, time.perf_counter()
    while times < 3 or time.perf_counter() - start < at_least_s:
        act()
        times += 1
    finish(device)
    return (time.perf_counter() - start) / times


def peak_flops(device: torch.device, kind: torch.dtype, *, at_least_s: float) -> float:
    """Multiply-adds count two: what a large product of random matrices reaches each second."""
    side = _PRODUCT_SIDE[device.type]
    left, right = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    return 2 * side**3 / seconds_each(lambda: left @ right, device, at_least_s=at_least_s)


def forget_peak_memory(device: torch.device) -> None:
    """Measure a card's `peak_memory_mb` from here on; a process's own is since its start."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: torch.device) -> float:
    """The most that PyTorch held on a card, or this process in the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
