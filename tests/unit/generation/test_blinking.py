"""Blinks of generated landmarks: as often as wanted, at the same times again, and nothing but lids."""

import numpy as np
import pytest
from tests.generation_kit import still_landmarks

from contextalk.evaluation.heads import eye_aspect_ratio
from contextalk.evaluation.metrics.blinks import count_closings
from contextalk.generation.blinking import add_blinks, closures


@pytest.mark.parametrize("per_minute", [6, 15, 30])
def test_blinks_are_as_many_as_wanted_and_apart(per_minute: float):
    times = np.arange(60 * 60 * 25) / 25
    closed = closures(times, per_minute, (0, 1)) > 0.5
    starts = times[1:][closed[1:] & ~closed[:-1]]
    # 60 minutes of intervals with 0.6 of their mean as deviation: within 3 standard errors, 0.6 / sqrt(360) at least.
    assert len(starts) / 60 == pytest.approx(per_minute, rel=0.1)
    assert np.diff(starts).min() > 0.4 * 60 / per_minute - 0.08
    assert np.diff(starts).std() > 0.3 * 60 / per_minute, "no clockwork"


def test_a_part_of_a_scene_blinks_when_the_whole_does():
    times = np.arange(2000) / 25
    np.testing.assert_array_equal(closures(times, 15, (3, 0))[700:], closures(times[700:], 15, (3, 0)))
    assert not np.array_equal(closures(times, 15, (3, 0)), closures(times, 15, (3, 1)))


def test_lids_close_and_nothing_else_moves():
    still = still_landmarks(np.arange(1500) / 25)
    blinking = add_blinks(still, 15, (0, 0))
    lids = np.array([37, 38, 40, 41, 43, 44, 46, 47])
    others = np.delete(np.arange(68), lids)
    np.testing.assert_array_equal(blinking.points[:, others], still.points[:, others])
    np.testing.assert_array_equal(blinking.pupils, still.pupils)
    assert 10 <= count_closings(eye_aspect_ratio(blinking.points)) <= 20
    assert eye_aspect_ratio(blinking.points).min() == pytest.approx(0, abs=1e-5)


def test_none_are_none():
    still = still_landmarks(np.arange(500) / 25)
    assert add_blinks(still, 0, (0, 0)) is still
