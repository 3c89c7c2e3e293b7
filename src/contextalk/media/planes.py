"""Pictures whose components lie in planes of their own, and numpy views of those planes."""

from pathlib import Path
from typing import Any

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from contextalk.core.errors import MediaError
from contextalk.media.scaler import reformat

PLANAR_OF = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "p010le": "yuv420p10le",
    "pal8": "gbrp",
} | dict.fromkeys(("rgb24", "bgr24", "rgba", "bgra", "argb", "abgr", "rgb0", "bgr0", "0rgb", "0bgr"), "gbrp")
"""Packed formats and the planar ones with the same values; alpha, which no output keeps, is dropped."""


def planar_name(pix_fmt: str, path: Path) -> str:
    """The planar format that holds the values of `pix_fmt`.

    Raises:
        MediaError: There is none here.
    """
    name = PLANAR_OF.get(pix_fmt, pix_fmt).replace("yuvj", "yuv").replace("yuva", "yuv").replace("gbrap", "gbrp")
    known = name.startswith(("yuv4", "gbrp", "gray")) and "f" not in name and not name.endswith("be")
    if not known:
        raise MediaError(f"{path} has pixel format {pix_fmt}, wanted planar YUV or RGB of 8 to 16 bits")
    return name


def bit_depth(pix_fmt: str) -> int:
    """Bits of a component of a planar format."""
    return VideoFormat(pix_fmt).components[0].bits


def plane_views(frame: VideoFrame) -> tuple[NDArray[Any], ...]:
    """Writable views (H, W) of a planar picture's planes, uint8 or native uint16, in the order of its format."""
    dtype = np.uint8 if bit_depth(frame.format.name) == 8 else np.uint16
    views = []
    for plane in frame.planes:
        samples = np.frombuffer(memoryview(plane), dtype)
        views.append(samples.reshape(plane.height, -1)[:, : plane.width])
    return tuple(views)


def writable_planes(frame: VideoFrame) -> tuple[NDArray[Any], ...]:
    """`plane_views` after the picture has been parted from whatever the decoder still holds of it."""
    frame.make_writable()
    return plane_views(frame)


def copy_frame(frame: VideoFrame, pix_fmt: str | None = None) -> VideoFrame:
    """The same planes in a picture of its own; `pix_fmt` may rename them or leave the last one (alpha) out."""
    copied = VideoFrame(frame.width, frame.height, pix_fmt or frame.format.name)
    for target, values in zip(plane_views(copied), plane_views(frame), strict=False):
        target[...] = values
    copied.color_range, copied.colorspace = frame.color_range, frame.colorspace
    copied.color_primaries, copied.color_trc = frame.color_primaries, frame.color_trc
    copied.pts, copied.time_base = frame.pts, frame.time_base
    return copied


def to_planar(frame: VideoFrame, pix_fmt: str) -> VideoFrame:
    """The picture with the same values in the planar format `pix_fmt` of `planar_name`."""
    if frame.format.name == pix_fmt:
        return frame
    if frame.format.name not in PLANAR_OF:
        return copy_frame(frame, pix_fmt)
    return reformat(frame, format=pix_fmt, src_color_range=frame.color_range, dst_color_range=frame.color_range)
