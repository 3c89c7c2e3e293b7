"""Heads laid back into scenes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.evaluation.scenes import lay_head, shown_scenes
from contextalk.faces.crop import scene_mask
from contextalk.faces.views import head_crop
from contextalk.media.video import read_frames, write_video
from judges_kit import evidence, grey_heads


def textured(size_px: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: size_px[1], : size_px[0]]
    waves = [np.sin(x / 17 + phase) + np.cos(y / 13 - phase) for phase in (0, 1, 2)]
    return np.clip(128 + 50 * np.stack(waves, axis=-1), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("centre", "side"), [((150.0, 120.0), 128.0), ((201.3, 99.6), 180.5), ((320.0, 250.0), 430.0)])
def test_the_crop_of_a_scene_laid_back_is_the_scene(centre: tuple[float, float], side: float) -> None:
    scene = textured((640, 480))
    laid = lay_head(scene, head_crop(scene, np.array(centre), side), np.array(centre), side)
    inside = scene_mask((640, 480), np.array(centre), side) > 0
    assert np.array_equal(laid[~inside], scene[~inside])
    # Waves of some hundred px through two bilinear resamplings; half a pixel off would be 1.5 levels.
    assert np.abs(laid[inside].astype(float) - scene[inside]).mean() < 0.8
    moved = lay_head(scene, head_crop(scene, np.array(centre), side), np.array(centre) + 1, side)
    assert np.abs(moved[inside].astype(float) - scene[inside]).mean() > 1.2


def test_a_video_is_shown_as_it_is_and_a_fake_in_the_real_one(tmp_path: Path) -> None:
    video, real = tmp_path / "video.mp4", tmp_path / "real.mp4"
    for path, level in ((video, 60), (real, 200)):
        write_video(path, grey_heads(np.full(4, level)))
    clip = evidence(grey_heads(np.array([10, 20, 30, 40])), video=video)
    frames = np.array([1, 3])
    shown = list(shown_scenes(clip, frames))
    assert all(np.array_equal(one, other.rgb) for one, other in zip(shown, list(read_frames(video))[1::2], strict=True))
    fakes = list(shown_scenes(replace(clip, video=None, reference=real), frames))
    assert [int(fake[121, 128, 0]) for fake in fakes] == [20, 40]
    # The codec moves flat grey by a level or two.
    assert all(abs(int(fake[0, 0, 0]) - 200) <= 2 for fake in fakes)
