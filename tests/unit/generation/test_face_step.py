import numpy as np
import pytest
import torch

from contextalk.generation.face_step import heads_between, interpolate


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
    heads = (decode(torch.from_numpy(drawn)) + detail).astype(np.uint8)
    (mixed,) = heads_between(heads, drawn, np.array([0.0, 0.04]), np.array([0.02]), decode)
    np.testing.assert_array_equal(mixed, 110 + detail)
