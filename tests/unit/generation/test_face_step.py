import numpy as np
import pytest

from contextalk.generation.face_step import interpolate_latents


def latents(*levels: float) -> np.ndarray:
    return np.broadcast_to(np.array(levels, np.float32).reshape(-1, 1, 1, 1), (len(levels), 16, 16, 16))


def test_latents_between_drawn_frames_are_linear_in_time_and_held_after_the_last():
    mixed = interpolate_latents(latents(0, 1, 3), np.array([0.0, 0.04, 0.08]), np.array([0.01, 0.04, 0.06, 0.09]))
    assert mixed[:, 0, 0, 0] == pytest.approx([0.25, 1.0, 2.0, 3.0])
    assert mixed.dtype == np.float32


def test_a_single_latent_is_held():
    assert (interpolate_latents(latents(2), np.array([0.0]), np.array([0.02, 0.04])) == 2).all()
