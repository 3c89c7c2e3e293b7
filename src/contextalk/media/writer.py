"""Videos written in the source's own planes and times: segments that stand alone, and the file they are joined to."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from contextalk.core.errors import MediaError
from contextalk.media.audio import SoundPackets, copy_sound, encode_aac
from contextalk.media.colour import BT709, FULL_RANGE, LIMITED_RANGE, SCALING, UNSPECIFIED
from contextalk.media.files import check_video_suffix, error_reason, written_whole
from contextalk.media.scaler import reformat
from contextalk.media.source import Source, SourceFrame
from contextalk.media.waves import fit_blocks

SEGMENT_SUFFIX = ".mp4"
"""Keeps any time base and the length of the last frame exactly, of H.264 and of FFV1 alike."""

CRF = 16
PRESET = "veryfast"
KEY_FRAMES = 250
"""Pictures from a key frame to the next, at most."""

H264_FORMATS = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "gray", "gray10le"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How planes are compressed.

    Attributes:
        codec: FFmpeg's name of the encoder.
        pix_fmt: What it is given.
        options: Its options.
    """

    codec: str
    pix_fmt: str
    options: dict[str, str]


def encoding_for(source: Source, *, lossless: bool) -> Encoding:
    """H.264 that looks the same, or an encoding with exactly the same planes: lossless H.264 or else FFV1.

    x264 has no odd sizes with shared chroma samples, no RGB and at most 10 bits. Those are written as FFV1 if lossless,
    else as 4:4:4, 4:4:4 and 10 bits. H.264 comes first because it carries the range of values itself: an mp4 around
    FFV1 forgets it where the file names no primaries.
    """
    name = source.format.colour.pix_fmt
    width, height = source.format.stored_px
    x, y = source.format.colour.shrink
    even = width % x == 0 and height % y == 0
    # Without B-frames packets are in display order, so that segments follow one another by plain remuxing.
    options = {"preset": PRESET, "bf": "0", "g": str(KEY_FRAMES)}
    if lossless and even and name in H264_FORMATS:
        return Encoding(codec="libx264", pix_fmt=name, options=options | {"qp": "0"})
    if lossless:
        return Encoding(codec="ffv1", pix_fmt="bgr0" if name == "gbrp" else name, options={"slicecrc": "1"})
    bits = "10le" if source.format.colour.bits > 8 else ""
    if not even or name.startswith("gbrp"):
        name = f"yuv444p{bits}"
    elif name not in H264_FORMATS:
        name = {(2, 2): "yuv420p", (2, 1): "yuv422p"}.get((x, y), "yuv444p") + bits
    return Encoding(codec="libx264", pix_fmt=name, options=options | {"crf": str(CRF)})


