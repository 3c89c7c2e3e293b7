"""How fast a card trains and generates at every preset: `python benchmarks/gpu/speed.py -o OUT`, resumable."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import tyro
from common import Figures, Limit, OutOfTimeError, Rows, say
from tyro.conf import arg

from contextalk.core.choices import Device
from contextalk.generation.bench import measure_generation
from contextalk.generation.stages import Drawing
from contextalk.models.bundle import Bundle, BundleCard
from contextalk.models.machine import choose_device, compute_type, describe, fast_arithmetic
from contextalk.models.speed import forget_peak_memory, peak_flops, peak_memory_mb, seconds_each
from contextalk.presets import PRESETS
from contextalk.training.bench import measure_training

NETWORKS = {"paper": "face_sequence", "quality": "face", "compact": "face", "debug": "face_sequence"}
TRAINING = ("batch", "windows/s", "ms a step", "TFLOP/s", "share of it", "peak memory MB", "failed")
GENERATION = (
    "steps",
    "ms to the first frame",
    "frames/s, one stream",
    "frames/s, many streams",
    "peak memory MB",
    "failed",
)
PEER_FRAMES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What to measure.

    Attributes:
        output: Folder for `train.json` and `generate.json`; what is in them is not measured again.
        presets: Which.
        batches: Windows a training step.
        modes: `eager`, or modes of torch.compile; reduce-overhead replays CUDA graphs.
        streams: Windows drawn at once for the figure of many streams.
        seconds: For each figure.
        minutes: After so long no other measurement is begun.
        peers: Also Stable Diffusion's U-Net, 860 million parameters; minutes on a CPU.
        device: As `contextalk bench`.
    """

    output: Annotated[Path, arg(aliases=("-o",))]
    presets: tuple[str, ...] = ("compact", "paper", "quality")
    batches: tuple[int, ...] = (8, 64, 192)
    modes: tuple[str, ...] = ("eager", "default", "reduce-overhead")
    streams: int = 32
    seconds: float = 5.0
    minutes: float = 9.0
    peers: bool = True
    device: Device = "auto"


def main(config: Speed) -> None:
    """Measure, then print both tables."""
    device, limit = choose_device(config.device), Limit(config.minutes)
    training, generation = (Rows(config.output / f"{name}.json") for name in ("train", "generate"))
    peak = peak_flops(device, compute_type(device), at_least_s=min(1.0, config.seconds))
    jobs: list[tuple[Rows, str, Callable[[], Figures]]] = []
    if config.peers:
        peer = "diffusers UNet2DConditionModel, 8 frames"
        jobs.append((training, peer, partial(measure_peer, device, config, peak)))
    for mode in config.modes:
        for preset in config.presets:
            jobs.append((generation, f"{preset} {mode}", partial(measure_preset, preset, mode, device, config)))
            for batch in config.batches:
                measure = partial(
                    measure_training,
                    preset,
                    NETWORKS[preset],
                    device=device,
                    batch=batch,
                    at_least_s=config.seconds,
                    compile_mode=None if mode == "eager" else mode,
                )
                jobs.append((training, f"{preset} {mode} {batch}", measure))
    try:
        for done, (rows, name, measure) in enumerate(jobs):
            limit(name, done, len(jobs))
            rows.add(name, partial(or_why_not, measure))
    except OutOfTimeError as stopped:
        say(f"out of time before {stopped}; the same command goes on")
    say(f"\n{describe(device)}, {peak / 1e12:.1f} TFLOP/s in a large product\n\n{training.table(TRAINING)}")
    say(f"\n{generation.table(GENERATION)}")


def or_why_not(measure: Callable[[], Figures]) -> Figures:
    """A row that says so where memory or the compiler fails: that is a finding too, and the others go on."""
    try:
        return measure()
    except RuntimeError as error:  # of which PyTorch's own errors are
        torch.cuda.empty_cache()
        return {"failed": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:60]}"}


def measure_preset(preset: str, mode: str, device: torch.device, config: Speed) -> Figures:
    """Generation with random weights."""
    models = PRESETS[preset]().models
    bundle = Bundle(BundleCard(models=models, whom="nobody", persons=(), record={}, licence="none")).to(device)
    figures = measure_generation(
        bundle,
        # A window of the paper's thousand DDPM steps is twenty of these.
        Drawing(sampler=models.sampler, num_steps=min(models.num_steps, 50)),
        streams=config.streams,
        at_least_s=config.seconds,
        compile_mode=None if mode == "eager" else mode,
    )
    many = next(value for name, value in figures.items() if name.startswith("heads/s"))
    return {**figures, "frames/s, many streams": many}


def measure_peer(device: torch.device, config: Speed, peak: float) -> Figures:
    """Forward and backward pass of Stable Diffusion's U-Net (860 M) on eight frames of 256×256 at a time."""
    if importlib.util.find_spec("diffusers") is None:
        return {"failed": "diffusers is not installed"}
    from diffusers import UNet2DConditionModel
    from torch.utils.flop_counter import FlopCounterMode

    unet = UNet2DConditionModel(cross_attention_dim=768).to(device).train()
    noisy = torch.randn(PEER_FRAMES, 4, 32, 32, device=device)
    text = torch.randn(PEER_FRAMES, 77, 768, device=device)
    time = torch.full((PEER_FRAMES,), 500, device=device)

    def step() -> None:
        with fast_arithmetic(device):
            unet(noisy, time, text).sample.float().square().mean().backward()
        unet.zero_grad(set_to_none=True)

    with FlopCounterMode(display=False) as counter:
        step()
    forget_peak_memory(device)
    step_s = seconds_each(step, device, at_least_s=config.seconds)
    reached = counter.get_total_flops() / step_s
    return {
        "batch": 1.0,
        "windows/s": 1 / step_s,
        "ms a step": 1000 * step_s,
        "TFLOP/s": reached / 1e12,
        "share of it": reached / peak,
        "peak memory MB": peak_memory_mb(device),
    }


if __name__ == "__main__":
    main(tyro.cli(Speed))
