"""Samplers against a distribution whose ideal denoiser is known in closed form."""

import pytest
import torch

from contextalk.core.errors import ContextalkError
from contextalk.diffusion.process import NUM_STEPS, Prediction, Process, alphas_cumprod
from contextalk.diffusion.samplers import SamplerName, check_sampler, sample

MEAN, STD = 0.7, 0.5


def ideal_denoiser(process: Process):
    """Predicts for data drawn from N(MEAN, STD²): E[x_0 | x_t] of two Gaussians."""

    def predict(noisy, time):
        signal, sigma = process.noise_levels(time)
        clean = MEAN + (signal * STD**2) / (signal**2 * STD**2 + sigma**2) * (noisy - signal * MEAN)
        noise = (noisy - signal * clean) / sigma.clamp(min=1e-6)
        if process.prediction == "epsilon":
            return noise
        return noise - clean if process.prediction == "flow" else signal * noise - sigma * clean

    return predict


@pytest.mark.parametrize(
    ("prediction", "sampler", "steps"),
    [
        ("epsilon", "ddpm", 1000),
        ("v", "ddpm", 1000),
        ("epsilon", "ddim", 100),
        ("v", "ddim", 100),
        ("flow", "ddim", 100),
        ("epsilon", "dpm", 20),
        ("flow", "dpm", 20),
    ],
)
def test_samples_have_the_mean_and_spread_of_the_data(prediction: Prediction, sampler: SamplerName, steps: int):
    process = Process(prediction=prediction)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(64, 1, 16, 4, 4, generator=generator)
    drawn = sample(ideal_denoiser(process), process, noise, sampler=sampler, num_steps=steps, generator=generator)
    # 16 384 values: standard errors are 0.004 and 0.003; the rest of 0.04 is the solver's step size.
    assert drawn.mean().item() == pytest.approx(MEAN, abs=0.04)
    assert drawn.std().item() == pytest.approx(STD, abs=0.04)


def test_fast_solver_needs_fewer_steps_than_euler():
    process = Process(prediction="flow")
    noise = torch.randn(16, 1, 16, 4, 4, generator=torch.Generator().manual_seed(1))
    exact = sample(ideal_denoiser(process), process, noise, sampler="ddim", num_steps=1000)
    errors = {
        name: (sample(ideal_denoiser(process), process, noise, sampler=name, num_steps=10) - exact).abs().mean()
        for name in ("ddim", "dpm")
    }
    # A second-order solver with ten steps is several times nearer than a first-order one; half is a wide margin.
    assert errors["dpm"] < 0.5 * errors["ddim"]


@pytest.mark.parametrize("prediction", ["epsilon", "v", "flow"])
def test_clean_latents_come_back_from_the_target(prediction: Prediction):
    process = Process(prediction=prediction)
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 3, 2, 16, 4, 4, generator=generator)
    time = torch.tensor([10.0, 400.0, 900.0])
    noisy = process.add_noise(clean, noise, time)
    # float32, divided by a signal of at least 0.08: a few 1e-5.
    torch.testing.assert_close(
        process.to_clean(process.target(clean, noise, time), noisy, time), clean, atol=1e-4, rtol=0
    )


def test_schedule_is_the_papers():
    bar = alphas_cumprod()
    assert bar.shape == (NUM_STEPS,)
    assert bar[0].item() == pytest.approx(1 - 1e-4, abs=1e-7)
    # ln ᾱ_T = Σ ln(1 − β) ≈ −Σ β − Σ β²/2 with Σ β = 10.05 and Σ β² = 0.1351: e^−10.118.
    assert bar[-1].log().item() == pytest.approx(-10.118, abs=2e-3)


def test_carried_frame_comes_back_untouched():
    process = Process(prediction="flow")
    noise = torch.randn(2, 8, 16, 4, 4)
    carried = torch.randn(2, 16, 4, 4)
    seen = []

    def denoiser(noisy, time):
        seen.append(torch.equal(noisy[:, 0], carried))
        return ideal_denoiser(process)(noisy, time)

    drawn = sample(denoiser, process, noise, sampler="dpm", num_steps=4, carried=carried)
    assert torch.equal(drawn[:, 0], carried)
    assert all(seen)


def test_ddpm_of_a_flow_is_refused():
    with pytest.raises(ValueError, match="ddpm"):
        sample(
            ideal_denoiser(Process()),
            Process(prediction="flow"),
            torch.zeros(1, 1, 16, 4, 4),
            sampler="ddpm",
            num_steps=2,
        )


@pytest.mark.parametrize(
    ("prediction", "sampler", "steps", "match"),
    [
        ("flow", "ddpm", 10, "ddpm wants a bundle that predicts epsilon or v"),
        ("epsilon", "ddpm", 1001, "1001 solver steps, wanted at most 1000 of sampler ddpm"),
        ("v", "ddim", 1001, "at most 1000"),
        ("epsilon", "dpm", 1000, "at most 999"),
    ],
)
def test_what_no_sampler_has_a_form_of_is_refused(prediction: Prediction, sampler: SamplerName, steps: int, match: str):
    with pytest.raises(ContextalkError, match=match):
        check_sampler(Process(prediction=prediction), sampler, steps)


@pytest.mark.parametrize(("sampler", "steps"), [("ddpm", 1000), ("ddim", 1000), ("dpm", 999)])
def test_the_most_steps_that_are_let_through_draw_finite_latents(sampler: SamplerName, steps: int):
    process = Process(prediction="epsilon")
    check_sampler(process, sampler, steps)
    drawn = sample(ideal_denoiser(process), process, torch.randn(1, 1, 1, 2, 2), sampler=sampler, num_steps=steps)
    assert drawn.isfinite().all()
