import numpy as np
import pytest

from contextalk.core.errors import TargetError
from contextalk.core.records import Landmarks, MissingFace, Shot
from contextalk.generation.missing import fill_missing, frames_to_generate
from generation_kit import still_landmarks

TIMES = np.arange(10) / 25
SHOTS = (Shot(start=0, stop=6), Shot(start=6, stop=10))
HIDDEN = (0, 2, 3, 6, 7, 8, 9)


def moving() -> Landmarks:
    landmarks = still_landmarks(TIMES, hidden=HIDDEN)
    landmarks.points[..., 0] += np.arange(10)[:, None]
    return landmarks


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [("hold", [0, 1, 2, 3, 4, 5]), ("interpolate", [0, 1, 2, 3, 4, 5]), ("passthrough", [1, 4, 5])],
)
def test_a_shot_without_the_face_is_never_touched(policy: MissingFace, wanted: list[int]):
    active = frames_to_generate(moving().valid, np.ones(10, bool), TIMES, SHOTS, policy)
    assert np.flatnonzero(active).tolist() == wanted


def test_error_names_the_count_and_the_first_time():
    with pytest.raises(TargetError, match=r"no face in 7 of 10 frames, first at 0\.00 s"):
        frames_to_generate(moving().valid, np.ones(10, bool), TIMES, SHOTS, "error")


def test_error_looks_at_the_frames_asked_for_alone():
    wanted = np.isin(np.arange(10), (4, 5))
    assert frames_to_generate(moving().valid, wanted, TIMES, SHOTS, "error").sum() == 2


def test_hold_takes_the_last_face_and_interpolate_the_way_between():
    base = moving().points[1, 0, 0] - 1
    held, mixed = (fill_missing(moving(), SHOTS, policy).points[:6, 0, 0] - base for policy in ("hold", "interpolate"))
    assert held == pytest.approx([1, 1, 1, 1, 4, 5], abs=1e-4)
    assert mixed == pytest.approx([1, 1, 2, 3, 4, 5], abs=1e-4)


def test_a_shot_without_the_face_stays_unseen():
    filled = fill_missing(moving(), SHOTS, "hold")
    assert filled.valid.tolist() == [True] * 6 + [False] * 4
