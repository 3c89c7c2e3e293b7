"""The scene contract: frames, times, size, rotation, colour and every sample outside the mask are the scene's."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.records import GenerateRequest, GenerateResult
from contextalk.faces.crop import scene_mask
from contextalk.generation.compositor import stored_mask
from contextalk.generation.generate import generate_with
from contextalk.media.source import inspect_source
from contextalk.media.video import probe
from generation_kit import make_audio, make_scene, planes_of, simple_pipeline


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(scene: Path, seconds: float, suffix: str = ".mp4", *, lossless: bool = True) -> GenerateResult:
    folder = scene.parent.parent
    audio = make_audio(folder / "audio.wav", seconds)
    request = GenerateRequest(scene=scene, audio=audio, output=folder / f"out{suffix}", lossless=lossless)
    return generate_with(simple_pipeline(), request)


def assert_kept_outside(scene: Path, result: GenerateResult) -> None:
    source = inspect_source(scene).format
    x, y = source.colour.shrink
    before, after = planes_of(scene), planes_of(result.output)
    assert len(before) == len(after)
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        centre, side = result.crop.centre_px[index], float(result.crop.side_px[index])
        inside = stored_mask(scene_mask(source.size_px, centre, side), source) > 0
        for plane, (kept, made) in enumerate(zip(old, new, strict=True)):
            # Wider than the rule: a chroma sample that touches the mask's outside may not change.
            where = inside if plane == 0 else inside[::y, ::x] & inside[y - 1 :: y, x - 1 :: x]
            assert np.array_equal(kept[~where], made[~where]), f"frame {index}, plane {plane}"
        assert (old[0] != new[0])[inside].mean() > 0.5, f"frame {index} has no head"


RATES = {
    "25": (range(30), Fraction(1, 25)),
    "16": (range(20), Fraction(1, 16)),
    "29.97": (range(0, 30 * 1001, 1001), Fraction(1, 30000)),
    "50": (range(50), Fraction(1, 50)),
    "variable": (np.cumsum([0, *[33, 50, 17, 40, 90, 21] * 5]).tolist(), Fraction(1, 1000)),
}


@pytest.mark.parametrize("rate", RATES)
def test_every_rate_keeps_times_and_samples(tmp_path: Path, rate: str):
    ticks, time_base = RATES[rate]
    scene = make_scene(tmp_path / "scene", ticks=tuple(ticks), time_base=time_base)
    result = run(scene, 0.5)
    before, after = probe(scene), probe(result.output)
    assert after.times_s == pytest.approx(before.times_s, abs=1e-9)
    assert after.duration_s == pytest.approx(before.duration_s, abs=1e-9)
    assert_kept_outside(scene, result)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_rotated_scenes_stay_rotated(tmp_path: Path, rotation_deg: int):
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(9)), rotation_deg=rotation_deg)
    result = run(scene, 0.2)
    assert probe(result.output).rotation_deg == rotation_deg
    assert probe(result.output).size_px == probe(scene).size_px
    assert_kept_outside(scene, result)


@pytest.mark.parametrize("pix_fmt", ["yuv422p", "yuv444p", "yuv420p10le"])
def test_pixel_formats_are_kept(tmp_path: Path, pix_fmt: str):
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(3)), pix_fmt=pix_fmt)
    result = run(scene, 0.1)
    assert inspect_source(result.output).format.colour == inspect_source(scene).format.colour
    assert_kept_outside(scene, result)


def test_oblong_pixels_are_kept(tmp_path: Path):
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(3)), sample_aspect=Fraction(4, 3))
    result = run(scene, 0.1)
    assert inspect_source(result.output).format == inspect_source(scene).format
    assert_kept_outside(scene, result)


def test_a_scene_of_one_frame_works(tmp_path: Path):
    scene = make_scene(tmp_path / "scene", ticks=(0,))
    result = run(scene, 0.04)
    assert len(planes_of(result.output)) == 1


def test_h264_looks_the_same_outside_the_mask(tmp_path: Path):
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(12)))
    result = run(scene, 0.3, lossless=False)
    assert probe(result.output).times_s == pytest.approx(probe(scene).times_s)
    mask = scene_mask(probe(scene).size_px, result.crop.centre_px[0], float(result.crop.side_px[0])) > 0
    for old, new in zip(planes_of(scene), planes_of(result.output), strict=True):
        error = (old[0].astype(float) - new[0])[~mask]
        # Visually lossless: 40 dB is where coding is called transparent.
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 40
