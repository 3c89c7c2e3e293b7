"""MVControlNet keeps the paper's promises."""

from dataclasses import replace

import pytest
import torch

from contextalk.core.errors import ShapeError
from contextalk.models.conditions import Condition
from contextalk.models.mvcontrolnet import MVControlNet, NetworkConfig

TINY = NetworkConfig(
    modalities=("audio", "lips", "identity", "place"),
    base_channels=8,
    head_dim=8,
    condition_dim=16,
    time_dim=16,
    dropout=0.0,
)


def condition(batch: int = 2, frames: int = 8, hints: int = 1) -> Condition:
    return Condition(
        hints=tuple(torch.randn(batch, frames, 16, 16, 16) for _ in range(hints)),
        audio=torch.randn(batch, frames, 80, 16),
        lips=torch.rand(batch, frames, 1, 16, 16) * 2 - 1,
        identity=torch.randn(batch, 16, 16, 16),
        place=torch.rand(batch, frames, 3),
    )


def awake(config: NetworkConfig) -> MVControlNet:
    """A network whose zero-initialised layers are set to something, as after some training."""
    torch.manual_seed(0)
    network = MVControlNet(config).eval()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def test_control_branch_is_silent_at_the_start():
    torch.manual_seed(0)
    network = MVControlNet(TINY).eval()
    x, time, given = torch.randn(2, 8, 16, 16, 16), torch.tensor([10.0, 900.0]), condition()
    other = replace(given, hints=(torch.randn_like(given.hints[0]),))
    first = network(x, time, given, first_is_clean=True)
    second = network(x, time, other, first_is_clean=True)
    assert torch.equal(first, second)
    assert first.abs().max() > 0


def test_hints_reach_the_output_once_trained():
    network = awake(TINY)
    x, time, given = torch.randn(1, 8, 16, 16, 16), torch.tensor([500.0]), condition(1)
    other = replace(given, hints=(torch.randn_like(given.hints[0]),))
    difference = network(x, time, given, first_is_clean=True) - network(x, time, other, first_is_clean=True)
    assert difference.abs().max() > 1e-3


def test_condition_of_a_frame_enters_that_frame_only():
    """Eq. 7: without temporal layers, changing c_l of frame 3 changes the prediction of frame 3 alone."""
    network = awake(TINY)
    for module in network.modules():
        if module.__class__.__name__ in ("TemporalConvolution", "TemporalAttention"):
            layer = module.mix if hasattr(module, "mix") else module.out
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    x, time, given = torch.randn(1, 8, 16, 16, 16), torch.tensor([500.0]), condition(1)
    audio = given.audio.clone()
    audio[:, 3] += 1
    difference = network(x, time, given, first_is_clean=False) - network(
        x, time, replace(given, audio=audio), first_is_clean=False
    )
    changed = difference.abs().amax(dim=(0, 2, 3, 4))
    assert changed[3] > 1e-4
    assert changed[[0, 1, 2, 4, 5, 6, 7]].max() == 0


def test_one_frame_works_in_the_same_network():
    network = awake(TINY)
    out = network(torch.randn(3, 1, 16, 16, 16), torch.tensor([1.0, 2.0, 3.0]), condition(3, 1), first_is_clean=False)
    assert out.shape == (3, 1, 16, 16, 16)
    assert out.isfinite().all()


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(TINY, downsample_last=False, attention_scales=(2, 3), blocks=1),
        replace(
            TINY,
            modalities=("audio", "place", "scene"),
            per_frame_time=True,
            pooled_condition=True,
            predict_points=True,
        ),
        replace(TINY, num_hints=3),
        replace(TINY, num_hints=2, hints_in_video_branch=True),
    ],
)
def test_every_parameter_has_a_gradient_after_three_steps(config: NetworkConfig):
    torch.manual_seed(0)
    network = MVControlNet(config)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for step in range(4):
        given = condition(2, 8, config.num_hints)
        if step % 2:  # null tokens learn only when a modality is absent
            given = Condition(hints=given.hints, place=given.place if "scene" in config.modalities else None)
        out, points = network.predict(torch.randn(2, 8, 16, 16, 16), torch.rand(2) * 1000, given, first_is_clean=True)
        loss = out.square().mean() + (0 if points is None else points.square().mean())
        loss.backward()
        if step < 2:
            optimizer.step()
            optimizer.zero_grad()
        elif step == 2:
            optimizer.step()
    silent = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert silent == []


def test_clean_first_frame_gets_time_zero_where_asked():
    config = replace(TINY, per_frame_time=True)
    network = awake(config)
    embedded = network._embed_time(torch.tensor([700.0]), 8, first_is_clean=True)
    assert not torch.allclose(embedded[:, 0], embedded[:, 1])
    assert torch.equal(embedded[:, 1], embedded[:, 7])
    # The same row of a matrix product of another height: equal to float32 rounding.
    torch.testing.assert_close(embedded[:, 0], network._embed_time(torch.tensor([0.0]), 1, first_is_clean=False)[:, 0])


def test_wrong_hints_are_refused():
    network = MVControlNet(TINY)
    x, time = torch.randn(2, 8, 16, 16, 16), torch.zeros(2)
    with pytest.raises(ShapeError, match="2 hints"):
        network(x, time, condition(hints=2), first_is_clean=True)
    with pytest.raises(ShapeError, match="disagree"):
        network(x, time, condition(frames=4), first_is_clean=True)
