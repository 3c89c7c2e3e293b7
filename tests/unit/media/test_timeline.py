"""Times of frames, from packets where they can be trusted."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_maker import MakeVideo

from contextalk.media.source import inspect_source
from contextalk.media.timeline import TickClock, Timeline


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ([0, 10, 20], [0, 10, 20]),
        ([7, 10, 30], [7, 10, 30]),
        ([None, None, None], [0, 10, 20]),
        ([5, None, 30, None], [5, 15, 30, 40]),
        ([0, 10, 10, 9, 40], [0, 10, 20, 30, 40]),
    ],
)
def test_ticks_always_move_on(seen: list[int | None], wanted: list[int]) -> None:
    clock = TickClock(10)
    ticks = []
    for pts in seen:
        frame = av.VideoFrame(16, 16, "yuv420p")
        frame.pts = pts
        ticks.append(clock.tick(frame))
    assert ticks == wanted


@pytest.mark.parametrize(
    ("name", "codec", "listed"),
    [("a.mp4", "libx264", True), ("a.mkv", "libx264", True), ("a.avi", "mpeg4", False), ("a.mpg", "mpeg1video", False)],
)
def test_who_is_trusted(make_video: MakeVideo, name: str, codec: str, listed: bool) -> None:
    timeline = inspect_source(make_video(name, codec=codec, options={"bf": "2"})).timeline
    assert timeline.listed == listed
    assert len(timeline.ticks) == 12


def test_lengths_of_frames() -> None:
    timeline = Timeline(ticks=np.array([5, 10, 30]), end_tick=37, time_base=Fraction(1, 100), listed=True)
    assert [timeline.duration_ticks(index) for index in range(3)] == [5, 20, 7]
    assert timeline.duration_s == pytest.approx(0.32)
    assert timeline.rate == Fraction(3 * 100, 32)


def test_a_changed_file_is_looked_into_again(make_video: MakeVideo) -> None:
    assert len(inspect_source(make_video()).timeline.ticks) == 12
    assert len(inspect_source(make_video(ticks=tuple(range(9)))).timeline.ticks) == 9
