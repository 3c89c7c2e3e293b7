"""When each frame of a video is shown, listed without decoding where the container can be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from contextalk.core.errors import MediaError

LISTED_FORMATS = frozenset({"mp4", "matroska"})
"""Containers that store a presentation time for every packet."""

LISTED_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "ffv1", "mjpeg", "prores", "png"})
"""Codecs with one shown picture per packet; others (packed B-frames, hidden frames) are decoded to be counted."""

FALLBACK_RATE = Fraction(25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Presentation times of a video's frames in the ticks of its stream.

    Attributes:
        ticks: (F,) int64, strictly increasing.
        end_tick: When the last frame ends.
        time_base: Seconds per tick.
        listed: Made from packets, not from decoded frames: such a stream can be seeked.
    """

    ticks: NDArray[np.int64]
    end_tick: int
    time_base: Fraction
    listed: bool

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(F,) float64 seconds from the first frame."""
        # One rounding per time: the tick count is an exact float64, and so is each part of the time base.
        return (self.ticks - self.ticks[0]) * self.time_base.numerator / self.time_base.denominator

    @property
    def duration_s(self) -> float:
        """From the start of the first frame to the end of the last."""
        return float((self.end_tick - int(self.ticks[0])) * self.time_base)

    @property
    def rate(self) -> Fraction:
        """Mean frame rate; what headers say of it is often wrong."""
        duration = (self.end_tick - int(self.ticks[0])) * self.time_base
        return (len(self.ticks) / duration).limit_denominator(1001)

    def duration_ticks(self, index: int) -> int:
        """How long frame `index` is shown."""
        following = self.end_tick if index + 1 == len(self.ticks) else int(self.ticks[index + 1])
        return following - int(self.ticks[index])


def frame_step(stream: VideoStream) -> int:
    """Ticks of one frame at the stream's nominal rate, ≥ 1."""
    rate = stream.average_rate or stream.guessed_rate or FALLBACK_RATE
    return max(1, round(1 / (rate * (stream.time_base or 1 / rate))))


class TickClock:
    """Ticks of decoded frames: their own where they have one that moves on, else a nominal step after the last."""

    def __init__(self, step: int) -> None:
        """Start before the first frame; `step` is a frame's nominal length in ticks."""
        self._step = step
        self._last: int | None = None

    def tick(self, frame: VideoFrame) -> int:
        """Tick of the next frame in decoding order."""
        tick = frame.pts
        if self._last is None:
            tick = 0 if tick is None else tick
        elif tick is None or tick <= self._last:
            tick = self._last + self._step
        self._last = tick
        return tick


def list_packets(container: InputContainer, stream: VideoStream, path: Path) -> Timeline | None:
    """Times from packets alone, or None where only decoding tells.

    Raises:
        MediaError: The file ends before its index does.
    """
    trusted = LISTED_FORMATS.intersection(container.format.name.split(","))
    if not trusted or stream.codec_context.codec.canonical_name not in LISTED_CODECS:
        return None
    _check_index(stream, path)
    packets = [packet for packet in container.demux(stream) if packet.size]
    ticks = np.array(sorted(packet.pts for packet in packets if packet.pts is not None), np.int64)
    clean = len(ticks) == len(packets) > 0 and not any(packet.is_corrupt or packet.is_discard for packet in packets)
    if not clean or not packets[0].is_keyframe or packets[0].pts != ticks[0] or np.any(np.diff(ticks) <= 0):
        return None
    last = next(packet for packet in packets if packet.pts == ticks[-1])
    return finish_timeline(ticks, last.duration, stream, listed=True)


def list_decoded(frames: Iterable[VideoFrame], stream: VideoStream) -> Timeline | None:
    """Times of decoded frames; None where there are none."""
    clock = TickClock(frame_step(stream))
    ticks: list[int] = []
    last_duration = 0
    for frame in frames:
        ticks.append(clock.tick(frame))
        last_duration = frame.duration
    return finish_timeline(np.array(ticks, np.int64), last_duration, stream, listed=False) if ticks else None


def finish_timeline(
    ticks: NDArray[np.int64], last_duration: int | None, stream: VideoStream, *, listed: bool
) -> Timeline:
    """Times from the ticks of all frames; `last_duration` 0 or None: as long as the frame before."""
    if not last_duration or last_duration < 0:
        last_duration = int(ticks[-1] - ticks[-2]) if len(ticks) > 1 else frame_step(stream)
    time_base = stream.time_base or 1 / FALLBACK_RATE
    return Timeline(ticks=ticks, end_tick=int(ticks[-1]) + last_duration, time_base=time_base, listed=listed)


def _check_index(stream: VideoStream, path: Path) -> None:
    size = path.stat().st_size
    end = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
    if end > size:
        raise MediaError(f"{path} is truncated: {size} bytes, its index wants at least {end}")
