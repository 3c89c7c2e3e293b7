"""Offsets of sources are put right; clips whose sound does not fit are turned down with the reason."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.dataset.clips import read_clips
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare
from contextalk.dataset.sync import Stretch, judge, source_offset_frames
from contextalk.faces.agreement import Agreement, agreement

CONFIG = PrepareConfig()

TalkingFilm = Callable[..., tuple[Path, NDArray[np.float32]]]


def stretches(late_frames: Sequence[int], *, seconds: int = 3, speaks: bool = True) -> list[Stretch]:
    """Clips one after the other whose sound comes so many frames late."""
    rng, made = np.random.default_rng(3), []
    frames = 25 * seconds
    for number, late in enumerate(late_frames):
        opening = np.clip(gaussian_filter1d(rng.normal(size=frames), 1.5) * 4, 0, None)
        level = np.interp(np.arange(frames * 640) / 640 - late, np.arange(frames), opening)
        wave = (rng.normal(size=frames * 640) * (0.002 + 0.1 * level)).astype(np.float32)
        start_s = float(number * seconds)
        found = agreement(opening, wave)
        made.append(Stretch(start_s=start_s, stop_s=start_s + seconds, agreement=found, speaks=speaks))
    return made


def test_a_source_that_is_late_as_a_whole_is_put_right() -> None:
    clips = stretches([9] * 12)
    assert source_offset_frames(clips, CONFIG) == 9
    judged = judge(clips, 9, CONFIG)
    assert [(sync.offset_frames, sync.reject_reason) for sync in judged] == [(0, "")] * 12
    assert all(sync.strength > 0.5 for sync in judged)


def test_a_part_that_is_late_is_turned_down_and_the_rest_kept() -> None:
    clips = stretches([0] * 40 + [12] * 20)
    moved = source_offset_frames(clips, CONFIG)
    reasons = [sync.reject_reason for sync in judge(clips, moved, CONFIG)]
    assert moved == 0
    # Around the border, clips of both kinds are judged together, and more of one kind decide.
    assert set(reasons[:35]) == {""}
    assert set(reasons[45:]) == {"out of sync: by 12 frames, wanted within 6"}


def test_a_voice_over_does_not_fit() -> None:
    clips = [
        Stretch(start_s=c.start_s, stop_s=c.stop_s, agreement=_mismatched(c), speaks=True) for c in stretches([0] * 24)
    ]
    judged = judge(clips, source_offset_frames(clips, CONFIG), CONFIG)
    # Away from the ends 11 clips are judged together: noise correlates by 1/√825 = 0.035, the best of 31 shifts by
    # three times that at most.
    assert all(sync.reject_reason.startswith("sound does not fit: agreement 0.") for sync in judged[5:-5])


def _mismatched(one: Stretch) -> Agreement:
    rng = np.random.default_rng(int(one.start_s))
    return agreement(rng.normal(size=75), rng.normal(size=75 * 640).astype(np.float32) * 0.1)


@pytest.mark.parametrize("clips", [stretches([9] * 3), stretches([9] * 20, speaks=False)])
def test_where_too_little_is_said_nothing_is_claimed(clips: list[Stretch]) -> None:
    assert source_offset_frames(clips, CONFIG) == 0
    assert all(np.isnan(sync.strength) and not sync.reject_reason for sync in judge(clips, 0, CONFIG))


def test_sync_can_be_left_alone() -> None:
    config = PrepareConfig(min_sync=0.0)
    assert source_offset_frames(stretches([9] * 12), config) == 0
    assert all(np.isnan(sync.strength) for sync in judge(stretches([9] * 12), 0, config))


def test_late_sound_is_moved_in_the_clips(
    talking_film: TalkingFilm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film whose sound is 8 frames late: the clips' sound is the one that belongs to their pictures."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    film, spoken = talking_film(750, late_frames=8)
    prepare([film], tmp_path / "data")
    rows = read_manifest(tmp_path / "data").to_pylist()
    assert [(row["moved_frames"], row["offset_frames"]) for row in rows] == [(8, 0)] * 3
    assert min(row["sync"] for row in rows) > 0.5
    for clip, row in zip(read_clips(tmp_path / "data"), rows, strict=True):
        first = round(row["start_s"] * 16_000)
        wanted = spoken[first : first + len(clip.wave)][: -8 * 640]
        # AAC at 128 kbit/s keeps noise well above its shape's error; a shift of one frame would leave nothing alike.
        assert np.corrcoef(clip.wave[: len(wanted)], wanted)[0, 1] > 0.5
