"""Displayed pictures find their way back to stored planes."""

from fractions import Fraction

import numpy as np
import pytest

from contextalk.media.colour import Colour
from contextalk.media.orientation import stored_box, stored_to_display, to_stored
from contextalk.media.source import SourceFormat


def form(rotation_deg: int, *, size_px: tuple[int, int] = (40, 30), aspect: Fraction = Fraction(1)) -> SourceFormat:
    colour = Colour(pix_fmt="yuv420p", matrix=1, full_range=False, tags=(1, 1, 1, 1))
    return SourceFormat(stored_px=size_px, sample_aspect=aspect, rotation_deg=rotation_deg, colour=colour)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_map_and_array_agree(rotation_deg: int) -> None:
    kind = form(rotation_deg)
    stored = np.arange(40 * 30).reshape(30, 40)
    # How the reader turns pictures: clockwise.
    shown = np.rot90(stored, -rotation_deg // 90)
    assert shown.shape[::-1] == kind.size_px
    np.testing.assert_array_equal(to_stored(shown, kind), stored)
    matrix = stored_to_display(kind)
    for u, v in ((0, 0), (39, 0), (7, 21), (39, 29)):
        x, y = matrix[:, :2] @ [u + 0.5, v + 0.5] + matrix[:, 2]
        assert shown[int(y), int(x)] == stored[v, u]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(16, 11), Fraction(8, 9)])
def test_stored_box_covers_and_lies_on_chroma(rotation_deg: int, aspect: Fraction) -> None:
    kind = form(rotation_deg, aspect=aspect)
    matrix = stored_to_display(kind)
    for box in ((3, 5, 11, 12), (0, 0, 1, 1), (0, 0, *kind.size_px), (20, 21, 25, 26)):
        x0, y0, x1, y1 = stored_box(box, kind)
        assert x0 % 2 == y0 % 2 == 0
        assert 0 <= x0 < x1 <= 40
        assert 0 <= y0 < y1 <= 30
        corners = np.array([[x0, y0], [x1, y1]]) @ matrix[:, :2].T + matrix[:, 2]
        assert np.all(corners.min(axis=0) <= np.add(box[:2], 1e-9))
        assert np.all(corners.max(axis=0) >= np.subtract(box[2:], 1e-9))
        # No more than a chroma sample and a pixel too far on either side.
        assert np.all(np.ptp(corners, axis=0) <= np.subtract(box[2:], box[:2]) + 2 * 3 * float(max(aspect, 1)))


def test_hard_masks_stay_hard() -> None:
    kind = form(90, aspect=Fraction(16, 11))
    mask = np.zeros(kind.size_px[::-1], np.uint8)
    mask[10:30, 5:20] = 255
    stored = to_stored(mask, kind, hard=True)
    assert stored.shape == (30, 40)
    assert set(np.unique(stored)) == {0, 255}
    assert (stored > 0).mean() == pytest.approx((mask > 0).mean(), abs=0.03)  # a column of the edge
