"""FFmpeg's scaler, kept from picture to picture: to set one up takes as long as to use it (docs/performance.md)."""

import threading
from collections import OrderedDict
from typing import Any

from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

_MOST_KEPT = 8
"""Of a thread. One for 4K has some megabytes."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.scalers = OrderedDict[tuple[object, ...], VideoReformatter]()


_kept = _Kept()


def reformat(frame: VideoFrame, **wanted: Any) -> VideoFrame:
    """`VideoFrame.reformat`, which sets up a scaler a picture, by one kept for pictures and wishes like these."""
    seen = (frame.format.name, frame.width, frame.height, int(frame.colorspace), int(frame.color_range))
    key = (*seen, *sorted(wanted.items()))
    scaler = _kept.scalers.get(key)
    if scaler is None:
        scaler = _kept.scalers[key] = VideoReformatter()
        if len(_kept.scalers) > _MOST_KEPT:
            _kept.scalers.popitem(last=False)
    _kept.scalers.move_to_end(key)
    return scaler.reformat(frame, **wanted)
