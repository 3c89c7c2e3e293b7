"""Which source frames a clip of 25 fps consists of: the nearest ones or, of a slow source, what lies between two."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath

SLOWEST_INTERPOLATED_HZ = 10.0
"""Between pictures further apart than this lips have opened and closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The frames of a clip.

    Attributes:
        pictures: (F,) source frame at or before each clip frame, never decreasing.
        shares: (F,) in [0, 1): how far each clip frame lies on the way to the next source frame; 0: it is `pictures`.
    """

    pictures: NDArray[np.int64]
    shares: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pictures)

    def mix(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of the source's frames, linear in between; of a frame taken as it is, its row alone, NaN or not."""
        share = self.shares.reshape(-1, *(1,) * (values.ndim - 1))
        mixed = (1 - share) * values[self.pictures] + share * values[self.following]
        return np.where(share > 0, mixed, values[self.pictures]).astype(values.dtype)

    def both(self, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where all frames that a clip frame is made of are `seen`."""
        return seen[self.pictures] & seen[self.following]

    def crop(self, crop: CropPath) -> CropPath:
        """The head's square in each clip frame."""
        return CropPath(centre_px=self.mix(crop.centre_px), side_px=self.mix(crop.side_px))

    @property
    def following(self) -> NDArray[np.int64]:
        """(F,) the other source frame of those in between; the same one where there is no other."""
        return self.pictures + (self.shares > 0)


def sample_between(times_s: NDArray[np.float64], at_s: NDArray[np.float64], start: int, stop: int) -> Sampling:
    """Clip frames at `at_s` within the source frames `start … stop − 1`, held beyond their ends.

    Args:
        times_s: (N,) of all source frames.
        at_s: (F,) wanted, rising.
        start: First source frame that may be taken.
        stop: One past the last.
    """
    before = np.clip(np.searchsorted(times_s, at_s + _SAME_S, side="right") - 1, start, stop - 1)
    after = np.minimum(before + 1, stop - 1)
    gap = times_s[after] - times_s[before]
    share = np.divide(at_s - times_s[before], gap, out=np.zeros(len(at_s)), where=gap > 0)
    share[(share < _SAME_SHARE) | (share >= 1)] = 0
    return Sampling(pictures=before.astype(np.int64), shares=share.astype(np.float32))


def picture_between(one: NDArray[np.uint8], other: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """What lies `share` of the way from one picture (H, W, 3) to the next: both moved along optical flow, and mixed.

    Dense inverse search (T. Kroeger et al. 2016) as OpenCV has it.
    """
    grey, next_grey = (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in (one, other))
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    still = np.zeros((*grey.shape, 2), np.float32)
    forth, back = (flow.calc(*pair, still.copy()) for pair in ((grey, next_grey), (next_grey, grey)))
    moved = _moved(one, forth, -share), _moved(other, back, share - 1)
    return cv2.addWeighted(moved[0], 1 - share, moved[1], share, 0.0).astype(np.uint8)


_SAME_S = 1e-6
"""Two times nearer than this are one: rounding of containers."""

_SAME_SHARE = 0.02
"""A frame nearer than this to a source frame is that one."""


def _moved(rgb: NDArray[np.uint8], flow: cv2.typing.MatLike, share: float) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        rgb, x + share * flow[..., 0], y + share * flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8)
