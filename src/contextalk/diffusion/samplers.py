"""Drawing samples: DDPM (paper), DDIM, and DPM-Solver++ as the fast one. The solvers are diffusers'."""

from typing import Any, Literal

import torch
from torch import Tensor

from contextalk.core.errors import ContextalkError
from contextalk.diffusion.process import BETA_END, BETA_START, NUM_STEPS, Denoiser, Latents, Process

SamplerName = Literal["ddpm", "ddim", "dpm"]


def sample(
    denoiser: Denoiser,
    process: Process,
    noise: Latents,
    *,
    sampler: SamplerName,
    num_steps: int,
    carried: Tensor | None = None,
    generator: torch.Generator | None = None,
    start_time: float = NUM_STEPS,
) -> Latents:
    """Draw latents from noise (paper, Eq. 3-4).

    Args:
        denoiser: The network with its conditions bound.
        process: What it predicts.
        noise: (B, F, C, H, W) start. With `start_time` < 1000: already x_t at that time.
        sampler: `ddpm` is stochastic and needs `epsilon` or `v`; for `flow`, `ddim` means Euler's method.
        num_steps: Network calls from time 1000 down.
        carried: (B, C, H, W), the clean first frame; it goes in untouched at every step and comes back untouched
            (paper, Eq. 8).
        generator: Randomness of `ddpm`.
        start_time: Begin here instead of at pure noise.

    Raises:
        ValueError: A sampler the process has no form of.
    """
    scheduler = _scheduler(process, sampler)
    scheduler.set_timesteps(num_steps)
    x = noise
    for time in scheduler.timesteps:
        if float(time) > start_time:
            continue
        x = _with_first(x, carried)
        predicted = denoiser(x, time.float().to(x.device).expand(x.shape[0]))
        extra: dict[str, Any] = {"generator": generator} if sampler == "ddpm" else {}
        x = scheduler.step(predicted, time, x, return_dict=False, **extra)[0]
    return _with_first(x, carried)


def check_sampler(process: Process, sampler: SamplerName, num_steps: int) -> None:
    """Refuse what `sample` has no form of.

    Raises:
        ContextalkError: `ddpm` for `flow`, or more steps than the discrete chain has distinct times for.
    """
    if process.prediction == "flow":
        if sampler == "ddpm":
            raise ContextalkError("sampler ddpm wants a bundle that predicts epsilon or v, this one predicts flow")
        return
    # DPM-Solver++ also needs the chain's last time, and divides by zero where two times are one.
    most = NUM_STEPS - 1 if sampler == "dpm" else NUM_STEPS
    if num_steps > most:
        raise ContextalkError(f"{num_steps} solver steps, wanted at most {most} of sampler {sampler}")


def _scheduler(process: Process, sampler: SamplerName) -> Any:
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    if process.prediction == "flow":
        if sampler == "ddim":
            return FlowMatchEulerDiscreteScheduler(num_train_timesteps=NUM_STEPS)
        if sampler == "dpm":
            return DPMSolverMultistepScheduler(
                num_train_timesteps=NUM_STEPS, prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0
            )
        raise ValueError("sampler 'ddpm' wants a network that predicts epsilon or v, this one predicts flow")
    common: dict[str, Any] = {
        "num_train_timesteps": NUM_STEPS,
        "beta_start": BETA_START,
        "beta_end": BETA_END,
        "beta_schedule": "linear",
        "prediction_type": "epsilon" if process.prediction == "epsilon" else "v_prediction",
    }
    if sampler == "ddpm":
        return DDPMScheduler(clip_sample=False, variance_type="fixed_small", **common)
    if sampler == "ddim":
        return DDIMScheduler(clip_sample=False, set_alpha_to_one=True, **common)
    return DPMSolverMultistepScheduler(**common)


def _with_first(x: Latents, carried: Tensor | None) -> Latents:
    return x if carried is None else torch.cat([carried[:, None].to(x.dtype), x[:, 1:]], dim=1)
