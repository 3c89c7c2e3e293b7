"""FFmpeg's scaler, kept from picture to picture: to set one up takes as long as to use it (docs/log.md)."""

import os
import threading
from collections import OrderedDict
from typing import Any

from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

MOST_KEPT = 4
"""Of a thread. One for 4K has some megabytes."""

_TAKES_THREADS = "threads=" in (VideoReformatter.reformat.__doc__ or "")
"""Later versions of PyAV alone let a scaler be told how many threads it may have."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.scalers = OrderedDict[tuple[object, ...], VideoReformatter]()


_kept = _Kept()
_of_parents: list[_Kept] = []
_options: dict[str, Any] = {}


def reformat(frame: VideoFrame, **wanted: Any) -> VideoFrame:
    """`VideoFrame.reformat`, which sets up a scaler a picture, by one kept for pictures and wishes like these."""
    return scaler_for(frame, wanted).reformat(frame, **wanted, **_options)


def scaler_for(frame: VideoFrame, wanted: dict[str, Any]) -> VideoReformatter:
    """The one that is kept, or a new one in the place of that which was asked for longest ago."""
    seen = (frame.format.name, frame.width, frame.height, int(frame.colorspace), int(frame.color_range))
    key = (*seen, *sorted(wanted.items()))
    scaler = _kept.scalers.get(key)
    if scaler is None:
        scaler = _kept.scalers[key] = VideoReformatter()
        if len(_kept.scalers) > MOST_KEPT:
            _kept.scalers.popitem(last=False)
    _kept.scalers.move_to_end(key)
    return scaler


def use_one_thread() -> None:
    """In a process that is one of many."""
    if _TAKES_THREADS:
        _options["threads"] = 1


def _begin_anew() -> None:
    """In a forked process: the threads of the parent's scalers are not there, and freeing one would wait for them."""
    global _kept
    _of_parents.append(_kept)
    _kept = _Kept()


os.register_at_fork(after_in_child=_begin_anew)
