"""The scaler that is kept from picture to picture."""

import numpy as np
import pytest
from av.video.frame import VideoFrame

from contextalk.media.colour import BT709, FULL_RANGE, LIMITED_RANGE, SCALING
from contextalk.media.scaler import reformat


def noise(seed: int, size: int) -> VideoFrame:
    picture = np.random.default_rng(seed).integers(0, 256, (size, size + 16, 3), dtype=np.uint8)
    return VideoFrame.from_ndarray(picture, format="rgb24")


@pytest.mark.parametrize("wishes", [1, 12], ids=["one wish", "more wishes than scalers are kept for"])
def test_pictures_are_those_of_a_scaler_set_up_for_each(wishes: int):
    """Sizes, ranges and formats in turn: none is drawn with what the one before wished, nor over what it returned."""
    drawn = []
    for round_ in range(3):
        for wish in range(wishes):
            frame = noise(10 * wish + round_, 32 + 16 * (wish % 3))
            wanted = {
                "format": "yuv420p" if wish % 2 else "yuv444p",
                "dst_colorspace": BT709,
                "src_color_range": FULL_RANGE,
                "dst_color_range": LIMITED_RANGE if wish % 4 < 2 else FULL_RANGE,
                "interpolation": SCALING,
            }
            drawn.append((reformat(frame, **wanted), frame.reformat(**wanted)))
    for kept, fresh in drawn:
        np.testing.assert_array_equal(kept.to_ndarray(), fresh.to_ndarray())
