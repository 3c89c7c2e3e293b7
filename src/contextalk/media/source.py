"""A video as it is stored: its pictures in their own planes, numbered and timed, with no conversion of colour."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contextalk.core.errors import MediaError
from contextalk.media.colour import Colour, colour_of
from contextalk.media.files import error_reason
from contextalk.media.planes import copy_frame, to_planar
from contextalk.media.timeline import TickClock, Timeline, frame_step, list_decoded, list_packets

SEEK_MARGIN = 32
"""Frames decoded before the first one wanted, so that pictures around an open group of pictures are whole."""

CACHED_SOURCES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFormat:
    """How a video's pictures are stored, and how a player shows them.

    Attributes:
        stored_px: (width, height) of the planes.
        sample_aspect: Width over height of a stored pixel; 1 where the file is silent.
        rotation_deg: Clockwise turn (0, 90, 180, 270) the player applies.
        colour: Pixel format of the planes and the meaning of their values.
    """

    stored_px: tuple[int, int]
    sample_aspect: Fraction
    rotation_deg: int
    colour: Colour

    @property
    def square_px(self) -> tuple[int, int]:
        """(width, height) after the pixels are made square, before rotation."""
        width, height = self.stored_px
        return max(1, round(width * self.sample_aspect)), height

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the display."""
        width, height = self.square_px
        return (height, width) if self.rotation_deg in (90, 270) else (width, height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A video file that has been looked into."""

    path: Path
    format: SourceFormat
    timeline: Timeline
    has_audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFrame:
    """One picture of a video.

    Attributes:
        index: Its place in `Timeline.ticks`.
        time_s: Seconds from the first frame.
        duration_ticks: How long it is shown.
        frame: The planes, planar; `frame.pts` and `frame.time_base` are the source's. The caller may write on it.
    """

    index: int
    time_s: float
    duration_ticks: int
    frame: VideoFrame


def inspect_source(path: Path) -> Source:
    """Look into a video: size, times, colour. Cached by path, size and time of change.

    Raises:
        MediaError: Missing, truncated, without a video stream, or with nothing in it that can be decoded.
    """
    if not path.is_file():
        raise MediaError(f"{path} does not exist" if not path.exists() else f"{path} is a folder, wanted a video file")
    stat = path.stat()
    return _inspect(path.absolute(), stat.st_size, stat.st_mtime_ns)


def open_source(path: Path, *, start: int = 0, stop: int | None = None) -> Iterator[SourceFrame]:
    """Pictures `[start, stop)` of a video, in its own planes.

    There is one for each of the timeline's times. Where a damaged stream yields no picture for a time, the one before
    it stands in, as it does on a player's screen.
    """
    source = inspect_source(path)
    timeline = source.timeline
    stop = len(timeline.ticks) if stop is None else min(stop, len(timeline.ticks))
    index = start
    if index >= stop:
        return
    for frame, next_tick in _with_next(_decode(source, start)):
        end = stop if next_tick is None else min(stop, int(np.searchsorted(timeline.ticks, next_tick)))
        if index < end:
            planar = _planar(source, frame)
        for served in range(index, end):
            # The caller may write on what it gets, so only the last of several times gets the picture itself.
            yield _source_frame(timeline, served, planar if served == end - 1 else copy_frame(planar))
        index = max(index, end)
        if index == stop:
            return
    raise MediaError(f"{path} cannot be decoded at {timeline.times_s[index]:.3f} s, frame {index}")


def _source_frame(timeline: Timeline, index: int, frame: VideoFrame) -> SourceFrame:
    frame.pts, frame.time_base = int(timeline.ticks[index]), timeline.time_base
    return SourceFrame(
        index=index,
        time_s=float((int(timeline.ticks[index]) - int(timeline.ticks[0])) * timeline.time_base),
        duration_ticks=timeline.duration_ticks(index),
        frame=frame,
    )


def _with_next(frames: Iterator[tuple[VideoFrame, int]]) -> Iterator[tuple[VideoFrame, int | None]]:
    held: VideoFrame | None = None
    for frame, tick in frames:
        if held is not None:
            yield held, tick
        held = frame
    if held is not None:
        yield held, None


def _decode(source: Source, start: int) -> Iterator[tuple[VideoFrame, int]]:
    """Pictures with their ticks, beginning at frame `start` or earlier."""
    ticks = source.timeline.ticks
    first = max(0, start - SEEK_MARGIN)
    if source.timeline.listed and first > 0:
        frames = _decode_file(source.path, int(ticks[first]))
        head = next(frames, None)
        if head is not None and head[1] <= ticks[start]:
            yield head
            yield from frames
            return
    yield from _decode_file(source.path, None)


def _decode_file(path: Path, seek_tick: int | None) -> Iterator[tuple[VideoFrame, int]]:
    with _open_video(path) as (container, stream):
        if seek_tick is not None:
            container.seek(seek_tick, stream=stream)
        clock = TickClock(frame_step(stream))
        for frame in _decode_stream(container, stream):
            yield frame, clock.tick(frame)


def _decode_stream(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except InvalidDataError:
            # A damaged packet costs its own picture; the timeline says what stands in for it.
            continue


def _planar(source: Source, frame: VideoFrame) -> VideoFrame:
    if (frame.width, frame.height) != source.format.stored_px:
        wanted = "x".join(map(str, source.format.stored_px))
        raise MediaError(f"{source.path} changes its size to {frame.width}x{frame.height}, wanted {wanted} throughout")
    return to_planar(frame, source.format.colour.pix_fmt)


@contextmanager
def _open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        container = av.open(str(path))
    except (FFmpegError, ValueError) as error:
        raise MediaError(f"{path} is truncated or no video file: {error_reason(error)}") from error
    with container:
        pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not pictures:
            raise MediaError(f"{path} has no video stream, wanted one")
        stream = pictures[0]
        stream.thread_type = "AUTO"
        yield container, stream


@functools.lru_cache(maxsize=CACHED_SOURCES)
def _inspect(path: Path, size: int, changed_ns: int) -> Source:
    del size, changed_ns  # part of the cache's key alone
    with _open_video(path) as (container, stream):
        timeline = list_packets(container, stream, path)
        has_audio = len(container.streams.audio) > 0
    with _open_video(path) as (container, stream):
        first = next(_decode_stream(container, stream), None)
        if first is None:
            raise MediaError(f"{path} has no picture that can be decoded")
        source_format = _format_of(first, stream, path)
    if timeline is None or first.pts != timeline.ticks[0]:
        with _open_video(path) as (container, stream):
            timeline = list_decoded(_decode_stream(container, stream), stream)
    assert timeline is not None, "the first picture was decoded above"
    return Source(path=path, format=source_format, timeline=timeline, has_audio=has_audio)


def _format_of(frame: VideoFrame, stream: VideoStream, path: Path) -> SourceFormat:
    clockwise = -round(frame.rotation) % 360
    if clockwise % 90:
        raise MediaError(f"{path} is shown turned by {clockwise} degrees, wanted a multiple of 90")
    aspect = stream.sample_aspect_ratio
    return SourceFormat(
        stored_px=(frame.width, frame.height),
        sample_aspect=aspect if aspect else Fraction(1),
        rotation_deg=clockwise,
        colour=colour_of(frame, path),
    )
