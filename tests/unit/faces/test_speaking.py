"""Who speaks, where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from contextalk.core.time import SAMPLE_RATE_HZ
from contextalk.faces import speaking as speaking_module
from contextalk.faces.speaking import (
    NOISE_PERCENTILE,
    SILENCE_DB,
    SPEECH_PERCENTILE,
    heard,
    moving_mouths,
    speaking,
    voice_activity,
)
from faces_kit import animate


def noise(loud_s: list[tuple[float, float]], duration_s: float) -> np.ndarray:
    times_s = np.arange(int(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    loud = np.any([(times_s >= start) & (times_s < stop) for start, stop in loud_s], axis=0)
    return (np.random.default_rng(0).normal(size=len(times_s)) * np.where(loud, 0.1, 0.001)).astype(np.float32)


def test_the_one_whose_mouth_moves_speaks_while_there_is_sound() -> None:
    talker = animate(1)
    silent = replace(talker, points=np.repeat(talker.points[:1], len(talker), axis=0))
    told = speaking([silent, talker], voice_activity([noise([(2.0, 4.0)], 6.0)], talker.times_s))
    loud = (talker.times_s > 2.2) & (talker.times_s < 3.8)
    quiet = (talker.times_s < 1.8) | (talker.times_s > 4.2)
    # The share of a slow jaw is about a half, see LEAST_MOTION_PER_S; a still one has none at all.
    assert told[1][loud].mean() > 0.3
    assert told[0].max() < 0.05
    assert told[1][quiet].max() < 0.05


def test_a_long_sound_in_blocks_is_the_same_as_one_sum_over_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = noise([(1.0, 2.0), (3.5, 5.0)], 6.0)
    times_s = np.arange(-5, 170) / 25  # before the first sample and after the last, too
    half, middle = SAMPLE_RATE_HZ // 25, np.rint(times_s * SAMPLE_RATE_HZ).astype(int)
    energy = np.concatenate([[0.0], np.cumsum(wave.astype(np.float64) ** 2)])
    low, high = (np.clip(middle + side, 0, len(wave)) for side in (-half, half))
    level_db = 10 * np.log10(np.maximum((energy[high] - energy[low]) / np.maximum(high - low, 1), 1e-12))
    floor, top = np.percentile(level_db, [NOISE_PERCENTILE, SPEECH_PERCENTILE])
    floor = max(floor, SILENCE_DB)
    wanted = np.clip((level_db - floor) / (top - floor) * 2 - 0.25, 0, 1)
    monkeypatch.setattr(speaking_module, "_BLOCK_SAMPLES", 10_000)
    told = voice_activity(np.array_split(wave, 37), times_s)
    # Sums of 1e5 float64 squares in another order, then float32.
    np.testing.assert_allclose(told, wanted, atol=1e-6)


def test_silence_and_hum_are_no_voice() -> None:
    times_s = np.arange(100) / 25
    assert not voice_activity([np.zeros(4 * SAMPLE_RATE_HZ, np.float32)], times_s).any()
    hum = np.sin(np.arange(4 * SAMPLE_RATE_HZ) * 0.05).astype(np.float32)
    assert not voice_activity([hum], times_s).any()


def test_without_sound_nobody_speaks() -> None:
    assert not speaking([animate(1)], np.zeros(150, np.float32))[0].any()
    assert speaking([], np.zeros(150, np.float32)) == []


def test_voices_off_screen_and_at_once_are_told_apart() -> None:
    talker, other = animate(1), animate(2)
    silent = replace(talker, points=np.repeat(talker.points[:1], len(talker), axis=0))
    voice = np.where(talker.times_s < 4, 1.0, 0.0).astype(np.float32)
    scenes = ([talker, silent], [silent], [talker, other])
    alone, nobody, both = (heard(moving_mouths(people), voice) for people in scenes)
    said = voice > 0
    # A jaw that moves like noise rests now and then, see LEAST_MOTION_PER_S.
    assert alone.off_screen[said].mean() < 0.4
    assert not alone.overlapping.any()
    assert nobody.off_screen[said].all()
    assert both.overlapping[said].mean() > 0.3
    for found in (alone, nobody, both):
        assert not (found.off_screen | found.overlapping)[~said].any()
    assert heard(moving_mouths([]), voice).off_screen.sum() == said.sum()
