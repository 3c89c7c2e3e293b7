"""A video as it is stored: its pictures in their own planes, numbered and timed, with no conversion of colour."""

import functools
from collections import deque
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
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from contextalk.core.errors import MediaError
from contextalk.media.colour import Colour, colour_of
from contextalk.media.files import error_reason
from contextalk.media.planes import copy_frame, to_planar
from contextalk.media.timeline import (
    FALLBACK_RATE,
    TickClock,
    Timeline,
    finish_timeline,
    frame_step,
    list_decoded,
    list_packets,
)

SEEK_MARGIN = 32
"""Frames decoded before the first one wanted, so that pictures around an open group of pictures are whole."""

CACHED_SOURCES = 64

AV_TIME_BASE = 1_000_000
"""FFmpeg counts the length of a file in these parts of a second."""


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
        damaged: Whether the decoder had to conceal a part of it, it builds on such a picture, or it stands in for one.
    """

    index: int
    time_s: float
    duration_ticks: int
    frame: VideoFrame
    damaged: bool = False


def inspect_source(path: Path) -> Source:
    """Look into a video: size, times, colour. Cached by path, size and time of change.

    Raises:
        MediaError: Missing, truncated, without a video stream, or with nothing in it that can be decoded.
    """
    return _inspect(*_identity(path))


def source_format(path: Path) -> SourceFormat:
    """How a video's pictures are stored; decodes the first one at most.

    Raises:
        MediaError: As `inspect_source`.
    """
    return _head(path).format


def has_audio(path: Path) -> bool:
    """Whether there is a sound stream.

    Raises:
        MediaError: As `inspect_source`.
    """
    return _head(path).has_audio


def expected_frames(path: Path) -> int:
    """How many frames a video has, as far as can be told without decoding it; at least 1.

    Raises:
        MediaError: As `inspect_source`.
    """
    timeline = known_timeline(path)
    if timeline is not None:
        return len(timeline.ticks)
    with _open_video(path) as (container, stream):
        lasts_s = (container.duration or 0) / AV_TIME_BASE
        return max(1, round(lasts_s * (stream.average_rate or FALLBACK_RATE)))


def known_timeline(path: Path) -> Timeline | None:
    """Times of a video as far as they are known without decoding it; None where only decoding tells.

    Raises:
        MediaError: As `inspect_source`.
    """
    return _head(path).timeline or _DECODED.get(_identity(path))


def remember_timeline(path: Path, timeline: Timeline) -> None:
    """Tell the times of a video that was decoded before, so that it need not be decoded to be inspected."""
    _DECODED[_identity(path)] = timeline


def scan_source(path: Path) -> Iterator[SourceFrame]:
    """All pictures of a video. Where only decoding tells their times, these are listed on the way and remembered.

    Raises:
        MediaError: As `inspect_source`.
    """
    head = _head(path)
    if known_timeline(path) is not None:
        yield from open_source(path)
        return
    ticks: list[int] = []
    duration = 0
    with _open_video(path) as (container, stream):
        time_base, clock = stream.time_base or 1 / FALLBACK_RATE, TickClock(frame_step(stream))
        for frame, damaged in _with_damage(_decode_stream(container, stream)):
            ticks.append(clock.tick(frame))
            duration = frame.duration
            time_s = float((ticks[-1] - ticks[0]) * time_base)
            planar = _planar(path, head.format, frame)
            yield SourceFrame(
                index=len(ticks) - 1, time_s=time_s, duration_ticks=duration, frame=planar, damaged=damaged
            )
        remember_timeline(path, finish_timeline(np.array(ticks, np.int64), duration, stream, listed=False))


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
    missing = False
    for frame, damaged, next_tick in _with_next(_decode(source, start)):
        missing = missing and not frame.key_frame
        end = stop if next_tick is None else min(stop, int(np.searchsorted(timeline.ticks, next_tick)))
        if index < end:
            planar = _planar(path, source.format, frame)
        for served in range(index, end):
            # The caller may write on what it gets, so only the last of several times gets the picture itself.
            shown = planar if served == end - 1 else copy_frame(planar)
            yield _source_frame(timeline, served, shown, damaged or missing or served > index)
        missing = missing or end - index > 1
        index = max(index, end)
        if index == stop:
            return
    raise MediaError(f"{path} cannot be decoded at {timeline.times_s[index]:.3f} s, frame {index}")


def _source_frame(timeline: Timeline, index: int, frame: VideoFrame, damaged: bool) -> SourceFrame:
    frame.pts, frame.time_base = int(timeline.ticks[index]), timeline.time_base
    return SourceFrame(
        index=index,
        time_s=float((int(timeline.ticks[index]) - int(timeline.ticks[0])) * timeline.time_base),
        duration_ticks=timeline.duration_ticks(index),
        frame=frame,
        damaged=damaged,
    )


def _with_next(frames: Iterator[tuple[VideoFrame, int]]) -> Iterator[tuple[VideoFrame, bool, int | None]]:
    """Pictures with whether they are damaged and the tick of the one after."""
    held: tuple[VideoFrame, bool] | None = None
    ticks: deque[int] = deque()

    def noting() -> Iterator[VideoFrame]:
        for frame, tick in frames:
            ticks.append(tick)
            yield frame

    for frame, damaged in _with_damage(noting()):
        tick = ticks.popleft()
        if held is not None:
            yield *held, tick
        held = frame, damaged
    if held is not None:
        yield *held, None


def _with_damage(frames: Iterator[VideoFrame]) -> Iterator[tuple[VideoFrame, bool]]:
    """Pictures with whether they are damaged: themselves, or by those that they build on since the last key frame."""
    spoilt = False
    for frame in frames:
        if frame.key_frame:
            spoilt = False
        # Nothing builds on a B-picture, at least in the old codecs that have damage to speak of.
        spoilt = spoilt or (frame.is_corrupt and frame.pict_type != PictureType.B)
        yield frame, spoilt or frame.is_corrupt


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


def _planar(path: Path, source_format: SourceFormat, frame: VideoFrame) -> VideoFrame:
    if (frame.width, frame.height) != source_format.stored_px:
        wanted = "x".join(map(str, source_format.stored_px))
        raise MediaError(f"{path} changes its size to {frame.width}x{frame.height}, wanted {wanted} throughout")
    return to_planar(frame, source_format.colour.pix_fmt)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What a file tells by its packets and its first picture; `timeline` is None where only decoding tells."""

    format: SourceFormat
    timeline: Timeline | None
    has_audio: bool


