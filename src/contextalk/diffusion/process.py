"""Forward processes and what a network predicts in them (paper, Eq. 1-6)."""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

NUM_STEPS = 1000
BETA_START, BETA_END = 1e-4, 0.02
"""T and the linear β schedule (paper, Table 3; the end points are DDPM's, which the paper follows)."""

Prediction = Literal["epsilon", "v", "flow"]
Latents = Float[Tensor, "b f c h w"]


class Denoiser(Protocol):
    """A network with its conditions bound: what a sampler calls."""

    def __call__(self, noisy: Latents, time: Float[Tensor, "b"], /) -> Latents:
        """Predict at `time` in [0, 1000] whatever the process's `prediction` names."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """How clean latents become noise, and which combination the network predicts.

    * `epsilon`: the noise, in the discrete chain of Eq. 1-2 with the closed form x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε
      (paper, Eq. 5).
    * `v`: √ᾱ_t ε − √(1 − ᾱ_t) x_0 in the same chain (Salimans & Ho 2022).
    * `flow`: ε − x_0 on the line x_t = (1 − t) x_0 + t ε, t log-normal in training (Liu et al. 2023; Esser et al.
      2024).
    """

    prediction: Prediction = "epsilon"

    def noise_levels(self, time: Float[Tensor, "b"]) -> tuple[Tensor, Tensor]:
        """(signal, noise) factors of x_t at `time`, each (b, 1, 1, 1, 1) float32."""
        if self.prediction == "flow":
            sigma = time.float() / NUM_STEPS
            return _expand(1 - sigma), _expand(sigma)
        alpha_bar = alphas_cumprod().to(time.device)[time.long()]
        return _expand(alpha_bar.sqrt()), _expand((1 - alpha_bar).sqrt())

    def sample_times(self, count: int, generator: torch.Generator) -> Float[Tensor, "b"]:
        """Training times in [0, 1000): whole steps for the chain, stratified logit-normal for `flow`."""
        share = (torch.arange(count) + torch.rand(count, generator=generator)) / count
        if self.prediction == "flow":
            normal = torch.special.ndtri(share.clamp(1e-4, 1 - 1e-4))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            return torch.sigmoid(normal) * NUM_STEPS  # pyright: ignore[reportUnknownArgumentType]
        return (share * NUM_STEPS).floor().clamp(max=NUM_STEPS - 1)

    def add_noise(self, clean: Latents, noise: Latents, time: Float[Tensor, "b"]) -> Latents:
        """x_t (paper, Eq. 1-2 in closed form)."""
        signal, sigma = self.noise_levels(time)
        return signal * clean + sigma * noise

    def target(self, clean: Latents, noise: Latents, time: Float[Tensor, "b"]) -> Latents:
        """What the network should predict."""
        if self.prediction == "epsilon":
            return noise
        if self.prediction == "flow":
            return noise - clean
        signal, sigma = self.noise_levels(time)
        return signal * noise - sigma * clean

    def to_clean(self, predicted: Latents, noisy: Latents, time: Float[Tensor, "b"]) -> Latents:
        """x_0 as the prediction implies it."""
        signal, sigma = self.noise_levels(time)
        if self.prediction == "epsilon":
            return (noisy - sigma * predicted) / signal
        if self.prediction == "flow":
            return noisy - sigma * predicted
        return signal * noisy - sigma * predicted


def alphas_cumprod() -> Float[Tensor, "1000"]:
    """ᾱ_t = Π (1 − β_s) of the linear schedule, computed in float64."""
    betas = torch.linspace(BETA_START, BETA_END, NUM_STEPS, dtype=torch.float64)
    return torch.cumprod(1 - betas, dim=0).float()


def _expand(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1, 1)