class SegmentWriter:
    """Writes consecutive pictures as a file of its own, which begins with a key frame and refers to no other.

    The size, aspect, rotation, colour description and time base are the source's. A segment's first picture is at time
    zero; `join_segments` puts it where it belongs. The file appears, whole, on `close`, and not at all after an error.
    """

    def __init__(self, path: Path, *, like: Source, lossless: bool = False) -> None:
        """Open `path`, which ends in `SEGMENT_SUFFIX`, for pictures of the source `like`."""
        if path.suffix != SEGMENT_SUFFIX:
            raise MediaError(f"segment {path} ends in {path.suffix or 'nothing'}, wanted {SEGMENT_SUFFIX}")
        self._source = like
        self._encoding = encoding_for(like, lossless=lossless)
        self._first: int | None = None
        self._durations: deque[int] = deque()
        with ExitStack() as stack:
            self._path = stack.enter_context(written_whole(path))
            self._container = stack.enter_context(av.open(str(self._path), "w"))
            self._stream = _add_stream(self._container, like, self._encoding)
            self._exit = stack.pop_all()

    def write(self, picture: SourceFrame) -> None:
        """Add the next picture, in the source's planar format."""
        tick = picture.frame.pts
        assert tick is not None, "open_source times every picture"
        self._first = tick if self._first is None else self._first
        frame = _to_encoder(picture.frame, self._source, self._encoding.pix_fmt)
        frame.pts = tick - self._first
        frame.time_base = self._source.timeline.time_base
        # A decoded picture remembers what kind it was, which the encoder would take for an order.
        frame.pict_type = PictureType.NONE
        self._durations.append(picture.duration_ticks)
        self._mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file and give it its name."""
        self._mux(self._stream.encode())
        self._exit.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._exit.__exit__(kind, error, trace)

    def _mux(self, packets: Sequence[Packet]) -> None:
        for packet in packets:
            packet.duration = self._durations.popleft()
            self._container.mux(packet)


def join_segments(
    segments: Sequence[Path],
    out: Path,
    *,
    like: Source,
    wave: Iterable[NDArray[np.float32]] | None = None,
    wave_rate_hz: int = 16000,
    audio_source: Path | None = None,
) -> None:
    """Join segments into one file without encoding a picture again.

    Args:
        segments: In order; together they hold every picture of the source, or a stretch of it.
        out: .mp4 or .mov; .mkv, which rounds times to milliseconds.
        like: The source whose rotation, aspect and colour description the file carries.
        wave: Blocks (S,) or (S, 2) in [-1, 1] from the first picture on, read while they are written; padded with
            silence or cut to the pictures' length.
        wave_rate_hz: Samples per second of `wave`.
        audio_source: File whose first sound stream is copied as it is, kept in its place relative to the first picture.

    Raises:
        MediaError: A segment is missing, or was written with other settings than the first.
    """
    check_video_suffix(out)
    with ExitStack() as stack:
        temporary = stack.enter_context(written_whole(out))
        container = stack.enter_context(av.open(str(temporary), "w"))
        _, template = stack.enter_context(_open_segment(segments[0]))
        stream = container.add_stream_from_template(template)
        stream.time_base = like.timeline.time_base
        _describe(stream, like, template.codec_context.pix_fmt or "")
        length_s = _length_s(segments)
        packets: Iterator[Packet] = iter(())
        if wave is not None:
            packets = encode_aac(container, fit_blocks(wave, round(length_s * wave_rate_hz)), wave_rate_hz)
        elif audio_source is not None:
            packets = copy_sound(container, audio_source, float(length_s))
        sound = SoundPackets(packets)
        for packet in _joined_packets(segments, like.timeline.time_base, template.codec_context.extradata):
            sound.mux_until(container, float((packet.pts or 0) * like.timeline.time_base))
            packet.stream = stream
            container.mux(packet)
        sound.mux_until(container, math.inf)


def _joined_packets(segments: Sequence[Path], time_base: Fraction, extradata: bytes | None) -> Iterator[Packet]:
    offset = 0
    for path in segments:
        with _open_segment(path) as (container, stream):
            if stream.codec_context.extradata != extradata:
                raise MediaError(f"segment {path} was written with other settings than {segments[0]}")
            end = offset
            for packet in container.demux(stream):
                if packet.pts is None or packet.duration is None or stream.time_base is None:
                    continue
                # The file's time base divides ours, so this is exact.
                scale = stream.time_base / time_base
                packet.pts = packet.dts = offset + round(packet.pts * scale)
                packet.duration = round(packet.duration * scale)
                packet.time_base = time_base
                end = packet.pts + packet.duration
                yield packet
            offset = end


def _length_s(segments: Sequence[Path]) -> Fraction:
    length = Fraction(0)
    for path in segments:
        with _open_segment(path) as (_, stream):
            length += (stream.duration or 0) * (stream.time_base or 0)
    return length


@contextmanager
def _open_segment(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        container = av.open(str(path))
    except (FFmpegError, ValueError) as error:
        raise MediaError(f"segment {path} cannot be read: {error_reason(error)}") from error
    with container:
        yield container, container.streams.video[0]


def _add_stream(container: OutputContainer, like: Source, encoding: Encoding) -> VideoStream:
    stream = cast(VideoStream, container.add_stream(encoding.codec, rate=like.timeline.rate, options=encoding.options))
    stream.width, stream.height = like.format.stored_px
    stream.pix_fmt = encoding.pix_fmt
    stream.codec_context.time_base = like.timeline.time_base
    _describe(stream, like, encoding.pix_fmt)
    return stream


def _describe(stream: VideoStream, like: Source, pix_fmt: str) -> None:
    """Say what a player must know: aspect, colour, rotation."""
    context = stream.codec_context
    context.framerate = like.timeline.rate
    context.sample_aspect_ratio = like.format.sample_aspect
    matrix, value_range, primaries, transfer = like.format.colour.tags
    if _becomes_yuv(like, pix_fmt):
        matrix, value_range = BT709, LIMITED_RANGE
    in_mp4 = "mp4" in stream.container.format.name
    if context.name == "ffv1" and in_mp4 and (matrix, primaries, transfer) != (UNSPECIFIED,) * 3:
        # An mp4 keeps these three together or not at all; H.264 carries them itself.
        matrix = like.format.colour.matrix if matrix == UNSPECIFIED else matrix
        primaries = matrix or BT709 if primaries == UNSPECIFIED else primaries
        transfer = BT709 if transfer == UNSPECIFIED else transfer
    context.colorspace, context.color_range = matrix, value_range
    context.color_primaries, context.color_trc = primaries, transfer
    if like.format.rotation_deg:
        stream.set_display_rotation(-like.format.rotation_deg)


def _becomes_yuv(like: Source, pix_fmt: str) -> bool:
    return like.format.colour.matrix == 0 and pix_fmt.startswith("yuv")


def _to_encoder(frame: VideoFrame, like: Source, pix_fmt: str) -> VideoFrame:
    if frame.format.name == pix_fmt:
        return frame
    colour = like.format.colour
    value_range = FULL_RANGE if colour.full_range else LIMITED_RANGE
    becomes_yuv = _becomes_yuv(like, pix_fmt)
    return reformat(
        frame,
        format=pix_fmt,
        src_colorspace=colour.matrix or None,
        dst_colorspace=BT709 if becomes_yuv else colour.matrix or None,
        src_color_range=value_range,
        dst_color_range=LIMITED_RANGE if becomes_yuv else value_range,
        interpolation=SCALING,
    )
