"""What is in front of the target stays the scene's: the scene contract holds with a mask that is smaller by it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.records import GenerateRequest, GenerateResult, Shot
from contextalk.faces import analysis as analysis_module
from contextalk.faces import occluders as occluders_module
from contextalk.faces.crop import scene_mask
from contextalk.faces.hands import Hand
from contextalk.faces.occluders import find_occluders
from contextalk.generation.compositor import stored_mask
from contextalk.generation.generate import generate_with
from contextalk.media.source import inspect_source
from contextalk.media.video import probe
from faces_kit import spread_hand
from generation_kit import face_points, make_audio, make_scene, planes_of, simple_pipeline, still_landmarks

FRAMES = 30


class LowerHalf:
    """Takes the lower half of the crop for something in front."""

    name = "lower-half-1"

    def in_front(self, head: np.ndarray, points: np.ndarray) -> np.ndarray:  # noqa: ARG002 (a protocol's)
        return np.broadcast_to(np.arange(256)[:, None] >= 128, (256, 256))


class Stopped(Exception):  # noqa: N818 (no error: somebody presses Ctrl-C)
    pass


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenerateRequest:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    scene = make_scene(tmp_path / "scene", ticks=tuple(range(FRAMES)))
    audio = make_audio(tmp_path / "audio.wav", 1.0)
    return GenerateRequest(scene=scene, audio=audio, output=tmp_path / "out.mp4", lossless=True, target="0")


def changed(request: GenerateRequest, result: GenerateResult) -> np.ndarray:
    """(F, H, W) luma that is not the scene's."""
    pairs = zip(planes_of(request.scene), planes_of(result.output), strict=True)
    return np.stack([old[0] != new[0] for old, new in pairs])


def inside(request: GenerateRequest, result: GenerateResult) -> np.ndarray:
    source = inspect_source(request.scene).format
    masks = [
        stored_mask(scene_mask(source.size_px, result.crop.centre_px[row], float(result.crop.side_px[row])), source)
        for row in range(FRAMES)
    ]
    return np.stack(masks) > 0


def nearer_head(request: GenerateRequest) -> None:
    """Somebody larger, whose head covers the target's right cheek."""
    times_s = probe(request.scene).times_s
    points = np.repeat(face_points((112, 66), 52)[None], FRAMES, axis=0)
    still = still_landmarks(times_s)
    replace(still, points=points, pupils=np.full_like(still.pupils, np.nan)).save(
        request.scene.parent / "landmarks-1.npz"
    )


def test_a_nearer_head_stays_the_scenes(request_: GenerateRequest) -> None:
    nearer_head(request_)
    result = generate_with(simple_pipeline(), request_)
    target, other = (type(result.landmarks).load(request_.scene.parent / f"landmarks-{k}.npz") for k in (0, 1))
    (found,) = find_occluders(probe(request_.scene), (Shot(start=0, stop=FRAMES),), [target, other], [0], None)
    front = np.stack([found.mask(frame, (160, 120)) for frame in range(FRAMES)]) > 0
    where = inside(request_, result)
    assert 0.05 < (front & where).sum() / where.sum() < 0.6
    moved = changed(request_, result)
    assert not moved[~where | front].any()
    assert moved[where & ~front].mean() > 0.5
    told = result.report["occluders"]
    assert isinstance(told, dict)
    assert told["kept_spans"] == [[0, FRAMES]]
    assert 0.05 < told["kept_share"] < 0.6

    over = generate_with(
        simple_pipeline(), replace(request_, occluders="ignore", output=request_.output.with_stem("over"))
    )
    assert changed(request_, over)[front & where].mean() > 0.5
    assert over.report["occluders"] == {**told, "choice": "ignore", "found_by": ""} | {
        "kept_spans": [],
        "kept_share": 0.0,
        "largest_kept_share": 0.0,
        "hands_not_looked_for": "",
    }


def test_a_segmenter_decides_and_a_resumed_run_tells_the_same(request_: GenerateRequest) -> None:
    whole = generate_with(simple_pipeline(), request_, segment_windows=2, segmenter=LowerHalf())
    below = np.zeros((FRAMES, 120, 160), bool)
    for frame in range(FRAMES):
        below[frame, int(np.ceil(whole.crop.centre_px[frame, 1])) :] = True
    assert not changed(request_, whole)[below | ~inside(request_, whole)].any()
    assert changed(request_, whole)[~below & inside(request_, whole)].mean() > 0.5

    def stop(what: str, done: int, total: int) -> None:  # noqa: ARG001 (as progress is called)
        if what == "heads" and done == 20:
            raise Stopped

    again = replace(request_, output=request_.output.with_stem("again"))
    with pytest.raises(Stopped):
        generate_with(simple_pipeline(), again, stop, segment_windows=2, segmenter=LowerHalf())
    resumed = generate_with(simple_pipeline(), again, segment_windows=2, segmenter=LowerHalf())
    assert resumed.report["resumed_segments"]
    assert resumed.report["occluders"] == whole.report["occluders"]
    for old, new in zip(planes_of(whole.output), planes_of(resumed.output), strict=True):
        assert all(np.array_equal(*planes) for planes in zip(old, new, strict=True))


class HandAtTheChin:
    """Finds a hand in the middle of all it is shown: at the face."""

    def __call__(self, rgb: np.ndarray) -> list[Hand]:
        middle = (rgb.shape[1] / 2, rgb.shape[0] / 2)
        return [Hand(joints=spread_hand(middle, rgb.shape[0] / 16), presence=0.9)]


def test_a_hand_stays_the_scenes_and_a_resumed_run_keeps_it(
    request_: GenerateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_module, "HandFinder", HandAtTheChin)
    monkeypatch.setattr(analysis_module, "watch_version", lambda: "hand-at-the-chin")
    monkeypatch.setattr(occluders_module, "watch_version", lambda: "hand-at-the-chin")
    whole = generate_with(simple_pipeline(), request_, segment_windows=2)
    told = whole.report["occluders"]
    assert isinstance(told, dict)
    assert told["kept_spans"] == [[0, FRAMES]]
    assert told["hands_not_looked_for"] == ""
    assert "hand-at-the-chin" in str(told["found_by"])
    moved, where = changed(request_, whole), inside(request_, whole)
    assert 0.02 < told["kept_share"] < 0.5
    # Luma has the scene's resolution: what is kept of the mask stays, and the rest is drawn.
    assert 1 - moved[where].mean() >= told["kept_share"]
    assert moved[where].mean() > 0.4
    over = generate_with(
        simple_pipeline(), replace(request_, occluders="ignore", output=request_.output.with_stem("o"))
    )
    assert changed(request_, over)[where].sum() > moved[where].sum()

    def stop(what: str, done: int, total: int) -> None:  # noqa: ARG001 (as progress is called)
        if what == "heads" and done == 20:
            raise Stopped

    again = replace(request_, output=request_.output.with_stem("again"))
    with pytest.raises(Stopped):
        generate_with(simple_pipeline(), again, stop, segment_windows=2)
    resumed = generate_with(simple_pipeline(), again, segment_windows=2)
    assert resumed.report["resumed_segments"]
    assert resumed.report["occluders"] == told
    for old, new in zip(planes_of(whole.output), planes_of(resumed.output), strict=True):
        assert all(np.array_equal(*planes) for planes in zip(old, new, strict=True))
