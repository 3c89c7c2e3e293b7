"""Where clips may lie in a source."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextalk.core.errors import DatasetError
from contextalk.core.records import Scene, Shot
from contextalk.dataset.bounds import Bound
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.parts import cut_parts, find_spans, tile_frames


def scene_of(num_frames: int, rate_hz: float = 25.0) -> Scene:
    return Scene(
        path=Path("scene.mp4"),
        size_px=(640, 360),
        times_s=np.arange(num_frames) / rate_hz,
        duration_s=num_frames / rate_hz,
        rotation_deg=0,
        has_audio=True,
    )


def bound(start_s: float, stop_s: float, name: str) -> Bound:
    return Bound(start_s=start_s, stop_s=stop_s, name=name, text=f"text of {name}")


def test_sentences_become_clips_of_their_75_frames() -> None:
    # Times as a container with a coarse time base gives them: 0.3 ms early, counted from the first frame.
    early = scene_of(225)
    scene = replace(early, times_s=np.maximum(early.times_s - 3e-4, 0.0))
    spans = find_spans(scene, (Shot(start=0, stop=225),), [bound(3.0 * n, 3.0 * n + 3, f"s{n}") for n in range(3)])
    parts = cut_parts(scene, spans, np.ones(225, bool), np.zeros(225, bool), PrepareConfig())
    assert [(part.name, part.start, part.stop, part.num_frames) for part in parts] == [
        ("s0", 0, 75, 75),
        ("s1", 75, 150, 75),
        ("s2", 150, 225, 75),
    ]
    assert parts[1].text == "text of s1"
    np.testing.assert_array_equal(parts[1].pictures(scene.times_s), np.arange(75, 150))


def test_cut_inside_a_sentence_splits_it_under_different_names() -> None:
    scene = scene_of(100)
    shots = (Shot(start=0, stop=50), Shot(start=50, stop=100))
    spans = find_spans(scene, shots, [bound(0.0, 4.0, "s")])
    parts = cut_parts(scene, spans, np.ones(100, bool), np.zeros(100, bool), PrepareConfig())
    assert [(part.name, part.start, part.stop) for part in parts] == [("s-0", 0, 50), ("s-1", 50, 100)]


def test_everything_turned_down_has_a_reason() -> None:
    valid = np.ones(125, bool)
    valid[50:60] = False  # 2 s seen, 0.4 s not, 0.6 s seen, 0.4 s not, 1.6 s seen
    valid[75:85] = False
    scene = scene_of(125)
    parts = cut_parts(
        scene, find_spans(scene, (Shot(start=0, stop=125),), []), valid, np.zeros(125, bool), PrepareConfig()
    )
    assert [part.reject_reason for part in parts] == ["", "no face", "too short: 0.60 s, wanted ≥ 1 s", "no face", ""]
    assert [part.start for part in parts] == [0, 50, 60, 75, 85]
    assert parts[-1].stop == 125


def test_damaged_pictures_cost_themselves_alone() -> None:
    scene, damaged = scene_of(100), np.zeros(100, bool)
    damaged[40:44] = True
    spans = find_spans(scene, (Shot(start=0, stop=100),), [])
    parts = cut_parts(scene, spans, ~damaged, damaged, PrepareConfig())
    found = [(part.start, part.stop, part.reject_reason) for part in parts]
    assert found == [(0, 40, ""), (40, 44, "damaged picture"), (44, 100, "")]


def test_frames_with_something_in_front_are_cut_out() -> None:
    scene, covered, valid = scene_of(100), np.zeros(100, np.float32), np.ones(100, bool)
    covered[:30] = 0.05  # as much as may be
    covered[40:50] = 0.06
    covered[44], valid[44] = 0.9, False
    spans = find_spans(scene, (Shot(start=0, stop=100),), [])
    parts = cut_parts(scene, spans, valid, np.zeros(100, bool), PrepareConfig(), covered)
    found = [(part.start, part.stop, part.reject_reason.split(":")[0]) for part in parts]
    assert found == [(0, 40, ""), (40, 44, "occluded"), (44, 45, "no face"), (45, 50, "occluded"), (50, 100, "")]
    assert parts[1].reject_reason == "occluded: hands or other heads in more than 5% of the head's mask"


@pytest.mark.parametrize("max_covered", [-0.1, 1.1])
def test_a_share_out_of_range_is_refused(max_covered: float) -> None:
    with pytest.raises(DatasetError, match="max_covered is a share"):
        PrepareConfig(max_covered=max_covered)


def test_a_very_long_take_is_cut_evenly() -> None:
    scene = scene_of(25 * 60 * 25)
    spans = find_spans(scene, (Shot(start=0, stop=37_500),), [])
    assert [(span.start, span.stop, span.name) for span in spans] == [
        (0, 12_500, "0000"),
        (12_500, 25_000, "0000"),
        (25_000, 37_500, "0000"),
    ]
    parts = cut_parts(scene, spans, np.ones(37_500, bool), np.zeros(37_500, bool), PrepareConfig())
    assert len({part.name for part in parts}) == len(parts) == 150


def test_crop_is_smoothed_only_between_cuts_and_bounds() -> None:
    scene, shots = scene_of(100), (Shot(start=0, stop=40), Shot(start=40, stop=100))
    tiles = tile_frames(100, shots, find_spans(scene, shots, [bound(1.0, 2.0, "s")]))
    assert [(tile.start, tile.stop) for tile in tiles] == [(0, 25), (25, 40), (40, 50), (50, 100)]


@given(
    rate_hz=st.floats(23, 60),
    num_frames=st.integers(1, 2000),
    cuts=st.lists(st.integers(1, 1999), max_size=5, unique=True),
    unseen=st.lists(st.integers(0, 1999), max_size=8),
)
def test_clips_never_leave_their_shot_and_tile_what_is_seen(
    rate_hz: float, num_frames: int, cuts: list[int], unseen: list[int]
) -> None:
    scene, config = scene_of(num_frames, rate_hz), PrepareConfig()
    edges = [0, *sorted(cut for cut in cuts if cut < num_frames), num_frames]
    shots = tuple(Shot(start=a, stop=b) for a, b in itertools.pairwise(edges))
    valid = np.ones(num_frames, bool)
    valid[[frame for frame in unseen if frame < num_frames]] = False
    parts = cut_parts(scene, find_spans(scene, shots, []), valid, np.zeros(num_frames, bool), config)

    covered = np.concatenate([np.arange(part.start, part.stop) for part in parts])
    np.testing.assert_array_equal(covered, np.arange(num_frames))
    assert len({part.name for part in parts}) == len(parts)
    for part in parts:
        if part.reject_reason:
            continue
        pictures = part.pictures(scene.times_s)
        # One frame of slack: an even split ends on a source frame.
        assert config.min_s - 0.04 <= part.num_frames / 25 <= config.max_s + 1 / rate_hz
        assert any(shot.start <= pictures[0] and pictures[-1] < shot.stop for shot in shots)
        assert valid[pictures].all()
        wanted_s = part.start_s + np.arange(part.num_frames) / 25
        assert np.abs(scene.times_s[pictures] - wanted_s).max() <= 1 / rate_hz


@pytest.mark.parametrize(("rate_hz", "expected"), [(50.0, np.arange(0, 100, 2)), (30.0, None)])
def test_other_rates_take_the_nearest_frame(rate_hz: float, expected: np.ndarray | None) -> None:
    scene = scene_of(int(2 * rate_hz), rate_hz)
    (part,) = cut_parts(
        scene,
        find_spans(scene, (Shot(start=0, stop=len(scene.times_s)),), []),
        np.ones(len(scene.times_s), bool),
        np.zeros(len(scene.times_s), bool),
        PrepareConfig(),
    )
    pictures = part.pictures(scene.times_s)
    assert len(pictures) == 50
    assert np.abs(scene.times_s[pictures] - np.arange(50) / 25).max() <= 0.5 / rate_hz + 1e-9
    if expected is not None:
        np.testing.assert_array_equal(pictures, expected)
