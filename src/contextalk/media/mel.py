"""Log-mel spectrograms with the settings of Wav2Lip (Prajwal et al. 2020), cut into one chunk per video frame."""

import functools
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.errors import MediaError
from contextalk.media.waves import regroup_blocks

RATE_HZ = 16000
HOP = 200
N_FFT = 800
NUM_BANDS = 80
LOW_HZ, HIGH_HZ = 55.0, 7600.0
PRE_EMPHASIS = 0.97
FLOOR = 1e-5
REFERENCE_DB = 20.0
RANGE_DB = 100.0
SPAN = 4.0
"""Values lie in [-SPAN, SPAN]."""

STEPS_PER_SECOND = RATE_HZ / HOP
CHUNK_STEPS = 16
"""Steps of a chunk: 0.2 s."""

CHUNK_LEAD_S = 0.08
"""A chunk begins two frames of 25 Hz before its frame, so that its middle is the frame's middle."""

MIN_SAMPLES = RATE_HZ // 25
"""A frame of 25 Hz; also more than the reflection at the ends needs."""

_BLOCK_STEPS = 4800
_BLOCK_SAMPLES = _BLOCK_STEPS * HOP
"""A minute: what is transformed at once."""

# Far below a step's length, far above float64 rounding of a product of times.
_STEP_EPSILON = 1e-6


def mel_spectrogram(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalised log-mel magnitudes of a whole recording.

    Args:
        wave: (S,) mono at `RATE_HZ`, in [-1, 1].

    Returns:
        (80, 1 + S // 200) float32 in [-4, 4]; silence is -4.

    Raises:
        MediaError: The wave is shorter than a video frame.
    """
    return mel_of_blocks([wave], len(wave))


def mel_of_blocks(blocks: Iterable[NDArray[np.float32]], samples: int) -> NDArray[np.float32]:
    """As `mel_spectrogram`, of a wave in blocks of any length: beside the result a minute of it is held.

    Args:
        blocks: Together `samples` long.
        samples: S.

    Raises:
        MediaError: The wave is shorter than a video frame.
    """
    if samples < MIN_SAMPLES:
        seen_s, wanted_s = samples / RATE_HZ, MIN_SAMPLES / RATE_HZ
        raise MediaError(f"audio lasts {seen_s:.3f} s, wanted at least one video frame, {wanted_s:.3f} s")
    mel = np.empty((NUM_BANDS, 1 + samples // HOP), np.float32)
    done, held = 0, torch.empty(0)
    for part in _continued(blocks):
        held = torch.cat([held, part])
        if len(held) >= _BLOCK_SAMPLES + N_FFT:
            mel[:, done : done + _BLOCK_STEPS] = _bands(held[: _BLOCK_SAMPLES - HOP + N_FFT])
            done, held = done + _BLOCK_STEPS, held[_BLOCK_SAMPLES:]
    mel[:, done:] = _bands(held)
    return mel


def _continued(blocks: Iterable[NDArray[np.float32]]) -> Iterator[Tensor]:
    """Pre-emphasised samples, continued over both ends by reflection.

    So does the librosa (< 0.9) of the published models; later ones pad zeros, which changes the first two and last two
    steps alone.
    """
    before, last, begun = torch.zeros(1), torch.empty(0), False
    for block in regroup_blocks(blocks, _BLOCK_SAMPLES):
        samples = torch.cat([before, torch.from_numpy(np.ascontiguousarray(block, np.float32))])
        emphasised = samples[1:] - PRE_EMPHASIS * samples[:-1]
        if not begun:
            yield emphasised[1 : N_FFT // 2 + 1].flip(0)
        begun, before = True, samples[-1:]
        last = torch.cat([last, emphasised])[-N_FFT // 2 - 1 :]
        yield emphasised
    yield last[:-1].flip(0)


def _bands(continued: Tensor) -> NDArray[np.float32]:
    """(80, T) of samples that hold T windows."""
    spectrum = torch.stft(
        continued, n_fft=N_FFT, hop_length=HOP, window=torch.hann_window(N_FFT), center=False, return_complex=True
    )
    bands = torch.from_numpy(slaney_filters()) @ spectrum.abs()
    decibels = 20 * torch.log10(bands.clamp_min(FLOOR)) - REFERENCE_DB
    normalised = 2 * SPAN * (decibels + RANGE_DB) / RANGE_DB - SPAN
    return normalised.clamp(-SPAN, SPAN).numpy()


def mel_chunks(
    mel: NDArray[np.float32], frames: int | NDArray[np.float64], *, lead_s: float = CHUNK_LEAD_S
) -> NDArray[np.float32]:
    """The stretch of spectrogram heard around each video frame.

    Args:
        mel: (80, T) of `mel_spectrogram`.
        frames: How many frames at 25 Hz, or (F,) times in seconds.
        lead_s: How long before its frame a chunk begins.

    Returns:
        (F, 80, 16) float32. Steps before the beginning or after the end repeat the first or last one.
    """
    times_s = np.arange(frames) / 25 if isinstance(frames, int) else np.asarray(frames, np.float64)
    start = np.floor((times_s - lead_s) * STEPS_PER_SECOND + _STEP_EPSILON).astype(np.int64)
    steps = np.clip(start[:, None] + np.arange(CHUNK_STEPS), 0, mel.shape[1] - 1)
    return np.ascontiguousarray(mel[:, steps].transpose(1, 0, 2))


@functools.cache
def slaney_filters() -> NDArray[np.float32]:
    """(80, 401) triangles on the Slaney mel scale, each of unit area over Hz (M. Slaney, Auditory Toolbox, 1998)."""
    edges = _mel_to_hz(np.linspace(_hz_to_mel(LOW_HZ), _hz_to_mel(HIGH_HZ), NUM_BANDS + 2))
    frequencies = np.linspace(0, RATE_HZ / 2, N_FFT // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (high - low))).astype(np.float32)


# Linear up to 1 kHz (15 mel), then 27 mel to a factor of 6.4.
_LINEAR_HZ = 200 / 3
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ
_LOG_STEP = float(np.log(6.4)) / 27


def _hz_to_mel(frequency: float) -> float:
    if frequency < _KNEE_HZ:
        return frequency / _LINEAR_HZ
    return _KNEE_MEL + float(np.log(frequency / _KNEE_HZ)) / _LOG_STEP


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, above)
