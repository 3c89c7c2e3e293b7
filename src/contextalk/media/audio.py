"""Sound in and out: any container to mono float, WAV, and AAC for the videos we write."""

import itertools
import wave as wave_file
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Disposition
from numpy.typing import NDArray

from contextalk.core.errors import MediaError
from contextalk.media.files import error_reason, written_whole
from contextalk.media.source import inspect_source
from contextalk.media.waves import regroup_blocks

GAP_S = 0.05
"""A longer jump in the time stamps is a gap and becomes silence; shorter ones are rounding of the container."""

AAC_BITS_PER_SECOND = 128_000


def read_audio(path: Path, *, rate_hz: int = 16000) -> NDArray[np.float32]:
    """The first sound stream of any file as mono samples (S,) in [-1, 1]; as `stream_audio`, at once."""
    return np.concatenate(list(stream_audio(path, rate_hz=rate_hz)))


def stream_audio(path: Path, *, rate_hz: int = 16000) -> Iterator[NDArray[np.float32]]:
    """The first sound stream of any file as blocks of mono samples in [-1, 1], in constant memory.

    Sample 0 belongs to the first video frame where there is video: a stream that starts later is padded with silence,
    one that starts earlier is trimmed. Gaps in the stream become silence.

    Raises:
        MediaError: The file is missing, is no sound or video file, or has no sound in it.
    """
    with _open_audio(path) as container:
        start_s = _first_frame_s(container, path)
        frames = _decode(container)
        first = next(frames, None)
        if first is None:
            raise MediaError(f"{path} has an audio stream without a sample that can be decoded")
        blocks = _mono_blocks(itertools.chain([first], frames), first.sample_rate, start_s)
        seen = False
        for block in _resample(blocks, first.sample_rate, rate_hz):
            seen = True
            yield block
    if not seen:
        raise MediaError(f"{path} has sound only before its first picture, wanted some beside it")


