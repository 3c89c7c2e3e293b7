"""Work folders: what a killed run leaves is whole or not gone on with."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.generation import work as module
from contextalk.generation.work import WorkFolder


def test_a_folder_half_removed_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    output = tmp_path / "out.mp4"
    with WorkFolder(output, "same") as work:
        work.save("segment-0000", {"frame": np.array(3)})
        monkeypatch.setattr(module.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            work.remove()
    with WorkFolder(output, "same") as work:
        assert work.load("segment-0000") is None


def test_a_folder_half_emptied_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.mp4"
    with WorkFolder(output, "old") as work:
        work.save("segment-0000", {"frame": np.array(3)})
        work.save("segment-0001", {"frame": np.array(4)})
    unlink, iterdir = Path.unlink, Path.iterdir

    def killed(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        if path.name == "segment-0001.npz":
            raise KeyboardInterrupt

    interrupted = WorkFolder(output, "new")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        patched.setattr(Path, "iterdir", lambda folder: iter(sorted(iterdir(folder), reverse=True)))
        with pytest.raises(KeyboardInterrupt):
            interrupted.__enter__()
        interrupted.__exit__(None, None, None)
    with WorkFolder(output, "old") as work:
        assert work.load("segment-0000") is None
