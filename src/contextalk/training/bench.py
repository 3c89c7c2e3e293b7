"""How fast a preset's network learns: whole steps on random latents, as in training."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CROP_PX, LATENT_CELLS, LIP_PX
from contextalk.core.records import OTHERS_SHAPE
from contextalk.models.codec import LATENT_CHANNELS
from contextalk.models.lips import LipGenerator
from contextalk.models.machine import compute_type, describe
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.speed import forget_peak_memory, peak_flops, peak_memory_mb, seconds_each
from contextalk.presets import PRESETS
from contextalk.training.config import TrainConfig
from contextalk.training.latents import LatentClip
from contextalk.training.lip_references import FoldedLips
from contextalk.training.loop import Learner
from contextalk.training.objectives.denoising import DenoisingObjective
from contextalk.training.run import TrainingRun
from contextalk.training.windows import Guesses, WindowSet

_CLIPS, _CLIP_FRAMES = 4, 160


def measure_training(
    preset: str, network: str, *, device: torch.device, batch: int | None, at_least_s: float, compile_mode: str | None
) -> dict[str, float | str]:
    """Time steps of sequences: draws, forward and backward pass, optimiser and average.

    Args:
        preset: Name in `PRESETS`.
        network: A generating network of it.
        device: Where.
        batch: Windows a step; None: the preset's.
        at_least_s: How long.
        compile_mode: Of `torch.compile`; None: eager.

    Raises:
        ContextalkError: No such preset or network.
    """
    if preset not in PRESETS:
        raise ContextalkError(f"no preset {preset!r}, wanted one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]()
    name = network.replace("-", "_")
    if name not in chosen.models.networks:
        raise ContextalkError(f"preset {preset} has no network {network!r}, wanted {', '.join(chosen.models.networks)}")
    run = TrainingRun(Path(), Path(), chosen, device=device)
    budget = replace(run.budgets[name], batch=batch or run.budgets[name].batch)
    config = replace(chosen.training, first_share=0.0, condition_dropout=0.0, generated_first_share=0.0)
    torch.manual_seed(0)
    objective = _objective(run, name, config)
    learner = Learner.start(objective, budget, config)
    with FlopCounterMode(display=False) as counter:
        learner.step(0)
    if compile_mode is not None:
        # An attribute of this one network: `predict` is what the objective calls.
        objective.network.predict = torch.compile(objective.network.predict, mode=compile_mode)  # pyright: ignore[reportAttributeAccessIssue]
    forget_peak_memory(device)
    step_s = seconds_each(lambda: learner.step(0), device, at_least_s=at_least_s)
    peak = peak_flops(device, compute_type(device), at_least_s=min(1.0, at_least_s))
    reached = counter.get_total_flops() / step_s
    return {
        "device": describe(device),
        "preset": preset,
        "network": name,
        "batch": float(budget.batch),
        "compiled": compile_mode or "no",
        "ms a step": 1000 * step_s,
        "windows/s": budget.batch / step_s,
        "GFLOP a window": counter.get_total_flops() / budget.batch / 1e9,
        "TFLOP/s": reached / 1e12,
        "TFLOP/s of a product": peak / 1e12,
        "share of it": reached / peak,
        "peak memory MB": peak_memory_mb(device),
    }


def _objective(run: TrainingRun, name: str, config: TrainConfig) -> DenoisingObjective:
    """A new network before random clips."""
    clips = [_clip(str(number)) for number in range(_CLIPS)]
    windows = WindowSet(clips, run.device)
    guess = windows.tensors["drawing"]
    windows.guesses = Guesses(first=guess, sequence=guess, stranger=guess)
    lesson = run.lesson(name)
    lips = FoldedLips(LipGenerator(run.models.lips).to(run.device), clips)
    return DenoisingObjective(
        name,
        MVControlNet(run.models.networks[name]).to(run.device),
        run.models.process,
        lesson,
        config,
        windows,
        windows,
        lips=(lips, lips) if "lips" in lesson.modalities else None,
    )


def _clip(key: str) -> LatentClip:
    generator = torch.Generator().manual_seed(int(key))

    def latents() -> Tensor:
        shape = (_CLIP_FRAMES, LATENT_CHANNELS, LATENT_CELLS, LATENT_CELLS)
        return torch.randn(shape, generator=generator).half()

    return LatentClip(
        key=key,
        person=key,
        split="train",
        face=latents(),
        masked=latents(),
        bent=latents(),
        drawing=latents(),
        scene=latents(),
        mel=torch.randn(_CLIP_FRAMES, 80, 16, generator=generator).half(),
        place=torch.rand(_CLIP_FRAMES, 3, generator=generator),
        others=torch.rand(_CLIP_FRAMES, *OTHERS_SHAPE, generator=generator),
        points=torch.rand(_CLIP_FRAMES, 70, 2, generator=generator) * CROP_PX,
        lips=torch.randint(0, 256, (_CLIP_FRAMES, LIP_PX, LIP_PX), dtype=torch.uint8, generator=generator),
    )
