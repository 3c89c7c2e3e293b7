"""Cuts of a scene, found while its frames pass by once."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from contextalk.core.records import Shot
from contextalk.core.time import RATE_HZ
from contextalk.media.video import Picture

LONGEST_SIDE_PX = 256
"""Frames are shrunk to this before they are compared: noise goes, cuts stay."""

SHORTEST_SHOT_FRAMES = 8
"""One window."""

CHANGED_LEVELS = 8.0
"""Mean change of the picture, of 255, from which a frame may start a shot: less than cuts do, more than faces."""


LOOK_BACK, LOOK_AHEAD = 3, 2
"""Frames before and after those in which cuts are sought that must be seen, too: the detector compares a change with
the two before and after it."""


class ShotFinder:
    """PySceneDetect's adaptive detector, fed frame by frame; it remembers no frame beyond `LOOK_BACK`."""

    def __init__(self) -> None:
        # Every jump; how short a shot may be is decided over the whole scene, in `shots_between`.
        self._detector = AdaptiveDetector(min_scene_len=0)
        self._last: NDArray[np.uint8] | None = None
        self.cuts: list[int] = []
        """Frames at which the picture jumps, up to `LOOK_AHEAD` frames before the last one seen."""

    def see(self, picture: Picture) -> bool:
        """Take the next frame; returns whether it differs so much from the last one that it may start a shot."""
        height, width = picture.rgb.shape[:2]
        share = min(1.0, LONGEST_SIDE_PX / max(height, width))
        size = (max(1, round(width * share)), max(1, round(height * share)))
        # By less than half nothing is skipped between pixels, and averages by area take seven times as long.
        how = cv2.INTER_AREA if share < 0.5 else cv2.INTER_LINEAR
        shrunk = cv2.resize(picture.rgb, size, interpolation=how)
        small = np.asarray(cv2.cvtColor(shrunk, cv2.COLOR_RGB2BGR), np.uint8)
        # The detector counts frames; the rate only names them.
        cuts = self._detector.process_frame(FrameTimecode(picture.index, fps=float(RATE_HZ)), small)
        self.cuts += [cut.frame_num for cut in cuts]
        # The detector decides two frames late; whoever follows faces must know at once.
        changed = self._last is None or float(cv2.absdiff(small, self._last).mean()) >= CHANGED_LEVELS
        self._last = small
        return changed


def shots_between(cuts: Iterable[int], num_frames: int) -> tuple[Shot, ...]:
    """Shots that tile the frames: a jump too soon after a cut belongs to it."""
    starts = [0]
    for cut in cuts:
        if cut - starts[-1] >= SHORTEST_SHOT_FRAMES:
            starts.append(cut)
    stops = [*starts[1:], num_frames]
    return tuple(Shot(start=start, stop=stop) for start, stop in zip(starts, stops, strict=True))
