"""A landmarks file that is none is said so in one line."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Landmarks


def landmarks(frames: int = 3) -> Landmarks:
    return Landmarks(
        points=np.zeros((frames, 68, 2), np.float32),
        pupils=np.full((frames, 2, 2), np.nan, np.float32),
        head_pose=np.zeros((frames, 3), np.float32),
        valid=np.ones(frames, bool),
        times_s=np.arange(frames) / 25,
        size_px=(640, 360),
    )


@pytest.mark.parametrize("content", [b"", b"not a file of arrays", None])
def test_what_is_no_landmarks_file_is_named(tmp_path: Path, content: bytes | None):
    path = tmp_path / "landmarks.npz"
    landmarks().save(path)
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    with pytest.raises(ContextalkError, match="is no landmarks file") as caught:
        Landmarks.load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ContextalkError, match="is no landmarks file"):
        Landmarks.load(tmp_path / "none.npz")
