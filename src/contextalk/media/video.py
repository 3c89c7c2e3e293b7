"""Video as networks and people see it: upright RGB in square pixels, by time."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from contextalk.core.errors import MediaError
from contextalk.core.records import Scene
from contextalk.core.time import nearest_frames
from contextalk.media.audio import SoundPackets, encode_aac
from contextalk.media.colour import BT709, FULL_RANGE, LIMITED_RANGE, SCALING
from contextalk.media.files import check_video_suffix, written_whole
from contextalk.media.scaler import reformat
from contextalk.media.source import (
    SourceFormat,
    SourceFrame,
    inspect_source,
    open_source,
    scan_source,
    source_format,
)

_NEAR_FRAMES = 125
"""Half of the usual distance of key frames: nearer frames are decoded on to, farther ones from the key frame before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One frame of a scene.

    Attributes:
        index: Frame number.
        time_s: Seconds from the first frame.
        rgb: (H, W, 3) uint8, display orientation, square pixels.
        damaged: Whether the stored picture is damaged, or missing and another stands in for it.
    """

    index: int
    time_s: float
    rgb: NDArray[np.uint8]
    damaged: bool = False


def probe(path: Path) -> Scene:
    """What a video file says of itself.

    Raises:
        MediaError: The file is missing, truncated, has no video stream or no picture that can be decoded.
    """
    source = inspect_source(path)
    return Scene(
        path=path,
        size_px=source.format.size_px,
        times_s=source.timeline.times_s,
        duration_s=source.timeline.duration_s,
        rotation_deg=source.format.rotation_deg,
        has_audio=source.has_audio,
    )


def read_frames(path: Path, *, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
    """Frames `[start, stop)` one after the other, in constant memory; their indices are those of `probe(path).times_s`.

    Raises:
        MediaError: As `probe`.
    """
    stored = inspect_source(path).format
    for source in open_source(path, start=start, stop=stop):
        yield _picture(source, stored)


def read_these(path: Path, frames: Sequence[int]) -> Iterator[Picture]:
    """Some frames, whose indices rise, decoding little: near ones in one go, far ones each from its key frame.

    Raises:
        MediaError: As `probe`.
    """
    far = [at for at in range(1, len(frames)) if frames[at] - frames[at - 1] > _NEAR_FRAMES]
    for start, stop in itertools.pairwise([0, *far, len(frames)] if frames else []):
        wanted = set(frames[start:stop])
        for source in open_source(path, start=frames[start], stop=frames[stop - 1] + 1):
            if source.index in wanted:
                yield _picture(source, inspect_source(path).format)


def scan_frames(path: Path) -> Iterator[Picture]:
    """All frames in constant memory and one decode, even where only decoding tells when they are shown.

    After the last one `probe` knows their times.

    Raises:
        MediaError: As `probe`.
    """
    stored = source_format(path)
    for source in scan_source(path):
        yield _picture(source, stored)


def _picture(source: SourceFrame, stored: SourceFormat) -> Picture:
    rgb = frame_to_rgb(source.frame, stored)
    return Picture(index=source.index, time_s=source.time_s, rgb=rgb, damaged=source.damaged)


def read_at(path: Path, at_s: NDArray[np.float64]) -> Iterator[NDArray[np.uint8]]:
    """The frame nearest each of the times, which must not decrease; a frame may come more than once.

    Raises:
        MediaError: As `probe`.
        ValueError: The times decrease.
    """
    if np.any(np.diff(at_s) < 0):
        raise ValueError("times to read decrease, wanted increasing ones")
    source = inspect_source(path)
    wanted = nearest_frames(source.timeline.times_s, at_s)
    if len(wanted) == 0:
        return
    position = 0
    for stored in open_source(path, start=int(wanted[0]), stop=int(wanted[-1]) + 1):
        if wanted[position] != stored.index:
            continue
        rgb = frame_to_rgb(stored.frame, source.format)
        while position < len(wanted) and wanted[position] == stored.index:
            yield rgb
            position += 1


def frame_to_rgb(frame: VideoFrame, stored: SourceFormat) -> NDArray[np.uint8]:
    """A stored picture as it is displayed: (H, W, 3) uint8, upright, square pixels."""
    colour = stored.colour
    width, height = stored.square_px
    converted = reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        src_colorspace=colour.matrix or None,
        src_color_range=FULL_RANGE if colour.full_range else LIMITED_RANGE,
        dst_color_range=FULL_RANGE,
        interpolation=SCALING,
    )
    return np.ascontiguousarray(np.rot90(converted.to_ndarray(), -stored.rotation_deg // 90), np.uint8)


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate_hz: float | Fraction = 25,
    crf: int = 14,
    wave: NDArray[np.float32] | None = None,
    wave_rate_hz: int = 16000,
    preset: str = "veryfast",
    threads: int = 0,
) -> None:
    """Write RGB frames (H, W, 3) as H.264, 4:2:0, BT.709, with AAC where there is a wave (S,) in [-1, 1].

    What x264 writes depends on its number of threads; 0 is one a core, so that machines differ.

    Raises:
        MediaError: No frames, frames of odd or changing size, or a file name that is not .mp4, .mov or .mkv.
    """
    check_video_suffix(path)
    rate = Fraction(rate_hz).limit_denominator(1001)
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise MediaError(f"{path}: no frames to write, wanted at least one")
    height, width = first.shape[:2]
    if width % 2 or height % 2:
        raise MediaError(f"{path}: frames are {width}x{height}, wanted even numbers (4:2:0)")
    with written_whole(path) as temporary, av.open(str(temporary), "w") as container:
        stream = _rgb_stream(container, (width, height), rate, {"crf": str(crf), "preset": preset})
        stream.codec_context.thread_count = threads
        sound = SoundPackets(iter(()) if wave is None else encode_aac(container, [wave], wave_rate_hz))
        for index, rgb in enumerate(itertools.chain([first], pictures)):
            if rgb.shape != first.shape:
                raise MediaError(f"{path}: frame {index} is {rgb.shape[1]}x{rgb.shape[0]}, wanted {width}x{height}")
            sound.mux_until(container, float(index / rate))
            container.mux(stream.encode(_rgb_frame(rgb, index)))
        container.mux(stream.encode())
        sound.mux_until(container, math.inf)


def _rgb_stream(
    container: OutputContainer, size_px: tuple[int, int], rate: Fraction, options: dict[str, str]
) -> VideoStream:
    stream = container.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height = size_px
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.color_range, context.colorspace = LIMITED_RANGE, BT709
    context.color_primaries, context.color_trc = BT709, BT709
    return stream


def _rgb_frame(rgb: NDArray[np.uint8], index: int) -> VideoFrame:
    frame = reformat(
        VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"),
        format="yuv420p",
        dst_colorspace=BT709,
        src_color_range=FULL_RANGE,
        dst_color_range=LIMITED_RANGE,
        interpolation=SCALING,
    )
    frame.pts = index
    return frame
