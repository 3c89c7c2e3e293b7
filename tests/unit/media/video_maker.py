"""Videos made with PyAV alone, so that our reader is not tested against our writer only."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

MakeVideo = Callable[..., Path]


def picture(index: int, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """RGB that tells its index by its brightness and which way is up by its corners."""
    width, height = size_px
    rgb = np.full((height, width, 3), 40 + 5 * index % 150, np.uint8)
    rgb[: height // 4, : width // 4] = (250, 20, 20)
    return rgb


def spoil_packets(path: Path, start: int, stop: int) -> None:
    """Overwrite packets `[start, stop)` of a file that indexes them, as a bad disk would."""
    with av.open(str(path)) as container:
        entries = list(container.streams.video[0].index_entries)
    data = bytearray(path.read_bytes())
    for entry in entries[start:stop]:
        data[entry.pos : entry.pos + entry.size] = b"\xff" * entry.size
    path.write_bytes(data)


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Write a small video; returns its path."""

    def make(
        name: str = "scene.mp4",
        *,
        ticks: Sequence[int] = tuple(range(12)),
        time_base: Fraction = Fraction(1, 25),
        size_px: tuple[int, int] = (64, 48),
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        rotation_deg: int = 0,
        sample_aspect: Fraction = Fraction(1),
        options: dict[str, str] | None = None,
        wave: NDArray[np.float32] | None = None,
        sound_delay_s: float = 0.0,
        sound_codec: str = "aac",
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            rate = Fraction(1 / (time_base * max(1, ticks[-1] // len(ticks)))).limit_denominator(1001)
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.width, stream.height, stream.pix_fmt = *size_px, pix_fmt
            stream.codec_context.time_base = time_base
            stream.codec_context.sample_aspect_ratio = sample_aspect
            stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
            if rotation_deg:
                stream.set_display_rotation(-rotation_deg)
            sound = container.add_stream(sound_codec, rate=16000, layout="mono") if wave is not None else None
            for index, tick in enumerate(ticks):
                frame = av.VideoFrame.from_ndarray(picture(index, size_px), format="rgb24")
                frame = frame.reformat(format=pix_fmt, dst_colorspace=1, src_color_range=2, dst_color_range=1)
                frame.pts, frame.time_base = tick, time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if sound is not None and wave is not None:
                samples = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
                samples.sample_rate, samples.time_base = 16000, Fraction(1, 16000)
                samples.pts = round(sound_delay_s * 16000)
                container.mux(sound.encode(samples))
                container.mux(sound.encode())
        return path

    return make
