"""A shaken face is held; what it says and where it goes stays."""

import numpy as np
from tests.generation_kit import face_points

from contextalk.core.records import mouth_opening
from contextalk.generation.steadying import steady


def talking(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A head that glides and nods, and a mouth that opens three times a second."""
    time = np.arange(frames) / 25
    faces = np.repeat(face_points((128, 130), 110)[None], frames, axis=0).astype(np.float64)
    faces[:, 65:68, 1] += 6 * (1 - np.cos(2 * np.pi * 3 * time))[:, None]
    faces += np.stack([20 * time, 6 * np.sin(2 * np.pi * time)], axis=1)[:, None]
    pupils = np.stack([faces[:, 36:42].mean(axis=1), faces[:, 42:48].mean(axis=1)], axis=1)
    return faces.astype(np.float32), pupils.astype(np.float32)


def shake(points: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(points[:, 27:36], 2, axis=0), axis=-1).mean())


def test_a_shaken_head_is_held_and_its_mouth_is_not():
    points, pupils = talking(75)
    noise = np.random.default_rng(0).normal(0, 1.5, (75, 1, 2)).astype(np.float32)
    held, eyes = steady(points + noise, pupils + noise)
    assert shake(points + noise) > 4
    assert shake(held) < 0.5
    # A nod of 1 Hz keeps 88 % of its 6 px; the rest is the noise that remains.
    assert np.abs(held[5:-5] - points[5:-5]).mean() < 1.2
    opening, was = mouth_opening(held), mouth_opening(points)
    assert np.corrcoef(opening, was)[0, 1] > 0.99
    assert np.ptp(opening) > 0.9 * np.ptp(was)
    np.testing.assert_allclose(eyes - held[:, [36, 42]], pupils - points[:, [36, 42]], atol=0.3)


def test_what_does_not_move_stays():
    points, pupils = (np.repeat(values[:1], 9, axis=0) for values in talking(1))
    for given, held in zip((points, pupils), steady(points, pupils), strict=True):
        np.testing.assert_allclose(held, given, atol=1e-4)
    one = steady(points[:1], pupils[:1])
    np.testing.assert_allclose(one[0], points[:1], atol=1e-4)


def test_faces_that_were_not_drawn_stay_unknown():
    points, pupils = talking(8)
    points[:] = np.nan
    assert steady(points, pupils)[0] is points