_DECODED: dict[tuple[Path, int, int], Timeline] = {}
"""Times that decoding told, by path, size and time of change."""


def _identity(path: Path) -> tuple[Path, int, int]:
    if not path.is_file():
        raise MediaError(f"{path} does not exist" if not path.exists() else f"{path} is a folder, wanted a video file")
    stat = path.stat()
    return path.absolute(), stat.st_size, stat.st_mtime_ns


def _head(path: Path) -> _Head:
    return _read_head(*_identity(path))


@functools.lru_cache(maxsize=CACHED_SOURCES)
def _read_head(path: Path, size: int, changed_ns: int) -> _Head:
    del size, changed_ns  # part of the cache's key alone
    with _open_video(path) as (container, stream):
        timeline = list_packets(container, stream, path)
        heard = len(container.streams.audio) > 0
    with _open_video(path) as (container, stream):
        first = next(_decode_stream(container, stream), None)
        if first is None:
            raise MediaError(f"{path} has no picture that can be decoded")
        stored = _format_of(first, stream, path)
    if timeline is not None and first.pts != timeline.ticks[0]:
        timeline = None
    return _Head(format=stored, timeline=timeline, has_audio=heard)


@functools.lru_cache(maxsize=CACHED_SOURCES)
def _inspect(path: Path, size: int, changed_ns: int) -> Source:
    head = _read_head(path, size, changed_ns)
    timeline = head.timeline or _DECODED.get((path, size, changed_ns))
    if timeline is None:
        with _open_video(path) as (container, stream):
            timeline = list_decoded(_decode_stream(container, stream), stream)
    assert timeline is not None, "the first picture was decoded for the head"
    return Source(path=path, format=head.format, timeline=timeline, has_audio=head.has_audio)


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
