"""Make `mel_wav2lip.npz` with numpy and scipy alone: an independent computation of the field's mel spectrogram.

    python tests/golden/make_mel.py

Nothing of contextalk is imported: where its mel and this one agree, two readings of the same definition agree.
"""

from pathlib import Path

import numpy as np
from scipy.signal import chirp, get_window, lfilter

RATE_HZ, N_FFT, HOP, BANDS = 16000, 800, 200, 80
PAD_MODE = "reflect"


def make_wave() -> np.ndarray:
    """0.9 s: a sweep, noise and digital silence, so that every band, the floor and the ceiling are met."""
    times = np.arange(5600) / RATE_HZ
    sweep = 0.9 * chirp(times, 80, times[-1], 7500, method="logarithmic")
    noise = 0.05 * np.random.default_rng(7).standard_normal(4800)
    return np.concatenate([sweep, noise, np.zeros(4000)]).astype(np.float32)


def slaney_edges() -> np.ndarray:
    """Edges of the 80 bands in Hz: equal steps of Slaney's scale, found by tabulating it."""
    hertz = np.linspace(0, 8000, 800_001)
    mel = np.where(hertz < 1000, 3 * hertz / 200, 15 + 27 * np.log(np.maximum(hertz, 1e-9) / 1000) / np.log(6.4))
    low, high = np.interp([55, 7600], hertz, mel)
    return np.interp(np.linspace(low, high, BANDS + 2), mel, hertz)


def mel_spectrogram(wave: np.ndarray) -> np.ndarray:
    """(80, T) as Prajwal et al. 2020 set it (settings in docs/data.md), in float64."""
    emphasised = lfilter([1, -0.97], [1], wave.astype(np.float64))
    padded = np.pad(emphasised, N_FFT // 2, mode=PAD_MODE)
    window = get_window("hann", N_FFT, fftbins=True)
    steps = 1 + len(wave) // HOP
    magnitude = np.stack(
        [np.abs(np.fft.rfft(window * padded[s * HOP : s * HOP + N_FFT])) for s in range(steps)], axis=1
    )
    edges, bins = slaney_edges(), np.arange(N_FFT // 2 + 1) * RATE_HZ / N_FFT
    bands = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        triangle = np.interp(bins, [low, centre, high], [0, 1, 0], left=0, right=0)
        bands.append(triangle * 2 / (high - low) @ magnitude)
    decibels = 20 * np.log10(np.maximum(1e-5, np.array(bands))) - 20
    return np.clip(8 * (decibels + 100) / 100 - 4, -4, 4)


if __name__ == "__main__":
    wave = make_wave()
    target = Path(__file__).with_name("mel_wav2lip.npz")
    np.savez_compressed(target, wave=wave, mel=mel_spectrogram(wave).astype(np.float32))
