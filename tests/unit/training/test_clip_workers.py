"""Several processes read what one would, in the same order."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.unit.dataset.conftest import synth_scene

from contextalk.dataset.clips import Clip
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare
from contextalk.training.clip_workers import map_clips
from contextalk.training.latents import see_clip

__all__ = ["synth_scene"]


def fail(clip: Clip, told: int) -> None:
    raise ValueError(f"{clip.key} was told {told}")


def test_processes_see_clips_as_one_does(synth_scene: Callable[..., Path], tmp_path: Path) -> None:
    scenes = [synth_scene(f"scene-{number:04d}", num_frames=16, seed=number) for number in range(3)]
    prepare(scenes, tmp_path / "data", target="all", min_s=0.5)
    keys = [row["key"] for row in read_manifest(tmp_path / "data").to_pylist() if row["shard"]]
    assert len(keys) == 6
    told = dict.fromkeys(reversed(keys[1:]), ())
    act = partial(see_clip, draws_pupils=True)
    alone, together = (list(map_clips(tmp_path / "data", told, act, workers=workers)) for workers in (1, 2))
    assert [clip.key for clip in alone] == [clip.key for clip in together] == keys[1:]
    for one, other in zip(alone, together, strict=True):
        for name, value in (one.pictures | one.rest).items():
            assert np.array_equal(value, (other.pictures | other.rest)[name]), name
    with pytest.raises(ValueError, match="was told 4"):
        list(map_clips(tmp_path / "data", {keys[0]: 4}, fail, workers=2))
