"""A stage 2 that is shown the bent identity, and strangers who keep their own heads, at the scene's resolution."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.records import GenerateRequest, GenerateResult
from contextalk.faces.crop import scene_mask
from contextalk.generation.generate import generate_with
from contextalk.generation.pipeline import Face, Pipeline, Told
from contextalk.media.video import probe
from generation_kit import (
    EnergyFaces,
    FlatHeads,
    make_audio,
    make_scene,
    planes_of,
    scene_picture,
    simple_pipeline,
)

CLOSE_PX = (800, 600)
"""A scene whose face wants 512 px."""


def fine_picture(index: int, size_px: tuple[int, int], shade: int = 0) -> NDArray[np.uint8]:
    """The usual wall in bars of two px, which a crop of 256 px has not."""
    bars = 50 * ((np.arange(size_px[0]) // 2) % 2).astype(int)
    return (scene_picture(index, size_px, shade) * 0.8 + bars[None, :, None]).astype(np.uint8)


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenerateRequest:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("generation_kit.scene_picture", fine_picture)
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(15)), size_px=CLOSE_PX)
    audio = make_audio(tmp_path / "audio.wav", 0.5)
    return GenerateRequest(scene=scene, audio=audio, output=tmp_path / "out.mp4", lossless=True, force=True)


def pipeline(*, stranger: bool) -> Pipeline:
    def encode(heads: NDArray[np.uint8]) -> Tensor:
        level = torch.from_numpy(heads.mean(axis=(1, 2, 3)) / 255).float()
        return level.reshape(-1, 1, 1, 1).expand(-1, 16, 16, 16).clone()

    return replace(
        simple_pipeline(),
        faces=FlatHeads(wants=frozenset({"bent"})),
        encode=encode,
        why_not=lambda _: "nobody like this" if stranger else None,
    )


def middle(result: GenerateResult, frame: int) -> NDArray[np.bool_]:
    """Of the mask, where the head alone is seen."""
    return scene_mask(CLOSE_PX, result.crop.centre_px[frame], 0.4 * float(result.crop.side_px[frame])) > 0


def roughness(result: GenerateResult, planes: list[tuple[NDArray[Any], ...]], frame: int) -> float:
    """Mean luma step from px to px where the head alone is seen."""
    return float(np.abs(np.diff(planes[frame][0].astype(int), axis=1))[middle(result, frame)[:, 1:]].mean())


def test_a_stranger_keeps_the_own_head_as_fine_as_the_scene(request_: GenerateRequest):
    shown = pipeline(stranger=True)
    result = generate_with(shown, request_)
    true, made = planes_of(request_.scene), planes_of(request_.output)
    whole = scene_mask(probe(request_.scene).size_px, result.crop.centre_px[9], float(result.crop.side_px[9])) > 0
    assert all(np.array_equal(old[0][~whole], new[0][~whole]) for old, new in zip(true, made, strict=True))
    # Resampling to 512 px and back takes something; 256 px leave 0.2.
    assert roughness(result, made, 9) > 0.6 * roughness(result, true, 9)
    # The mouth opens no wider than it was seen: there is nothing to draw.
    assert shown.faces.calls == 0  # pyright: ignore[reportAttributeAccessIssue]


def test_the_inside_of_a_mouth_never_seen_open_is_drawn(request_: GenerateRequest):
    class Shouting(EnergyFaces):
        def window(self, told: Told, *rest: Any) -> Face:
            points, pupils = super().window(told, *rest)
            points[:, 65:68, 1] += 14
            return points, pupils

    shown = replace(pipeline(stranger=True), landmarks=Shouting())
    generate_with(shown, request_)
    assert shown.faces.calls > 0  # pyright: ignore[reportAttributeAccessIssue]


def test_somebody_known_is_drawn(request_: GenerateRequest):
    known, strange = pipeline(stranger=False), pipeline(stranger=True)
    drawn = generate_with(known, request_)
    own = generate_with(strange, replace(request_, output=request_.output.with_name("own.mp4")))
    where = middle(drawn, 9)
    pictures = [planes_of(result.output)[9][0][where].astype(int) for result in (drawn, own)]
    assert np.abs(pictures[0] - pictures[1]).mean() > 10
    assert known.faces.calls == 3  # pyright: ignore[reportAttributeAccessIssue]
    # Compared with what is drawn, a stranger too is drawn.
    compared = replace(pipeline(stranger=True), encode=None)
    generate_with(compared, replace(request_, output=request_.output.with_name("compared.mp4")))
    assert compared.faces.calls == 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("stranger", [False, True])
def test_segments_change_no_frame_of_a_bent_head(request_: GenerateRequest, stranger: bool):
    made = []
    for name, windows in (("short.mp4", 1), ("long.mp4", 36)):
        output = request_.output.with_name(name)
        generate_with(pipeline(stranger=stranger), replace(request_, output=output), segment_windows=windows)
        made.append(planes_of(output))
    for one, other in zip(*made, strict=True):
        assert all(np.array_equal(*planes) for planes in zip(one, other, strict=True))


def test_between_drawn_frames_own_heads_are_bent_and_not_mixed(request_: GenerateRequest, tmp_path: Path):
    """At 50 frames a second every second head is drawn: those between, where the face rocks, are no smoother."""
    scene = make_scene(tmp_path / "fast", ticks=tuple(range(22)), time_base=Fraction(1, 50), size_px=CLOSE_PX)
    request_ = replace(request_, scene=scene, audio=make_audio(tmp_path / "short.wav", 0.3))

    class Rocking(EnergyFaces):
        def window(self, told: Told, *rest: Any) -> Face:
            points, pupils = super().window(told, *rest)
            points[1::2, :, 0] += 6
            return points, pupils

    result = generate_with(replace(pipeline(stranger=True), landmarks=Rocking()), request_)
    made = planes_of(request_.output)
    rough = [roughness(result, made, frame) for frame in range(1, len(made))]
    assert min(rough) > 0.9 * max(rough)
