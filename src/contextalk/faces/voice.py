"""When somebody is heard to speak, whoever it is: silero-vad where it is installed, else loudness alone."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.time import SAMPLE_RATE_HZ
from contextalk.faces.speaking import voice_activity
from contextalk.media.audio import stream_audio

_PACKAGE, _NETWORK = "silero-vad", "silero_vad.jit"
_CHUNK = 512
"""Samples the network hears at once, as it was trained; 32 ms."""


class Voice(Protocol):
    """Hears speech in the sound of a video."""

    name: str
    """Name and version; part of the cache's key."""

    def hear(self, video: Path, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """(F,) in [0, 1] at the frames' times, how sure it is that somebody speaks.

        Raises:
            MediaError: The video has no sound.
        """
        ...


class LoudnessVoice:
    """What is louder than the video's own noise floor; music and slamming doors are taken for speech."""

    name = "loudness-1"

    def hear(self, video: Path, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """As `Voice`; the sound is streamed."""
        return voice_activity(stream_audio(video, rate_hz=SAMPLE_RATE_HZ), times_s)


class SileroVoice:
    """The network in silero-vad's wheel (MIT). Only the file is used: importing the package sets torch's threads.

    The package is no dependency; whoever wants it installs it with `--no-deps`, which brings the file and nothing else.
    """

    def __init__(self) -> None:
        """Load the network.

        Raises:
            ContextalkError: It is not installed.
        """
        path = silero_path()
        if path is None:
            raise ContextalkError("silero-vad is not installed; install it with: pip install --no-deps silero-vad")
        import torch

        self.name = f"silero-vad-{metadata.version(_PACKAGE)}-1"
        self._torch = torch
        self._network: Any = torch.jit.load(str(path), map_location="cpu").eval()

    def hear(self, video: Path, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """As `Voice`; the sound is streamed."""
        self._network.reset_states()
        with self._torch.no_grad():
            sure = [
                float(self._network(self._torch.from_numpy(chunk)[None], SAMPLE_RATE_HZ))
                for chunk in _chunks(stream_audio(video, rate_hz=SAMPLE_RATE_HZ))
            ]
        middles_s = (np.arange(len(sure)) + 0.5) * (_CHUNK / SAMPLE_RATE_HZ)
        return np.interp(times_s, middles_s, sure, right=0.0).astype(np.float32)


def silero_path() -> Path | None:
    """The network's file; None where the package is not installed."""
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == _NETWORK), None)


def default_voice() -> Voice:
    """silero-vad where it is installed, else loudness; the analysis names which."""
    return LoudnessVoice() if silero_path() is None else SileroVoice()


def _chunks(blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The same samples, `_CHUNK` at a time; the last ones are followed by silence."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // _CHUNK * _CHUNK
        yield from rest[:whole].reshape(-1, _CHUNK)
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, (0, _CHUNK - len(rest)))
