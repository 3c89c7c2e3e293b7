"""LPIPS: the published layout, and its definition by another way."""

import pytest
import torch
from torch.nn import functional

from contextalk.models.lpips import Lpips

PUBLISHED = {
    "features.0.weight": (64, 3, 11, 11),
    "features.3.weight": (192, 64, 5, 5),
    "features.6.weight": (384, 192, 3, 3),
    "features.8.weight": (256, 384, 3, 3),
    "features.10.weight": (256, 256, 3, 3),
    **{f"lin{number}.model.1.weight": (1, width, 1, 1) for number, width in enumerate((64, 192, 384, 256, 256))},
}
"""Names and shapes in the two published files, without biases."""


def test_lpips_has_the_published_layout() -> None:
    with torch.device("meta"):
        state = Lpips().state_dict()
    assert {name: tuple(value.shape) for name, value in state.items() if name.endswith("weight")} == PUBLISHED
    assert sum(name.endswith("bias") for name in state) == 5


def test_even_weights_give_twice_one_minus_the_cosine() -> None:
    torch.manual_seed(0)
    network = Lpips().eval()
    for name, parameter in network.named_parameters():
        if name.startswith("lin"):
            torch.nn.init.ones_(parameter)
    first, second = torch.rand(2, 2, 3, 64, 64) * 2 - 1
    wanted = torch.zeros(2)
    one, other = (
        (x - torch.tensor([-0.030, -0.088, -0.188]).reshape(3, 1, 1))
        / torch.tensor([0.458, 0.448, 0.450]).reshape(3, 1, 1)
        for x in (first, second)
    )
    with torch.no_grad():
        for number, layer in enumerate(network.features):
            one, other = layer(one), layer(other)
            if number in (1, 4, 7, 9, 11):
                wanted += (2 - 2 * functional.cosine_similarity(one, other, dim=1)).mean(dim=(1, 2))
        seen, same = network(first, second), network(first, first)
    # 1 − cosine cancels: float32's 1e-7 over five levels.
    torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=0)
    assert seen.min() > 1e-3
    assert same.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)
