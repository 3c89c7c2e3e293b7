import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextalk.core.records import Shot
from contextalk.generation.plan import (
    Span,
    find_spans,
    group_segments,
    group_windows,
    plan_steps,
    span_times,
    window_seed,
)

SHOTS = (Shot(start=0, stop=10), Shot(start=10, stop=30))


def test_spans_are_cut_where_shots_are():
    spans = find_spans(SHOTS, np.ones(30, bool))
    assert spans == [Span(shot=0, start=0, stop=10), Span(shot=1, start=10, stop=30)]


def test_spans_leave_out_frames_that_are_not_generated():
    active = np.ones(30, bool)
    active[:3] = active[15] = False
    spans = find_spans(SHOTS, active)
    assert [(span.start, span.stop) for span in spans] == [(3, 10), (10, 15), (16, 30)]


@given(active=st.lists(st.booleans(), min_size=30, max_size=30), stride=st.integers(1, 3), largest=st.integers(1, 40))
def test_steps_and_segments_tile_all_frames(active: list[bool], stride: int, largest: int):
    spans = find_spans(SHOTS, np.array(active))
    steps = plan_steps(spans, 30, stride)
    covered = [frame for step in steps for frame in range(step.start, step.stop)]
    assert covered == list(range(30))
    drawn = [frame for step in steps for frame in step.drawn]
    assert drawn == [frame for span in spans for frame in range(span.start, span.stop, stride)]
    assert [step for segment in group_segments(steps, largest) for step in segment] == steps
    generated = [frame for step in steps if step.span is not None for frame in range(step.start, step.stop)]
    assert generated == np.flatnonzero(active).tolist()


def test_a_window_after_the_first_adds_seven():
    steps = plan_steps([Span(shot=0, start=2, stop=20)], 20, 1)
    assert [len(step.drawn) for step in steps] == [0, 1, 7, 7, 3]


def test_frames_after_the_last_drawn_one_belong_to_the_last_step():
    steps = plan_steps([Span(shot=0, start=0, stop=6)], 6, 2)
    assert [(step.start, step.stop, step.drawn) for step in steps] == [(0, 1, (0,)), (1, 6, (2, 4))]


@pytest.mark.parametrize("rate_hz", [12.0, 16.0, 25.0, 30000 / 1001, 50.0, 60.0])
def test_stage_1_lives_at_25_hz_inside_the_span(rate_hz: float):
    # Containers round to a millisecond.
    times = np.round(np.arange(90) / rate_hz, 3)
    at = span_times(times, Span(shot=0, start=10, stop=70))
    assert at[0] == times[10]
    assert np.diff(at) == pytest.approx(1 / 25)
    assert times[69] - 1 / 25 < at[-1] <= times[69] + 1e-3


def test_windows_are_grouped_in_order():
    portions = group_windows([9, 1, 20], max_windows=3)
    assert [len(portion) for portion in portions] == [3, 3, 2]
    assert [(span, number) for portion in portions for span, number, _ in portion] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3),
    ]  # fmt: skip


def test_seeds_differ_in_every_part():
    base = window_seed(1, 2, 3, 4, 5)
    others = {
        window_seed(*parts)
        for parts in [(0, 2, 3, 4, 5), (1, 0, 3, 4, 5), (1, 2, 0, 4, 5), (1, 2, 3, 0, 5), (1, 2, 3, 4, 0)]
    }
    assert len(others | {base}) == 6
    assert base == window_seed(1, 2, 3, 4, 5)
