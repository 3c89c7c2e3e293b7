from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from contextalk.generation import face_step
from contextalk.generation.face_step import heads_between, interpolate
from contextalk.generation.plan import Step


def latents(*levels: float) -> np.ndarray:
    return np.array(levels, np.float32).reshape(-1, 1, 1, 1).repeat(16, 1).repeat(16, 2).repeat(16, 3)


def test_latents_between_drawn_frames_are_linear_in_time_and_held_after_the_last():
    mixed = interpolate(latents(0, 1, 3), np.array([0.0, 0.04, 0.08]), np.array([0.01, 0.04, 0.06, 0.09]))
    assert mixed[:, 0, 0, 0] == pytest.approx([0.25, 1.0, 2.0, 3.0])
    assert mixed.dtype == np.float32


def test_a_single_latent_is_held():
    assert (interpolate(latents(2), np.array([0.0]), np.array([0.02, 0.04])) == 2).all()


def test_heads_between_drawn_ones_are_as_detailed() -> None:
    detail = np.random.default_rng(0).integers(0, 60, (256, 256, 3))

    def decode(latents: torch.Tensor) -> np.ndarray:
        level = latents[:, 0, :1, :1, None].numpy()
        return np.broadcast_to(level, (len(latents), 256, 256, 3)).astype(np.uint8)

    drawn = latents(100, 120)
    heads = (decode(torch.from_numpy(drawn))[:, :1, :1] + detail).astype(np.uint8)
    (mixed,) = heads_between(heads, drawn, np.array([0.0, 0.04]), np.array([0.02]), decode)
    np.testing.assert_array_equal(mixed, 110 + detail)


def test_frames_that_pass_through_are_held_one_at_a_time(monkeypatch: pytest.MonkeyPatch):
    read: list[int] = []

    def stored(_: object, start: int, stop: int):
        for index in range(start, stop):
            read.append(index)
            yield index

    monkeypatch.setattr(face_step, "open_source", stored)
    region: Any = SimpleNamespace(masks=lambda start, stop: iter(range(start, stop)))
    nothing: Any = SimpleNamespace(path=None)
    faces = face_step.FaceStep(
        nothing,
        source=nothing,
        region=region,
        spans=[],
        landmarks=nothing,
        mel=nothing,
        identity=nothing,
        seed=0,
        kept=nothing,
    )
    pictures = faces.pictures([Step(start=0, stop=100), Step(start=100, stop=120)])
    assert next(pictures) == 0
    assert read == [0]
    assert list(pictures) == list(range(1, 120))
