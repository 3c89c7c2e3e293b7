"""The sound of a source, decoded once to 16-bit samples on disk: memory does not grow with its length."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ
from contextalk.dataset.files import writing
from contextalk.media.audio import stream_audio

SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // RATE_HZ
_FULL_SCALE = 32767


class Sound:
    """Mono samples at 16 kHz, from the first picture on."""

    def __init__(self, path: Path) -> None:
        """Args: `path` was written by `decode_sound`."""
        self._samples = np.memmap(path, "<i2", "r") if path.stat().st_size else np.zeros(0, "<i2")

    def cut(self, start_s: float, num_frames: int) -> NDArray[np.float32]:
        """(num_frames · 640,) in [-1, 1] from `start_s`; silence before the first sample and after the last."""
        first, count = round(start_s * SAMPLE_RATE_HZ), num_frames * SAMPLES_PER_FRAME
        kept = self._samples[max(0, first) : max(0, first + count)]
        before = min(count, max(0, -first))
        padded = np.pad(kept, (before, count - before - len(kept)))
        return padded.astype(np.float32) / np.float32(_FULL_SCALE)


def decode_sound(source: Path, path: Path) -> Sound:
    """The sound of a file, decoded to `path` unless that was done before.

    Raises:
        MediaError: As `stream_audio`.
    """
    if not path.is_file():
        with writing(path) as stream:
            for block in stream_audio(source, rate_hz=SAMPLE_RATE_HZ):
                stream.write(np.rint(np.clip(block, -1, 1) * _FULL_SCALE).astype("<i2").tobytes())
    return Sound(path)


Sounds = Callable[[Path], Sound]
"""Gives the sound of a file of a source."""
