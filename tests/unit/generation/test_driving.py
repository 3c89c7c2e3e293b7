"""Hours of sound pass through generation in blocks."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.records import Scene, Sound
from contextalk.generation.driving import OUTPUT_RATE_HZ, output_wave, read_driving
from contextalk.media.audio import read_audio, write_wav
from contextalk.media.mel import mel_spectrogram
from contextalk.media.waves import fit_blocks, regroup_blocks


def scene_of(path: Path, duration_s: float) -> Scene:
    return Scene(
        path=path, size_px=(64, 64), times_s=np.zeros(1), duration_s=duration_s, rotation_deg=0, has_audio=True
    )


@pytest.fixture
def voices(tmp_path: Path) -> tuple[Path, Path]:
    """A driving audio of 3.3 s and the scene's own of 5 s, both as loud as can be."""
    rng = np.random.default_rng(0)
    paths = tmp_path / "driving.wav", tmp_path / "scene.wav"
    for path, seconds in zip(paths, (3.3, 5.0), strict=True):
        write_wav(path, rng.uniform(-1, 1, round(seconds * 16000)).astype(np.float32))
    return paths


def test_in_blocks_is_what_it_was_at_once(voices: tuple[Path, Path]):
    audio, scene = voices[0], scene_of(voices[1], 4.4)
    silence = np.zeros(round(4.4 * 16000), np.float32)
    heard = silence + np.pad(read_audio(audio), (0, len(silence) - len(read_audio(audio))))
    np.testing.assert_array_equal(read_driving(audio, scene).mel, mel_spectrogram(heard))

    def at_once(path: Path) -> np.ndarray:
        wave, samples = read_audio(path, rate_hz=OUTPUT_RATE_HZ), round(4.4 * OUTPUT_RATE_HZ)
        return np.pad(wave[:samples], (0, max(0, samples - len(wave))))

    both = at_once(audio) + at_once(scene.path)
    assert np.abs(both).max() > 1
    wanted: dict[Sound, np.ndarray] = {"driving": at_once(audio), "scene+driving": both / np.abs(both).max()}
    for sound, wave in wanted.items():
        blocks = output_wave(sound, audio, scene)
        assert blocks is not None
        np.testing.assert_array_equal(np.concatenate(list(blocks)), wave)


def test_no_wave_is_held(voices: tuple[Path, Path]):
    """Ten minutes of output at 48 kHz are 115 MB; numpy says what it holds."""
    blocks = output_wave("scene+driving", voices[0], scene_of(voices[1], 600.0))
    assert blocks is not None
    tracemalloc.start()
    assert sum(map(len, blocks)) == 600 * OUTPUT_RATE_HZ
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_blocks_are_fitted_and_regrouped():
    parts = [np.arange(3.0, dtype=np.float32), np.zeros(0, np.float32), np.arange(3, 8, dtype=np.float32)]
    assert np.concatenate(list(fit_blocks(parts, 5))).tolist() == [0, 1, 2, 3, 4]
    assert np.concatenate(list(fit_blocks(parts, 10))).tolist() == [*range(8), 0, 0]
    assert [block.tolist() for block in regroup_blocks(parts, 3)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [len(block) for block in regroup_blocks(parts, 4)] == [4, 4]
