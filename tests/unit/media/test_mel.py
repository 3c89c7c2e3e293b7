"""Mel spectrograms agree with an independent computation; chunks lie where they should."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import MediaError
from contextalk.media.mel import mel_chunks, mel_of_blocks, mel_spectrogram

GOLDEN = Path(__file__).parents[2] / "golden" / "mel_wav2lip.npz"


def test_against_the_independent_computation() -> None:
    with np.load(GOLDEN) as golden:
        mel = mel_spectrogram(golden["wave"])
        assert mel.dtype == np.float32
        assert mel.shape == golden["mel"].shape == (80, 1 + len(golden["wave"]) // 200)
        assert golden["mel"].std() > 1
        # float32 against float64; 1e-3 of a range of 8 is 0.0125 dB, reached near the floor alone.
        np.testing.assert_allclose(mel, golden["mel"], atol=1e-3)


def test_padding_is_pinned() -> None:
    """Zeros around the wave instead of its reflection would show."""
    with np.load(GOLDEN) as golden:
        around = np.zeros(400, np.float32)
        zeros = mel_spectrogram(np.concatenate([around, golden["wave"][:4000], around]))[:, 2:-2]
        difference = np.abs(zeros - golden["mel"][:, :21]).max(axis=0)
    assert difference[0] > 0.1
    assert difference[2:-4].max() < 1e-3


def test_blocks_of_any_length_give_the_same() -> None:
    """Two minutes and a bit, so that the transform is cut twice; bit for bit where it is cut alike."""
    rng = np.random.default_rng(0)
    wave = rng.normal(0, 0.1, 125 * 16000 + 77).astype(np.float32)
    whole = mel_spectrogram(wave)
    assert whole.shape == (80, 1 + len(wave) // 200)
    blocks = np.split(wave, np.sort(rng.integers(0, len(wave), 50)))
    np.testing.assert_array_equal(mel_of_blocks(blocks, len(wave)), whole)
    for cut in (4800, 9600):
        part = mel_spectrogram(wave[(cut - 40) * 200 : (cut + 40) * 200])
        # Sums of 401 float32 products in another order.
        np.testing.assert_allclose(whole[:, cut - 20 : cut + 20], part[:, 20:60], atol=1e-4)


def test_silence_is_the_floor() -> None:
    mel = mel_spectrogram(np.zeros(16000, np.float32))
    assert np.all(mel == -4)
    assert np.all(np.isfinite(mel_spectrogram(np.full(16000, np.finfo(np.float32).tiny, np.float32))))


def test_too_short() -> None:
    with pytest.raises(MediaError, match=r"lasts 0\.020 s, wanted at least one video frame, 0\.040 s"):
        mel_spectrogram(np.zeros(320, np.float32))
    assert mel_spectrogram(np.zeros(640, np.float32)).shape == (80, 4)


def test_chunks_start_two_frames_early_and_are_clamped() -> None:
    mel = np.tile(np.arange(100, dtype=np.float32), (80, 1))
    chunks = mel_chunks(mel, 31)
    assert chunks.shape == (31, 80, 16)
    for frame, chunk in enumerate(chunks):
        # 3.2 steps a frame, in whole numbers.
        start = (frame - 2) * 16 // 5
        np.testing.assert_array_equal(chunk[0], np.clip(np.arange(start, start + 16), 0, 99))


def test_chunks_at_frame_times() -> None:
    mel = np.random.default_rng(0).standard_normal((80, 400)).astype(np.float32)
    np.testing.assert_array_equal(mel_chunks(mel, np.arange(50) / 25), mel_chunks(mel, 50))
    np.testing.assert_array_equal(mel_chunks(mel, np.array([1.0, 1.0125])), mel_chunks(mel, np.array([1.0, 1.01])))
    assert not np.array_equal(*mel_chunks(mel, np.array([1.0, 1.0125])))
