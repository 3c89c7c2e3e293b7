"""Frame consistency never stands without the motion."""

import numpy as np
import pytest
import torch

from contextalk.evaluation.metrics.consistency import CONSISTENCY, MOTION, ClipConsistency
from contextalk.models.clip_features import ClipConfig, ClipVision
from judges_kit import evidence, face_points, grey_heads

TINY = ClipConfig(picture_px=28, patch_px=14, width=16, layers=1, heads=2, embedding=8)


def judge() -> ClipConsistency:
    torch.manual_seed(0)
    network = ClipVision(TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return ClipConsistency(network)


def test_a_still_head_wins_and_its_motion_says_why() -> None:
    still = judge().measure(evidence(grey_heads(np.full(20, 120))))
    # Unit vectors in float32.
    assert still[CONSISTENCY] == pytest.approx(1, abs=1e-5)
    assert still[MOTION] == 0
    noise = np.random.default_rng(0).integers(0, 256, (20, 256, 256, 3), dtype=np.uint8)
    flickering = np.where(np.arange(20)[:, None, None, None] % 2 == 0, noise, 255 - noise // 8).astype(np.uint8)
    assert judge().measure(evidence(flickering))[CONSISTENCY] < 0.9999  # ten times what rounding makes of a still head


def test_motion_is_px_in_40_ms_at_any_rate() -> None:
    points = face_points(40)
    points += np.arange(40, dtype=np.float32)[:, None, None] * np.array([0.3, 0.4], np.float32)
    clip = evidence(grey_heads(np.full(40, 120)), points=points, times_s=np.arange(40) / 50)
    # 0.5 px a frame at 50 Hz is 1 px in 40 ms; float32 near 150.
    assert ClipConsistency(None).measure(clip)[MOTION] == pytest.approx(1.0, abs=1e-4)


def test_what_cannot_be_measured_is_nan() -> None:
    unseen = evidence(grey_heads(np.full(20, 120)), points=np.full((20, 68, 2), np.nan, np.float32))
    figures = ClipConsistency(None).measure(unseen)
    assert np.isnan(figures[CONSISTENCY])
    assert np.isnan(figures[MOTION])
    assert np.isnan(judge().measure(evidence(grey_heads(np.full(1, 120))))[CONSISTENCY])