def write_wav(path: Path, wave: NDArray[np.float32], rate_hz: int = 16000) -> None:
    """Write mono samples (S,) in [-1, 1] as 16-bit PCM; louder ones are clipped."""
    pcm = np.rint(np.clip(wave, -1, 1) * 32767).astype("<i2")
    with written_whole(path) as temporary, wave_file.open(str(temporary), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(rate_hz)
        stream.writeframes(pcm.tobytes())


class SoundPackets:
    """Packets of the sound of a file being written, made as they are wanted, to be interleaved with its pictures."""

    def __init__(self, packets: Iterator[Packet]) -> None:
        """Take packets in order; the first is made at once, so that its stream is added before the file is started."""
        self._packets = packets
        self._next = next(packets, None)

    def mux_until(self, container: OutputContainer, until_s: float) -> None:
        """Write the packets that come before a time."""
        while self._next is not None and float((self._next.dts or 0) * self._next.time_base) < until_s:
            container.mux(self._next)
            self._next = next(self._packets, None)


def encode_aac(container: OutputContainer, wave: Iterable[NDArray[np.float32]], rate_hz: int) -> Iterator[Packet]:
    """Add an AAC stream to a file being written and encode a wave for it, in constant memory.

    Args:
        container: Not yet started; all its other streams are added.
        wave: Blocks (S,) mono or (S, 2) stereo, in [-1, 1]; at least one.
        rate_hz: Samples per second.

    Yields:
        Packets in order, for `SoundPackets`.
    """
    blocks = regroup_blocks(wave, rate_hz)
    first = next(blocks)
    layout = "mono" if first.ndim == 1 or first.shape[1] == 1 else "stereo"
    stream = container.add_stream("aac", rate=rate_hz, layout=layout)
    stream.bit_rate = AAC_BITS_PER_SECOND
    for number, block in enumerate(itertools.chain([first], blocks)):
        samples = np.ascontiguousarray(np.clip(block.reshape(len(block), -1).T, -1, 1), np.float32)
        frame = AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, number * rate_hz, Fraction(1, rate_hz)
        yield from stream.encode(frame)
    yield from stream.encode()


def copy_sound(container: OutputContainer, path: Path, until_s: float) -> Iterator[Packet]:
    """Add a copy of a file's first sound stream to a file being written.

    Args:
        container: Not yet started; all its other streams are added.
        path: Video with sound.
        until_s: Seconds from its first picture; what starts later is left out.

    Yields:
        Packets in order, timed from the first picture, for `SoundPackets`.

    Raises:
        MediaError: There is no sound stream, or one that the output's kind of file cannot hold.
    """
    with _open_audio(path) as source:
        theirs = source.streams.audio[0]
        try:
            ours = container.add_stream_from_template(theirs)
        except ValueError as error:
            kind, codec = container.format.name, theirs.codec_context.name
            raise MediaError(
                f"{kind} files cannot hold sound as {codec}, wanted an output that ends in .mkv"
            ) from error
        start_s = _first_frame_s(source, path) or 0.0
        for packet in source.demux(theirs):
            if packet.dts is None or packet.time_base is None:
                continue
            shift = round(start_s / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts
            packet.stream = ours
            if float(packet.dts * packet.time_base) < until_s:
                yield packet


@contextmanager
def _open_audio(path: Path) -> Iterator[InputContainer]:
    if not path.is_file():
        raise MediaError(f"{path} does not exist" if not path.exists() else f"{path} is a folder, wanted a sound file")
    try:
        container = av.open(str(path))
    except (FFmpegError, ValueError) as error:
        raise MediaError(f"{path} is truncated or no sound or video file: {error_reason(error)}") from error
    with container:
        if not container.streams.audio:
            raise MediaError(f"{path} has no audio stream, wanted one")
        yield container


def _first_frame_s(container: InputContainer, path: Path) -> float | None:
    """Stream time of the first video frame; None for a file that is sound alone."""
    if not [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]:
        return None
    timeline = inspect_source(path).timeline
    return float(int(timeline.ticks[0]) * timeline.time_base)


def _mono_blocks(frames: Iterable[AudioFrame], rate_hz: int, start_s: float | None) -> Iterator[NDArray[np.float32]]:
    """Mono samples at `rate_hz`, from `start_s` (None: the first sample) on and without gaps."""
    position = None if start_s is None else round(start_s * rate_hz)
    slack = 0.0  # the beginning is aligned to the sample
    for tick_s, samples in _averaged(frames, rate_hz):
        at = position if tick_s is None else round(tick_s * rate_hz)
        position = (at or 0) if position is None else position
        jump = 0 if at is None else at - position
        kept = samples
        if abs(jump) > slack:
            yield np.zeros(max(0, jump), np.float32)
            kept = samples[max(0, -jump) :]
            position += max(0, jump)
        if len(kept):
            slack = GAP_S * rate_hz
            position += len(kept)
            yield kept


def _averaged(frames: Iterable[AudioFrame], rate_hz: int) -> Iterator[tuple[Fraction | None, NDArray[np.float32]]]:
    """Time and mean over the channels of each frame; FFmpeg's own mono of float channels is louder by a square root."""
    kind: tuple[int, str, str] | None = None
    for frame in frames:
        if kind != (frame.sample_rate, frame.layout.name, frame.format.name):
            kind = frame.sample_rate, frame.layout.name, frame.format.name
            to_float = AudioResampler(format="fltp", layout=frame.layout, rate=rate_hz)
        time_s = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
        for part in to_float.resample(frame):
            yield time_s, part.to_ndarray().mean(axis=0)
            time_s = None


def _decode(container: InputContainer) -> Iterator[AudioFrame]:
    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except InvalidDataError:
            # A damaged packet leaves a gap in the time stamps, which becomes silence.
            continue


def _resample(blocks: Iterable[NDArray[np.float32]], from_hz: int, to_hz: int) -> Iterator[NDArray[np.float32]]:
    resampler = AudioResampler(format="fltp", layout="mono", rate=to_hz)
    position = 0
    for block in blocks:
        if len(block) == 0:
            continue
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block[None]), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = from_hz, position, Fraction(1, from_hz)
        position += len(block)
        for resampled in resampler.resample(frame):
            yield resampled.to_ndarray()[0]
    if position:
        for resampled in resampler.resample(None):
            yield resampled.to_ndarray()[0]
