"""Where networks run."""

import pytest
import torch
from torch import nn

from contextalk.core.errors import ContextalkError
from contextalk.models.machine import (
    CPU,
    choose_device,
    compute_type,
    device_of,
    draw_normal,
    fast_arithmetic,
    keep,
    move,
)

ELSEWHERE = torch.device("meta")


def test_a_card_that_is_not_there_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == CPU
    with pytest.raises(
        ContextalkError, match=r"device cuda: PyTorch .* sees no CUDA device, wanted auto, cpu"
    ) as refused:
        choose_device("cuda")
    assert "\n" not in str(refused.value)


def test_a_card_is_taken_where_there_is_one_unless_the_cpu_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")
    assert choose_device("cpu") == CPU


def test_random_numbers_are_those_of_the_cpu() -> None:
    shape = (2, 3)
    drawn = draw_normal(shape, torch.Generator().manual_seed(4), CPU)
    assert torch.equal(drawn, torch.randn(shape, generator=torch.Generator().manual_seed(4)))
    generator = torch.Generator().manual_seed(4)
    assert draw_normal(shape, generator, ELSEWHERE).device == ELSEWHERE
    assert torch.equal(torch.rand(1, generator=generator), _after(shape))


def _after(shape: tuple[int, ...]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    torch.randn(shape, generator=generator)
    return torch.rand(1, generator=generator)


def test_what_is_stored_goes_where_networks_are() -> None:
    assert device_of(nn.Linear(2, 2).to(ELSEWHERE)) == ELSEWHERE
    stored = torch.ones(3)
    assert move(stored, CPU) is stored
    assert keep({"a": stored}, CPU)["a"] is stored
    assert keep({"a": stored}, ELSEWHERE)["a"].device == ELSEWHERE


def test_what_does_not_fit_a_card_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"a": torch.ones(100), "b": torch.ones(150)}  # 1000 bytes
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1999, 4000))
    assert keep(stored, torch.device("cuda")) is stored


def test_arithmetic_is_that_of_the_device() -> None:
    x, layer = torch.ones(1, 2), nn.Linear(2, 2)
    with fast_arithmetic(CPU):
        assert layer(x).dtype == compute_type(CPU)
    with fast_arithmetic(ELSEWHERE):  # nothing is known of it: float32
        assert layer(x).dtype == compute_type(ELSEWHERE) == torch.float32
