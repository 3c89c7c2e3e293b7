"""The scaler that is kept from picture to picture."""

import os
import signal
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from contextalk.media import scaler as room
from contextalk.media.colour import BT709, FULL_RANGE, LIMITED_RANGE, SCALING
from contextalk.media.scaler import MOST_KEPT, reformat, scaler_for

WANTED: dict[str, Any] = {
    "format": "yuv420p",
    "dst_colorspace": BT709,
    "src_color_range": FULL_RANGE,
    "dst_color_range": LIMITED_RANGE,
    "interpolation": SCALING,
}


def noise(seed: int, size: int = 32) -> VideoFrame:
    picture = np.random.default_rng(seed).integers(0, 256, (size, size + 16, 3), dtype=np.uint8)
    return VideoFrame.from_ndarray(picture, format="rgb24")


def test_pictures_are_those_of_a_scaler_set_up_for_each():
    """Sizes, ranges and formats in turn, more than scalers are kept for, and none drawn over what was returned."""
    drawn = []
    for round_ in range(3):
        for wish in range(2 * MOST_KEPT):
            frame = noise(10 * wish + round_, 32 + 16 * (wish % 3))
            wanted = WANTED | {"format": "yuv420p" if wish % 2 else "yuv444p"}
            wanted |= {"dst_color_range": LIMITED_RANGE if wish % 4 < 2 else FULL_RANGE}
            drawn.append((reformat(frame, **wanted), frame.reformat(**wanted)))
    for kept, fresh in drawn:
        np.testing.assert_array_equal(kept.to_ndarray(), fresh.to_ndarray())


def test_the_next_picture_of_a_wish_meets_the_same_scaler(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "_kept", room._Kept())
    first = scaler_for(noise(0), WANTED)
    assert scaler_for(noise(1), WANTED) is first
    others = {id(scaler_for(noise(2, 32 + 16 * step), WANTED)) for step in range(1, MOST_KEPT)}
    assert id(first) not in others
    assert scaler_for(noise(3), WANTED) is first
    for step in range(1, MOST_KEPT + 1):
        scaler_for(noise(2, 64 + 16 * step), WANTED)
    assert scaler_for(noise(4), WANTED) is not first
    assert len(room._kept.scalers) == MOST_KEPT


def test_one_thread_draws_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "_options", {})
    many = reformat(noise(5, 256), **WANTED).to_ndarray()
    room.use_one_thread()
    np.testing.assert_array_equal(reformat(noise(5, 256), **WANTED).to_ndarray(), many)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_draws_on():
    """The threads of a scaler do not come along."""
    before = reformat(noise(6), **WANTED).to_ndarray()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # kills it if it waits for a thread that is not there
        os._exit(0 if np.array_equal(reformat(noise(6), **WANTED).to_ndarray(), before) else 1)
    assert os.waitpid(child, 0)[1] == 0
