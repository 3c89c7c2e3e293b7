from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import drift

Make = Callable[..., Evidence]


def with_heads(evidence: Evidence, heads: np.ndarray) -> Evidence:
    return replace(evidence, seen=replace(evidence.seen, heads=heads))


def test_windows_count_from_the_last_restart(clip: Make) -> None:
    marks = np.zeros(50, bool)
    marks[[0, 1, 8, 20, 21, 28]] = True
    window = clip(joins=marks, spans=((0, 15), (20, 50))).window
    assert window[[0, 1, 7, 8, 14]].tolist() == [0, 1, 1, 2, 2]
    assert (window[15:20] == -1).all()
    assert window[[20, 21, 28, 49]].tolist() == [0, 1, 2, 2]


def test_colour_that_drifts_by_two_levels_a_window(clip: Make) -> None:
    truth = clip()
    truth = replace(truth, truth=replace(truth.truth, heads=np.clip(truth.truth.heads, 0, 200)))
    shifted = truth.truth.heads + (2 * truth.window[:, None, None, None]).astype(np.uint8)
    figures = drift.measure(with_heads(truth, shifted))
    # Red, green and blue alike: a length of 2 √3 a window; means of integers are exact to 1e-9.
    assert figures["colour drift"] == pytest.approx(2 * np.sqrt(3), abs=1e-6)
    by_window = drift.by_window(with_heads(truth, shifted))
    wanted = 20 * np.log10(255 / (2 * np.arange(1, 8)))
    assert by_window["PSNR"][0] == np.inf
    assert by_window["PSNR"][1:] == pytest.approx(wanted)
    assert figures["PSNR drift"] == pytest.approx(np.polyfit(np.arange(1, 8), wanted, 1)[0], rel=1e-6)
    assert figures["sharpness drift"] == pytest.approx(0.0, abs=1e-4)  # float32 luma


def test_heads_that_blur_more_and_more_lose_sharpness(clip: Make) -> None:
    truth = clip()
    blurred = np.stack(
        [
            head if window == 0 else cv2.GaussianBlur(head, (0, 0), 0.5 * float(window))
            for head, window in zip(truth.truth.heads, truth.window, strict=True)
        ]
    )
    figures = drift.measure(with_heads(truth, blurred))
    assert figures["sharpness drift"] < -0.05
    assert figures["PSNR drift"] < -0.5


def test_the_truth_has_no_drift_and_two_windows_no_slope(clip: Make) -> None:
    assert drift.measure(clip())["colour drift"] == 0.0
    assert np.isnan(drift.measure(clip())["PSNR drift"])
    marks = np.arange(50) == 0
    assert np.isnan(drift.measure(clip(joins=marks))["colour drift"])
