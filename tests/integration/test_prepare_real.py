"""Preparation of real footage: GRID recordings as they come."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.dataset.clips import read_clips
from contextalk.dataset.prepare import prepare


@pytest.mark.media
def test_short_recordings_become_clips_of_their_75_frames(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sources = sorted((media / "grid_s1_raw_mpg").glob("*.mpg"))[:2]
    prepare(sources, tmp_path / "data", person="s1")
    clips = list(read_clips(tmp_path / "data"))
    assert [clip.source for clip in clips] == [source.name for source in sources]
    for clip in clips:
        assert len(clip) == 75
        assert clip.person == "s1"
        assert clip.landmarks.size_px == (360, 288)
        assert np.abs(clip.wave).max() > 0.05  # somebody speaks
        points = clip.crop.to_crop(clip.landmarks.points)
        assert points.min() > 20
        assert points.max() < 236
        # Lips are redder than the cheek below the eye: the landmarks lie on this very picture.
        lips, cheek = (np.rint(points[0, at].mean(axis=0)).astype(int) for at in ([48, 54, 57], [1, 31]))
        redness = [
            clip.head[0, y - 2 : y + 3, x - 2 : x + 3, 0].mean() / clip.head[0, y - 2 : y + 3, x - 2 : x + 3, 1].mean()
            for x, y in (lips, cheek)
        ]
        assert redness[0] > redness[1]
