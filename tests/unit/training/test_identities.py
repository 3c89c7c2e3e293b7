"""The head that is bent to a frame never comes from a window the frame can be in."""

from types import SimpleNamespace

import numpy as np
import pytest

from contextalk.core.time import WINDOW_FRAMES
from contextalk.training import identities
from contextalk.training.identities import KnownHead, bent_heads, moment_of
from contextalk.training.pictures import ClipPictures


def seen(frames: int) -> ClipPictures:
    """Heads whose grey level is their frame's number."""
    heads = np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 256, 256, 3)).copy()
    blank = np.full_like(heads, 200)
    points = np.random.default_rng(0).uniform(60, 200, (1, 70, 2)).repeat(frames, axis=0).astype(np.float32)
    return ClipPictures(head=heads, masked=blank, drawing=blank, scene=blank, points=points)


def lent(source: str, value: int, time_s: float = 0.0) -> KnownHead:
    return KnownHead(
        source=source, time_s=time_s, picture=np.full((256, 256, 3), value, np.uint8), points=seen(1).points[0]
    )


@pytest.mark.parametrize("frames", [32, 33, 50, 120])
def test_a_long_clip_lends_from_outside_every_window(frames: int):
    for key in ("a", "b", "c", "d"):
        bent = bent_heads(key, seen(frames), ())
        lender = bent[:, 128, 128, 0].astype(int)
        for begin in range(frames - WINDOW_FRAMES + 1):
            window = range(begin, begin + WINDOW_FRAMES)
            assert not set(lender[begin : begin + WINDOW_FRAMES]) & set(window)


def test_a_short_clip_borrows_from_another_clip_and_never_from_itself():
    bent = bent_heads("short", seen(8), [lent("here", 90), lent("other", 150)], ("here", 0.0))
    assert (bent[:, 128, 128] == 150).all()


def test_a_short_clip_alone_stays_masked():
    alone = seen(8)
    assert np.array_equal(bent_heads("short", alone, [lent("here", 90)], ("here", 0.0)), alone.masked)


def test_the_same_moments_of_twins_and_copies_are_not_lent():
    """A clip of 2 s from 10 s on: its twin's head of 10.1 s may be bent to its second half, of 11.9 s to its first."""
    for number in range(10):
        lenders = [lent("scene", 90, 10.1), lent("scene", 150, 11.9)]
        bent = bent_heads(str(number), seen(50), lenders, ("scene", 10.0))[:, 128, 128, 0].astype(int)
        assert 90 not in bent[:25]
        assert 150 not in bent[25:]


def test_twins_are_of_one_source():
    clips = [
        SimpleNamespace(source=name, meta={"start_s": 1.5}) for name in ("a/scene-1/s.mp4", "a/scene-1-twin/s.mp4")
    ]
    assert moment_of(clips[0]) == moment_of(clips[1]) == ("a/scene-1/s.mp4", 1.5)  # pyright: ignore[reportArgumentType]


def test_a_long_clip_borrows_from_others_too():
    lenders = {
        int(bent_heads(str(number), seen(64), [lent("other", 255)])[0, 128, 128, 0]) == 255 for number in range(20)
    }
    assert lenders == {True, False}


def test_people_with_several_clips_lend_heads(monkeypatch: pytest.MonkeyPatch):
    asked: list[set[str]] = []
    monkeypatch.setattr(identities, "map_clips", lambda _, told, *__, **___: asked.append(set(told)) or iter(()))
    clips = {f"ann-{number}": ("ann", "train") for number in range(9)} | {"bob-0": ("bob", "train")}
    assert identities.spare_identities(None, clips) == {}  # pyright: ignore[reportArgumentType]
    assert len(asked[0]) == 3
    assert all(key.startswith("ann") for key in asked[0])


def test_no_split_lends_to_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        identities, "map_clips", lambda _, told, *__, **___: iter([(key, [lent(key, 1)]) for key in told])
    )
    clips = {f"{split}-{number}": ("ann", split) for number in range(3) for split in ("train", "test")}
    heads = identities.spare_identities(None, clips)  # pyright: ignore[reportArgumentType]
    assert {known.source[:5] for known in heads["ann", "train"]} == {"train"}
