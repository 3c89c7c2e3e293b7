"""Given landmarks are held against the scene before they are drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Scene
from contextalk.generation.retime import check_replayable
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
