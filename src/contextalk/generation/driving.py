"""The driving audio: fitted to the scene for the networks, and what is heard in the output."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Scene, Sound
from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ
from contextalk.media.audio import stream_audio
from contextalk.media.mel import mel_of_blocks
from contextalk.media.waves import fit_blocks, regroup_blocks

LONGEST_EXCESS_S = 0.1
"""Sound streams end on a block of 1024 samples, 64 ms at 16 kHz; that much beyond the last frame is no mistake."""

OUTPUT_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Driving:
    """What the networks hear: the driving audio, then silence to the end of the scene.

    Attributes:
        mel: (80, T) of all of it.
        duration_s: Of the audio alone.
    """

    mel: NDArray[np.float32]
    duration_s: float


def read_driving(audio: Path, scene: Scene) -> Driving:
    """Read the driving audio and continue it with silence, in which the mouth stays closed.

    Raises:
        MediaError: No sound in the file.
        ContextalkError: It is shorter than a frame or longer than the scene.
    """
    # Read twice, once to measure: hours of it are not to be held.
    duration_s = sum(len(block) for block in stream_audio(audio, rate_hz=SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    if duration_s < 1 / RATE_HZ:
        raise ContextalkError(f"{audio} lasts {duration_s:.3f} s, wanted at least one frame, {1 / RATE_HZ} s")
    if duration_s > scene.duration_s + LONGEST_EXCESS_S:
        raise ContextalkError(
            f"{audio} lasts {duration_s:.2f} s and the scene {scene.path} {scene.duration_s:.2f} s: "
            "trim the audio or give a longer scene"
        )
    # A frame of 25 Hz is the least that has a spectrogram.
    samples = max(round(scene.duration_s * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ // RATE_HZ)
    heard = fit_blocks(stream_audio(audio, rate_hz=SAMPLE_RATE_HZ), samples)
    return Driving(mel=mel_of_blocks(heard, samples), duration_s=duration_s)


def output_wave(sound: Sound, audio: Path, scene: Scene) -> Iterator[NDArray[np.float32]] | None:
    """What is heard in the output, in blocks of mono at `OUTPUT_RATE_HZ`.

    `scene+driving` adds the two waves: whoever spoke in the scene is still heard, the target's old words included.

    Returns:
        None: the scene's own stream, or nothing if it has none.
    """
    if sound == "keep":
        return None
    if sound == "scene+driving" and scene.has_audio:
        return _mixed(audio, scene)
    return _heard(audio, scene)


def _heard(path: Path, scene: Scene) -> Iterator[NDArray[np.float32]]:
    """A file's sound, fitted to the scene, a second a block."""
    samples = round(scene.duration_s * OUTPUT_RATE_HZ)
    return regroup_blocks(fit_blocks(stream_audio(path, rate_hz=OUTPUT_RATE_HZ), samples), OUTPUT_RATE_HZ)


def _mixed(audio: Path, scene: Scene) -> Iterator[NDArray[np.float32]]:
    """Both sounds, as loud as fits; read twice, once for the loudest sample."""

    def added() -> Iterator[NDArray[np.float32]]:
        for one, other in zip(_heard(audio, scene), _heard(scene.path, scene), strict=True):
            yield one + other

    loudest = max(1.0, *(float(np.abs(block).max()) for block in added()))
    return (block / np.float32(loudest) for block in added())
