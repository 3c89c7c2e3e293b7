"""Sync figures: the arithmetic against closed forms, and the whole way from a video and a sound to an offset."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from contextalk.evaluation.metrics.sync import (
    COLUMNS,
    OwnSync,
    PublishedSync,
    padded_distances,
    sync_figures,
    valid_distances,
)
from contextalk.media.video import write_video
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from judges_kit import FRAMES_S, evidence, grey_heads

CONFIDENCE, OFFSET = "sync confidence ({})", "sync offset ({})"
PADDED, VALID, OWN = "syncnet_v2", "syncnet_v2, valid shifts", "own judge"


def test_padded_distances_have_their_closed_form() -> None:
    windows = 60
    each = torch.eye(windows)
    distances = padded_distances(each, each)
    # Unlike rows of the identity are √2 apart; beyond the ends a zero vector is 1 from each of them.
    beyond = np.abs(np.arange(-15, 16))
    wanted = (np.sqrt(2) * (windows - beyond) + beyond) / windows
    wanted[15] = 0
    # The field's pairwise distance adds 1e-6 to each of the 60 differences.
    np.testing.assert_allclose(distances, wanted, atol=2e-5)
    figures = sync_figures(distances)
    assert figures.offset == 0
    assert figures.confidence == pytest.approx(np.median(wanted), abs=2e-5)


@pytest.mark.parametrize("late", [-9, 0, 4])
def test_the_offset_is_fifteen_minus_the_index_of_the_least(late: int) -> None:
    generator = torch.Generator().manual_seed(0)
    everything = torch.randn(100, 32, generator=generator)
    lips, sound = everything[20:80], everything[20 - late : 80 - late]
    for distances in (padded_distances(lips, sound), valid_distances(lips, sound)):
        assert distances is not None
        # Lips at i go with sound at i + late: index 15 + late, counted as −late.
        assert int(distances.argmin()) == 15 + late
        assert sync_figures(distances).offset == -late


def test_valid_shifts_hear_no_padding() -> None:
    lips, sound = torch.eye(50), torch.eye(50)
    distances = valid_distances(lips, sound)
    assert distances is not None
    unlike = torch.cat([distances[:15], distances[16:]])
    # All shifts are over the same 20 lips, all √2 from another row (1e-6 is added to each of 50 differences).
    np.testing.assert_allclose(unlike, np.sqrt(2), atol=1e-5)
    assert valid_distances(lips[:39], sound[:39]) is None
    assert valid_distances(lips[:40], sound[:40]) is not None


class Brightness(nn.Module):
    """Sees how blue the lower half of each frame is and hears how loud each frame's sound is: in sync, they agree."""

    def look(self, frames: Tensor) -> Tensor:
        return frames[:, 0, :, 112:].mean(dim=(2, 3)) / 10

    def listen(self, cepstra: Tensor) -> Tensor:
        energy = cepstra[:, 0, 0].unflatten(-1, (5, 4)).mean(dim=-1)
        return (energy - 8) * 2


def speaking_clip(frames: int, *, late: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Heads whose blue follows the log energy of a sound, `late` frames behind it; their red says nothing."""
    rng = np.random.default_rng(0)
    log_energy = rng.uniform(8, 18, frames)
    # The log energy of a 25 ms frame of noise of deviation s, pre-emphasised: log(400 · 1.94 / 2 · s²) or so.
    deviation = np.exp((log_energy - np.log(400 * 1.94 / 2)) / 2) / 32768
    wave = rng.normal(size=frames * FRAMES_S) * np.repeat(deviation, FRAMES_S)
    light = np.roll((log_energy - 8) * 20, late)
    heads = grey_heads(light)
    heads[..., 0] = 100
    return heads, np.clip(wave, -1, 1).astype(np.float32)


@pytest.mark.parametrize("late", [0, 3])
def test_syncnet_scores_a_video_by_its_own_sound(tmp_path: Path, late: int) -> None:
    heads, wave = speaking_clip(100, late=late)
    video = tmp_path / "clip.mp4"
    write_video(video, heads)
    figures = PublishedSync(Brightness()).measure(evidence(heads, wave=wave, video=video))  # pyright: ignore[reportArgumentType]
    for judge in (PADDED, VALID):
        assert figures[OFFSET.format(judge)] == late
        assert figures[CONFIDENCE.format(judge)] > 5


def test_what_syncnet_cannot_score_is_not_measured(tmp_path: Path) -> None:
    heads, wave = speaking_clip(99)
    video = tmp_path / "clip.mp4"
    write_video(video, heads)
    judge = PublishedSync(Brightness())  # pyright: ignore[reportArgumentType]
    short = judge.measure(evidence(heads, wave=wave, video=video))
    assert np.isnan(short[CONFIDENCE.format(PADDED)])
    assert np.isfinite(short[CONFIDENCE.format(VALID)])
    unseen = judge.measure(evidence(heads, wave=wave, video=video, points=np.full((99, 68, 2), np.nan, np.float32)))
    without = PublishedSync(None).measure(evidence(heads, wave=wave, video=video))
    for figures in (unseen, without):
        assert set(figures) == {name for name in COLUMNS if "own" not in name}
        assert np.isnan(list(figures.values())).all()


def test_a_fake_is_scored_in_the_real_scene(tmp_path: Path) -> None:
    heads, wave = speaking_clip(60)
    real = tmp_path / "real.mp4"
    write_video(real, grey_heads(np.full(60, 100)))
    clip = replace(evidence(heads, wave=wave), reference=real)
    offset = OFFSET.format(VALID)
    judge = PublishedSync(Brightness())  # pyright: ignore[reportArgumentType]
    assert judge.measure(clip)[offset] == 0
    late, _ = speaking_clip(60, late=4)
    assert judge.measure(replace(evidence(late, wave=wave), reference=real))[offset] == 4


def test_another_frame_rate_is_brought_to_25_hz(tmp_path: Path) -> None:
    heads, wave = speaking_clip(60)
    doubled = np.repeat(heads, 2, axis=0)
    video = tmp_path / "clip.mp4"
    write_video(video, doubled, rate_hz=50)
    clip = evidence(doubled, wave=wave, video=video, times_s=np.arange(120) / 50)
    figures = PublishedSync(Brightness()).measure(clip)  # pyright: ignore[reportArgumentType]
    assert figures[OFFSET.format(VALID)] == 0


def test_our_judge_scores_heads_without_a_video() -> None:
    torch.manual_seed(0)
    heads = np.random.default_rng(0).integers(0, 256, (44, 256, 256, 3), dtype=np.uint8)
    judge = OwnSync(SyncJudge(SyncJudgeConfig(channels=8, dim=8)))
    wave = np.random.default_rng(1).normal(0, 0.1, 44 * FRAMES_S).astype(np.float32)
    assert np.isfinite(judge.measure(evidence(heads, wave=wave))[CONFIDENCE.format(OWN)])
    assert np.isnan(judge.measure(evidence(heads[:43], wave=wave))[CONFIDENCE.format(OWN)])
    assert np.isnan(OwnSync(None).measure(evidence(heads, wave=wave))[CONFIDENCE.format(OWN)])


def test_every_column_names_its_judge() -> None:
    assert all(any(f"({judge})" in name for judge in (PADDED, VALID, OWN)) for name in COLUMNS)
    assert len(COLUMNS) == 9
