"""Sync judges: the published layout, and what the small one does not look at."""

import pytest
import torch

from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig, SyncNet

PUBLISHED = {
    "netcnnaud.0.weight": (64, 1, 3, 3),
    "netcnnaud.4.weight": (192, 64, 3, 3),
    "netcnnaud.8.weight": (384, 192, 3, 3),
    "netcnnaud.11.weight": (256, 384, 3, 3),
    "netcnnaud.14.weight": (256, 256, 3, 3),
    "netcnnaud.18.weight": (512, 256, 5, 4),
    "netcnnaud.19.running_var": (512,),
    "netfcaud.0.weight": (512, 512),
    "netfcaud.1.running_mean": (512,),
    "netfcaud.3.weight": (1024, 512),
    "netfclip.0.weight": (512, 512),
    "netfclip.3.bias": (1024,),
    "netcnnlip.0.weight": (96, 3, 5, 7, 7),
    "netcnnlip.4.weight": (256, 96, 1, 5, 5),
    "netcnnlip.8.weight": (256, 256, 1, 3, 3),
    "netcnnlip.11.weight": (256, 256, 1, 3, 3),
    "netcnnlip.14.weight": (256, 256, 1, 3, 3),
    "netcnnlip.18.weight": (512, 256, 1, 6, 6),
    "netcnnlip.19.bias": (512,),
}
"""Names and shapes in `syncnet_v2.model`."""


def test_syncnet_has_the_published_layout() -> None:
    with torch.device("meta"):
        state = SyncNet().state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLISHED} == PUBLISHED
    convolutions = [name for name in state if name.endswith("weight") and state[name].dim() > 2]
    assert sorted(convolutions) == sorted(name for name, shape in PUBLISHED.items() if len(shape) > 2)


def test_syncnet_embeds_five_squares_and_their_sound() -> None:
    network = SyncNet().eval()
    with torch.no_grad():
        assert network.look(torch.rand(1, 3, 5, 224, 224) * 255).shape == (1, 1024)
        assert network.listen(torch.randn(2, 1, 13, 20)).shape == (2, 1024)


def test_the_small_judge_gives_unit_vectors_and_ignores_light() -> None:
    torch.manual_seed(0)
    judge = SyncJudge(SyncJudgeConfig(channels=8, dim=16)).eval()
    views = torch.rand(3, 5, 48, 48) * 100
    with torch.no_grad():
        plain, lit = judge.look(views), judge.look(views * 1.5 + 40)
        heard = judge.listen(torch.randn(3, 80, 16))
    # Standardising undoes gain and offset exactly but for float32's rounding.
    torch.testing.assert_close(plain, lit, atol=1e-5, rtol=0)
    assert (plain[0] - plain[1]).norm() > 1e-3
    for vectors in (plain, heard):
        assert vectors.norm(dim=-1).tolist() == pytest.approx([1.0] * 3, abs=1e-5)
