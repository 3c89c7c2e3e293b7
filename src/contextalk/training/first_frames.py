"""Generated first frames for sequence training (paper, Sec. 4.4)."""

import torch
from torch import Tensor

from contextalk.core.records import Progress
from contextalk.diffusion.process import Process
from contextalk.diffusion.samplers import sample
from contextalk.models.machine import draw_normal, keep
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.pictures import inference
from contextalk.training.objectives.denoising import Lesson, LipSource
from contextalk.training.windows import WindowSet

NOISE_TIME = 400.0
"""Frames are noised to this time and denoised: a free sample would have another pose than the clip it must begin."""

NUM_STEPS = 20
"""Solver steps over the whole range, of which the last `NOISE_TIME` / 1000 are taken."""

MAX_FRAMES = 20_000


def generate_first_frames(
    network: MVControlNet,
    process: Process,
    lesson: Lesson,
    windows: WindowSet,
    lips: LipSource | None,
    *,
    seed: int,
    max_frames: int = MAX_FRAMES,
    progress: Progress | None = None,
) -> Tensor:
    """A generated stand-in for up to `max_frames` training frames that windows begin with.

    Returns:
        (N, 16, 16, 16) float16 over all frames of the set, NaN where none was made; kept as the set's tensors are.
    """
    network.eval()
    made = torch.full(windows.tensors["face"].shape, float("nan"), dtype=torch.float16)
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(seed))
    chosen = windows.begins[order[:max_frames]]
    for done, begins in enumerate(chosen.split(64), start=1):
        generator = torch.Generator().manual_seed(seed + done)
        batch = windows.take(begins, generator, length=1)
        condition = lesson.condition(batch, lips(batch) if lips is not None else None, first=True)
        clean = lesson.clean(batch)
        time = torch.full((len(clean),), NOISE_TIME, device=clean.device)
        noisy = process.add_noise(clean, draw_normal(clean.shape, generator, clean.device), time)
        with inference(clean.device):
            drawn = sample(
                lambda x, at, condition=condition: network(x, at, condition, first_is_clean=False),
                process,
                noisy,
                sampler="ddim",
                num_steps=NUM_STEPS,
                start_time=NOISE_TIME,
            )
        made[begins] = drawn[:, 0].half().cpu()
        if progress is not None:
            progress("generated first frames", min(done * 64, len(chosen)), len(chosen))
    return keep({"made": made}, windows.device)["made"]
