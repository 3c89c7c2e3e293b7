"""Clips in tar files (WebDataset layout): written whole or not at all, read from a folder or any fsspec URL."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import cast

import fsspec
from webdataset.tariterators import tar_file_iterator
from webdataset.writer import TarWriter

SAMPLE_FILES = ("head.mp4", "scene.mp4", "audio.wav", "track.npz", "others.npz", "meta.json")


class ShardWriter:
    """One shard; it gets its name when the `with` block ends well, and leaves nothing when it does not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._stream = self._temporary.open("wb")
        # A fixed time makes equal clips equal shards.
        self._tar = TarWriter(self._stream, encoder=False, mtime=0)

    def write(self, key: str, files: dict[str, bytes]) -> None:
        """Add a clip; `files` has the names of `SAMPLE_FILES`, `key` has no dot."""
        self._tar.write({"__key__": key, **files})

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        if kind is None:
            self._temporary.replace(self._path)
        else:
            self._temporary.unlink()


def read_shard(address: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each clip of a shard, streaming; a local path or an fsspec URL."""
    with fsspec.open(address, "rb") as stream:
        key, files = "", dict[str, bytes]()
        # Annotated as a tar file; it wants the stream of one.
        for entry in tar_file_iterator(cast(tarfile.TarFile, stream)):
            entry_key, _, name = entry["fname"].partition(".")
            if entry_key != key and files:
                yield key, files
                files = {}
            key = entry_key
            files[name] = entry["data"]
        if files:
            yield key, files
