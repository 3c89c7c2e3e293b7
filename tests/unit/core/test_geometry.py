"""Lines across a picture, and squares along a video."""

import numpy as np

from contextalk.core.geometry import CropPath, heights


def test_a_line_is_met_between_its_points_from_either_end():
    """Px are counted from edges in points, from centres in rows and columns."""
    line = np.array([[10, 20], [20, 40], [30, 40]], np.float32)
    columns = np.array([5, 9.5, 14.5, 25, 40])
    # Beyond its ends a line goes on as high.
    np.testing.assert_allclose(heights(line, columns), np.array([20, 20, 30, 40, 40]) - 0.5)
    np.testing.assert_array_equal(heights(line[::-1], columns), heights(line, columns))


def test_paths_are_alike_to_half_a_pixel() -> None:
    path = CropPath(centre_px=np.full((3, 2), 900, np.float32), side_px=np.full(3, 300, np.float32))
    moved = CropPath(centre_px=path.centre_px + np.float32(0.4), side_px=path.side_px)
    assert path.is_like(moved)
    assert not path.is_like(CropPath(centre_px=path.centre_px, side_px=path.side_px + np.float32(0.6)))
    assert not path.is_like(path[:2])
