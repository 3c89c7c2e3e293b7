"""Given landmarks are held against the scene before they are drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Scene
from contextalk.generation.plan import Span
from contextalk.generation.retime import check_replayable, to_scene_times
from generation_kit import SIZE_PX, still_landmarks

TIMES = np.arange(5) / 25
SCENE = Scene(path=Path("scene"), size_px=SIZE_PX, times_s=TIMES, duration_s=0.2, rotation_deg=0, has_audio=False)


@pytest.mark.parametrize("times", [TIMES[::-1], np.zeros(5), np.where(TIMES == 0, np.nan, TIMES)])
def test_times_that_do_not_increase_are_refused(times: np.ndarray):
    given = still_landmarks(TIMES)
    assert check_replayable(given, SCENE) is given
    with pytest.raises(ContextalkError, match="not finite and increasing"):
        check_replayable(replace(given, times_s=times), SCENE)


def test_valid_rows_without_points_are_refused():
    given = still_landmarks(TIMES, hidden=[2])
    assert check_replayable(given, SCENE) is given
    with pytest.raises(ContextalkError, match="NaN points"):
        check_replayable(replace(given, valid=np.ones(5, bool)), SCENE)


def covered(scene_s: np.ndarray, rows_s: np.ndarray, *spans: tuple[int, int]) -> list[int]:
    scene = replace(SCENE, times_s=scene_s, duration_s=float(scene_s[-1]) + 0.04)
    found = to_scene_times(
        still_landmarks(rows_s), scene, [Span(shot=n, start=a, stop=b) for n, (a, b) in enumerate(spans)]
    )
    assert np.array_equal(np.isfinite(found.points).all(axis=(1, 2)), found.valid)
    return np.flatnonzero(found.valid).tolist()


def test_rows_speak_for_their_own_time_alone():
    scene_s = np.arange(40) / 25
    # A frame of 25 Hz before the first row and after the last one, and no farther.
    assert covered(scene_s, np.arange(10, 20) / 25, (0, 40)) == list(range(9, 21))
    # In a gap of rows, as `passthrough` leaves one.
    assert covered(scene_s, np.r_[0:10, 20:40] / 25, (0, 40)) == [*range(11), *range(19, 40)]
    # Another shot's rows are not held over a cut.
    assert covered(scene_s, np.arange(20) / 25, (0, 20), (21, 40)) == list(range(20))


def test_rows_of_any_rate_are_interpolated():
    """At 5 Hz frames are 0.1 s from both rows; of the 60 Hz scene the last frames lie after the last 25 Hz instant."""
    assert covered(np.arange(40) / 25, np.arange(0, 40, 5) / 25, (0, 40)) == list(range(37))
    assert covered(np.arange(60) / 60, np.arange(25) / 25, (0, 60)) == list(range(60))
