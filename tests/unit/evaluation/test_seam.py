from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import seam
from contextalk.faces.crop import head_mask

Make = Callable[..., Evidence]


def test_a_pasted_box_shows_and_a_blurred_blend_shows_the_other_way(clip: Make) -> None:
    truth = clip()
    inside = head_mask()[None, ..., None] > 0
    pasted = np.where(inside, np.clip(truth.truth.heads.astype(int) + 60, 0, 255), truth.truth.heads).astype(np.uint8)
    blurred = np.stack([cv2.GaussianBlur(head, (0, 0), 6.0) for head in truth.truth.heads])
    assert seam.measure(truth)["seam"] == 1.0
    assert seam.measure(replace(truth, seen=replace(truth.seen, heads=pasted)))["seam"] > 1.15
    assert seam.measure(replace(truth, seen=replace(truth.seen, heads=blurred)))["seam"] < 0.8


def test_seam_in_closed_form_on_a_ramp(clip: Make) -> None:
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, None, :, None], (50, 256, 256, 3))
    truth = clip()
    truth = replace(truth, truth=replace(truth.truth, heads=ramp), seen=replace(truth.seen, heads=ramp // 2 * 2))
    # Central differences of a staircase of two levels are 0 or 2 where the ramp's are 1, ... and 1 on the mean.
    assert seam.measure(truth)["seam"] == pytest.approx(1.0, rel=0.02)  # columns in the band need not pair evenly
    truth = replace(truth, seen=replace(truth.seen, heads=ramp // 2))
    assert seam.measure(truth)["seam"] == pytest.approx(0.5, rel=0.02)


def test_under_a_mask_of_the_users_there_is_no_fixed_border(clip: Make) -> None:
    assert np.isnan(seam.measure(replace(clip(), user_mask=True))["seam"])
