"""The mask's border is found again in another picture of the same room, and stays where it is before another room."""

import cv2
import numpy as np
import pytest

from contextalk.faces.border import BORDER, find_border
from contextalk.faces.crop import head_mask

INSIDE = head_mask().astype(bool)


def room(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (336, 336, 3), dtype=np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


def masked(picture: np.ndarray) -> np.ndarray:
    return np.where(INSIDE[..., None], 128, picture).astype(np.uint8)


def test_its_places_lie_on_the_outline():
    x, y = BORDER.astype(int).T
    assert BORDER.shape == (32, 2)
    assert INSIDE[y, x].all()
    grown = cv2.erode(INSIDE.astype(np.uint8), np.ones((3, 3))).astype(bool)
    assert not grown[y, x].any()


@pytest.mark.parametrize("move", [(0, 0), (9, 4), (-17, 12), (2, -21)])
def test_a_moved_room_is_found(move: tuple[int, int]):
    whole = room(0)
    across, down = move
    now, then = whole[40:296, 40:296], whole[40 - down : 296 - down, 40 - across : 296 - across]
    moves = find_border(masked(now), then) - BORDER
    # Staying is preferred a little; and of patches near the crop's edge, some lie beyond the other picture.
    assert (np.abs(moves - move).max(axis=1) <= 2).sum() >= 24


def test_before_another_room_everything_stays():
    now, elsewhere = room(1)[40:296, 40:296], room(2)[40:296, 40:296]
    assert np.abs(find_border(masked(now), elsewhere) - BORDER).mean() < 2


def test_what_is_hidden_has_no_say():
    whole = room(3)
    now, then = whole[40:296, 40:296], whole[36:292, 36:292].copy()
    found = find_border(masked(now), then)
    then[INSIDE & (cv2.erode(INSIDE.astype(np.uint8), np.ones((71, 71))) == 1)] = 255
    other = masked(now)
    other[INSIDE] = 0
    np.testing.assert_array_equal(find_border(other, then), found)
