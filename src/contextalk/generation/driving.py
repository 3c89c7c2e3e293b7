"""The driving audio: fitted to the scene for the networks, and what is heard in the output."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Scene, Sound
from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ
from contextalk.media.audio import read_audio
from contextalk.media.mel import mel_spectrogram

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
    wave = read_audio(audio, rate_hz=SAMPLE_RATE_HZ)
    duration_s = len(wave) / SAMPLE_RATE_HZ
    if duration_s < 1 / RATE_HZ:
        raise ContextalkError(f"{audio} lasts {duration_s:.3f} s, wanted at least one frame, {1 / RATE_HZ} s")
    if duration_s > scene.duration_s + LONGEST_EXCESS_S:
        raise ContextalkError(
            f"{audio} lasts {duration_s:.2f} s and the scene {scene.path} {scene.duration_s:.2f} s: "
            "trim the audio or give a longer scene"
        )
    # A frame of 25 Hz is the least that has a spectrogram.
    samples = max(round(scene.duration_s * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ // RATE_HZ)
    return Driving(mel=mel_spectrogram(_fit(wave, samples)), duration_s=duration_s)


def output_wave(sound: Sound, audio: Path, scene: Scene) -> NDArray[np.float32] | None:
    """What is heard in the output, mono at `OUTPUT_RATE_HZ`; None: the scene's own stream, or nothing if it has none.

    `scene+driving` adds the two waves: whoever spoke in the scene is still heard, the target's old words included.
    """
    if sound == "keep":
        return None
    samples = round(scene.duration_s * OUTPUT_RATE_HZ)
    wave = _fit(read_audio(audio, rate_hz=OUTPUT_RATE_HZ), samples)
    if sound == "scene+driving" and scene.has_audio:
        wave = wave + _fit(read_audio(scene.path, rate_hz=OUTPUT_RATE_HZ), samples)
        wave /= max(1.0, float(np.abs(wave).max()))
    return wave


def _fit(wave: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """Cut, or continued with silence, to a length."""
    return np.pad(wave[:samples], (0, max(0, samples - len(wave))))
