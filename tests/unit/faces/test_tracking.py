"""Tracks over boxes whose owners are known."""

import numpy as np

from contextalk.faces.tracking import link

RATE_HZ = 25


def box(x: float, y: float = 100.0, size: float = 60.0) -> np.ndarray:
    return np.array([x - size / 2, y - size / 2, x + size / 2, y + size / 2])


def test_two_people_side_by_side_are_not_swapped() -> None:
    times_s = np.arange(100) / RATE_HZ
    sway = 25 * np.sin(times_s * 4)
    rng = np.random.default_rng(0)
    boxes, owners = [], []
    for frame in range(100):
        pair = np.stack([box(100 + sway[frame]), box(175 - sway[frame] / 2)])
        order = rng.permutation(2)
        boxes.append(pair[order])
        owners.append(order)
    tracks = link(boxes, times_s)
    assert len(tracks) == 2
    for track in tracks:
        assert len(track.frames) == 100
        assert len({int(owners[f][face]) for f, face in zip(track.frames, track.faces, strict=True)}) == 1


def test_a_track_goes_on_after_a_gap_and_leaves_it_open() -> None:
    boxes = [box(100 + 2 * f)[None] if not 40 <= f < 50 else np.zeros((0, 4)) for f in range(100)]
    (track,) = link(boxes, np.arange(100) / RATE_HZ)
    assert track.frames == [*range(40), *range(50, 100)]


def test_a_long_absence_ends_a_track() -> None:
    boxes = [box(100)[None] if not 30 <= f < 70 else np.zeros((0, 4)) for f in range(100)]
    assert [len(track.frames) for track in link(boxes, np.arange(100) / RATE_HZ)] == [30, 30]


def test_a_flash_is_dropped_and_a_short_shot_keeps_its_person() -> None:
    boxes = [np.stack([box(100), box(400)]) if 20 <= f < 26 else box(100)[None] for f in range(100)]
    assert [len(track.frames) for track in link(boxes, np.arange(100) / RATE_HZ)] == [100]
    assert len(link([box(100)[None]] * 8, np.arange(8) / RATE_HZ)) == 1


def test_a_fast_mover_is_followed_by_its_speed() -> None:
    # A third of a box a frame with every second frame missing: only the speed keeps the overlap.
    boxes = [box(100 + 20 * f)[None] if f < 6 or f % 2 else np.zeros((0, 4)) for f in range(60)]
    assert len(link(boxes, np.arange(60) / RATE_HZ)) == 1


def test_somebody_elsewhere_is_somebody_else() -> None:
    boxes = [box(100 if f < 50 else 500)[None] for f in range(100)]
    assert [len(track.frames) for track in link(boxes, np.arange(100) / RATE_HZ)] == [50, 50]
