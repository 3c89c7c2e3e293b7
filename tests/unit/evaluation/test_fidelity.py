from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import fidelity
from contextalk.faces.crop import head_mask

Make = Callable[..., Evidence]


def with_heads(evidence: Evidence, heads: np.ndarray) -> Evidence:
    return replace(evidence, seen=replace(evidence.seen, heads=heads))


def test_psnr_of_a_constant_offset_is_the_closed_form_and_ignores_what_is_outside_the_mask(clip: Make) -> None:
    truth = clip()
    heads = np.clip(truth.truth.heads, 0, 250)
    truth = replace(truth, truth=replace(truth.truth, heads=heads))
    shifted = heads + np.uint8(5)
    shifted[:, head_mask() == 0] = 0
    figures = fidelity.measure(with_heads(truth, shifted))
    # 10 log10(255² / 5²); float64 sums of integers are exact.
    assert figures["PSNR head"] == pytest.approx(20 * np.log10(255 / 5), abs=1e-9)
    assert figures["PSNR mouth"] == pytest.approx(20 * np.log10(255 / 5), abs=1e-9)
    # An offset is no gradient; float32 luma rounds in the sixth digit.
    assert figures["mouth sharpness"] == pytest.approx(1.0, rel=1e-4)


def test_equal_heads_are_infinitely_near(clip: Make) -> None:
    figures = fidelity.measure(clip())
    assert figures["PSNR head"] == np.inf
    assert figures["SSIM head"] == pytest.approx(1.0, abs=1e-6)  # float32 of a quotient of equals


def test_ssim_map_is_that_of_scikit_image(clip: Make) -> None:
    head = clip().truth.heads[0]
    blurred = cv2.GaussianBlur(head, (0, 0), 2.0)
    _, wanted = structural_similarity(
        fidelity.luma(head).astype(np.float64),
        fidelity.luma(blurred).astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    seen = fidelity.ssim_map(head, blurred)
    assert wanted.min() < 0.6
    # Ours is float32: differences of squares up to 255² lose 0.004 against constants of 58.
    assert np.abs(seen - wanted).max() < 1e-3


def test_blur_is_seen_in_every_figure(clip: Make) -> None:
    truth = clip()
    blurred = np.stack([cv2.GaussianBlur(head, (0, 0), 3.0) for head in truth.truth.heads])
    figures = fidelity.measure(with_heads(truth, blurred))
    assert figures["mouth sharpness"] < 0.6
    assert figures["SSIM mouth"] < 0.95
    assert figures["PSNR head"] < 35


def test_frames_that_were_not_generated_do_not_count(clip: Make) -> None:
    truth = clip()
    heads = truth.truth.heads.copy()
    heads[40:] = 0
    assert fidelity.measure(replace(with_heads(truth, heads), spans=((0, 40),)))["PSNR head"] == np.inf
    assert fidelity.measure(with_heads(truth, heads))["PSNR head"] < 20


def test_without_a_face_the_mouth_is_not_measured(clip: Make) -> None:
    figures = fidelity.measure(clip(given=np.full((50, 68, 2), np.nan, np.float32)))
    assert np.isnan([figures["PSNR mouth"], figures["SSIM mouth"], figures["mouth sharpness"]]).all()
    assert figures["PSNR head"] == np.inf
