"""LPIPS of clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from contextalk.evaluation.metrics.perceptual import LPIPS, Perceptual
from contextalk.models.lpips import Lpips
from judges_kit import evidence

RNG = np.random.default_rng(0)


def judge() -> Perceptual:
    torch.manual_seed(0)
    network = Lpips()
    for name, parameter in network.named_parameters():
        if name.startswith("lin"):
            torch.nn.init.ones_(parameter)
    return Perceptual(network)


def test_only_generated_frames_count() -> None:
    truth = RNG.integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)
    seen = truth.copy()
    seen[2] = RNG.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    whole = evidence(seen, truth=truth)
    figure = judge().measure(whole)[LPIPS]
    assert figure > 1e-3
    assert judge().measure(replace(whole, spans=((0, 2),)))[LPIPS] == pytest.approx(0, abs=1e-9)
    # One frame of three differs: a third of its own distance, in float32.
    assert judge().measure(replace(whole, spans=((2, 3),)))[LPIPS] == pytest.approx(3 * figure, rel=1e-4)


def test_without_weights_it_is_not_measured() -> None:
    heads = RNG.integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    assert np.isnan(Perceptual(None).measure(evidence(heads))[LPIPS])
