"""Lines across a picture."""

import numpy as np

from contextalk.core.geometry import heights


def test_a_line_is_met_between_its_points_from_either_end():
    """Px are counted from edges in points, from centres in rows and columns."""
    line = np.array([[10, 20], [20, 40], [30, 40]], np.float32)
    columns = np.array([5, 9.5, 14.5, 25, 40])
    # Beyond its ends a line goes on as high.
    np.testing.assert_allclose(heights(line, columns), np.array([20, 20, 30, 40, 40]) - 0.5)
    np.testing.assert_array_equal(heights(line[::-1], columns), heights(line, columns))
