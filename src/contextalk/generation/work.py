"""The work folder of an output: what is finished, under a key of everything that decides it, for one run at a time."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError

_HASH_BLOCK = 1 << 20


class WorkFolder:
    """`OUT.mp4.work/`, locked while in use.

    A folder left by a run with the same key is gone on with; one with another key is emptied. Parts are written whole
    or not at all.
    """

    def __init__(self, output: Path, key: str) -> None:
        self.path = output.with_name(output.name + ".work")
        self._output = output
        self._key = key
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> "WorkFolder":
        try:
            self._lock = self._acquire()
            self._reuse_or_empty()
        except OSError as error:
            raise ContextalkError(f"cannot write into {self._output.parent}: {error.strerror or error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._lock is not None
        self._lock.close()

    def load(self, name: str) -> dict[str, NDArray[np.generic]] | None:
        """Arrays put by under a name, or None."""
        path = self.path / f"{name}.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {field: stored[field] for field in stored.files}

    def save(self, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Put arrays by; on disk before this returns."""
        temporary = self.path / f"{name}.npz.part"
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path / f"{name}.npz")

    def remove(self) -> None:
        """Delete the folder; the output is finished."""
        # Killed half way, the rest is not gone on with.
        (self.path / "key").unlink()
        shutil.rmtree(self.path)

    def _acquire(self) -> IO[bytes]:
        while True:
            self.path.mkdir(exist_ok=True)
            path = self.path / "lock"
            lock = path.open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.close()
                raise ContextalkError(
                    f"another run is writing {self._output}: wait for it, or name another output"
                ) from error
            # The run before may have removed the folder between opening and locking.
            if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                return lock
            lock.close()

    def _reuse_or_empty(self) -> None:
        stored = self.path / "key"
        if stored.exists() and stored.read_text() == self._key:
            return
        # First, so that a folder half emptied is not gone on with.
        stored.unlink(missing_ok=True)
        for entry in self.path.iterdir():
            if entry.name != "lock":
                entry.unlink()
        stored.write_text(self._key)


def work_key(parts: Mapping[str, object]) -> str:
    """A digest of everything that decides the frames of an output."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
