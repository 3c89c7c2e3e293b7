"""Clips dubbed by real speakers: the sound and the mouth are theirs, all else is the clip's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.unit.training.test_context import clip

from contextalk.core.errors import DatasetError
from contextalk.core.records import mouth_opening
from contextalk.dataset.clips import Soundtrack
from contextalk.models.codec import Codec, CodecConfig
from contextalk.training import dubbing
from contextalk.training.dubbing import Sentence, dub_clips, read_sentences
from contextalk.training.latents import LatentClip
from faces_kit import animate


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1)).eval()


def drawn(key: str, seed: int) -> LatentClip:
    """A clip of 16 frames with a moving face in its crop."""
    face = animate(seed, frames=16).points
    points = np.concatenate([face, face[:, [37, 43]]], axis=1)
    return replace(clip(key, 1.0), points=torch.from_numpy(points - points.min()))


def gap(points: np.ndarray) -> np.ndarray:
    """Between the lips, in lengths of the nose: turning aside changes neither."""
    return (points[:, 66, 1] - points[:, 62, 1]) / (points[:, 30, 1] - points[:, 27, 1])


def sentence(key: str, seed: int, frames: int = 40, person: str = "bert") -> Sentence:
    points = animate(seed, frames=frames).points
    mel = np.full((frames, 80, 16), np.arange(frames)[:, None, None], np.float16)
    return Sentence(key=key, person=person, split="train", mel=mel, points=points)


def dub(clips: list[LatentClip], said: list[Sentence], codec: Codec, folder: Path) -> list[LatentClip]:
    return dub_clips(clips, said, codec, folder, draws_pupils=True, seed=0)


def test_every_sentence_is_said_once_and_the_mouth_is_its_speakers(codec: Codec, tmp_path: Path):
    clips = [drawn("a", 1), drawn("b", 2)]
    said = [sentence(f"s{index}", 10 + index) for index in range(3)]
    dubbed = dub(clips, said, codec, tmp_path)

    assert sorted(one.key.split("+")[1] for one in dubbed) == ["s0", "s1", "s2"]
    assert {one.key.split("+")[0] for one in dubbed} == {"a", "b"}
    for one, spoken in zip(dubbed, said, strict=True):
        own = next(clip for clip in clips if one.key.startswith(clip.key + "+"))
        first = int(one.mel[0, 0, 0])  # the mel says which frames of the sentence these are
        assert torch.equal(one.mel[:, 0, 0], torch.arange(first, first + 16, dtype=torch.float16))
        seen, wanted = gap(one.points.numpy()), gap(spoken.points[first : first + 16])
        # Nods, rolls and a noise of 0.3 px are all that differs: 0.94 at least here.
        assert np.corrcoef(seen, wanted)[0, 1] > 0.9
        assert np.corrcoef(seen, gap(own.points.numpy()))[0, 1] < 0.7
        for name in ("scene", "place", "others", "face"):
            assert torch.equal(getattr(one, name), getattr(own, name))
        # Eyes, brows and nose are the clip's to a rounding of float32 at some hundred px.
        np.testing.assert_allclose(one.points[:, 17:48], own.points[:, 17:48], atol=2e-3)
        assert torch.equal(one.points[:, 68:], own.points[:, 68:])
        assert (one.drawing != own.drawing).any()


def test_whoever_hardly_opens_the_mouth_opens_it_as_wide_as_drawn_people(codec: Codec, tmp_path: Path):
    clips = [drawn("a", 1)]
    loud = sentence("s", 10)
    middle = loud.points[:, 60:68].mean(axis=1, keepdims=True)
    mumbled = loud.points.copy()
    mumbled[:, 48:] = middle + 0.3 * (mumbled[:, 48:] - middle)
    quiet = replace(loud, points=mumbled)
    opened = [mouth_opening(dub(clips, [one], codec, tmp_path)[0].points.numpy()) for one in (loud, quiet)]
    assert mouth_opening(quiet.points).std() < 0.4 * mouth_opening(loud.points).std()
    # Jaws were not made to mumble and lips not measured at rest: within a third.
    assert opened[1].std() == pytest.approx(opened[0].std(), rel=0.33)


def test_a_dubbed_clip_is_drawn_once(codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clips, said = [drawn("a", 1)], [sentence("s", 10)]
    before = dub(clips, said, codec, tmp_path)
    monkeypatch.setattr(dubbing, "encode_pictures", None)
    assert torch.equal(dub(clips, said, codec, tmp_path)[0].drawing, before[0].drawing)
    with pytest.raises(TypeError):  # other landmarks, another clip
        dub(clips, [sentence("s", 11)], codec, tmp_path)


def test_a_sentence_shorter_than_the_clip_dubs_its_beginning(codec: Codec, tmp_path: Path):
    dubbed = dub([drawn("a", 1)], [sentence("s", 10, frames=9)], codec, tmp_path)
    assert len(dubbed[0]) == len(dubbed[0].face) == len(dubbed[0].mel) == 9


def test_silent_people_cannot_be_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    still = animate(3)
    parted = np.repeat(still.points[:1], len(still), axis=0)  # open, and it rests
    track = Soundtrack(
        key="s", person="bert", split="train", wave=np.zeros(16000, np.float32), landmarks=replace(still, points=parted)
    )
    kept = {"s": ("bert", "train"), "t": ("bert", "test")}  # the second is never heard
    monkeypatch.setattr(dubbing, "list_clips", lambda _: (kept, {}))
    wanted: list[str] = []

    def listen(_dataset: Path, *, keys: list[str]) -> list[Soundtrack]:
        wanted.extend(keys)
        return [track]

    monkeypatch.setattr(dubbing, "read_soundtracks", listen)
    with pytest.raises(DatasetError, match="nobody in its training split who speaks"):
        read_sentences(tmp_path)
    assert wanted == ["s"]  # test sentences are never heard
