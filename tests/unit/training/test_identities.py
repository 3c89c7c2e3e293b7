"""The head that is bent to a frame never comes from a window the frame can be in."""

import numpy as np
import pytest

from contextalk.core.time import WINDOW_FRAMES
from contextalk.training import identities
from contextalk.training.identities import KnownHead, bent_heads
from contextalk.training.pictures import ClipPictures


def seen(frames: int) -> ClipPictures:
    """Heads whose grey level is their frame's number."""
    heads = np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 256, 256, 3)).copy()
    blank = np.full_like(heads, 200)
    points = np.random.default_rng(0).uniform(60, 200, (1, 70, 2)).repeat(frames, axis=0).astype(np.float32)
    return ClipPictures(head=heads, masked=blank, drawing=blank, scene=blank, points=points)


def lent(key: str, value: int) -> KnownHead:
    return KnownHead(key=key, picture=np.full((256, 256, 3), value, np.uint8), points=seen(1).points[0])


@pytest.mark.parametrize("frames", [32, 33, 50, 120])
def test_a_long_clip_lends_from_outside_every_window(frames: int):
    for key in ("a", "b", "c", "d"):
        bent = bent_heads(key, seen(frames), ())
        lender = bent[:, 128, 128, 0].astype(int)
        for begin in range(frames - WINDOW_FRAMES + 1):
            window = range(begin, begin + WINDOW_FRAMES)
            assert not set(lender[begin : begin + WINDOW_FRAMES]) & set(window)


def test_a_short_clip_borrows_from_another_clip_and_never_from_itself():
    bent = bent_heads("short", seen(8), [lent("short", 90), lent("other", 150)])
    assert (bent[:, 128, 128] == 150).all()


def test_a_short_clip_alone_stays_masked():
    alone = seen(8)
    assert np.array_equal(bent_heads("short", alone, [lent("short", 90)]), alone.masked)


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
