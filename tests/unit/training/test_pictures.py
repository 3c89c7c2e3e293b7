"""What training cuts out of clips."""

import numpy as np

from contextalk.training.pictures import fill_pupils


def test_unknown_pupils_stand_in_their_eyes():
    points = np.random.default_rng(0).normal(size=(2, 68, 2)).astype(np.float32)
    pupils = np.full((2, 2, 2), np.nan, np.float32)
    pupils[1, 0] = (3.0, 4.0)
    filled = fill_pupils(points, pupils)
    np.testing.assert_allclose(filled[0, 1], points[0, 42:48].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(filled[1, 0], (3.0, 4.0))
