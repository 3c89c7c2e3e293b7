"""Clips in tar files (WebDataset layout)."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from webdataset.tariterators import tar_file_iterator
from webdataset.writer import TarWriter

SAMPLE_FILES = ("head.mp4", "scene.mp4", "audio.wav", "track.npz", "others.npz", "meta.json")


class ShardWriter:
    """A shard that is being written."""

    def __init__(self, tar: TarWriter) -> None:
        self._tar = tar

    def write(self, key: str, files: dict[str, bytes]) -> None:
        """Add a clip; `files` has the names of `SAMPLE_FILES`, `key` has no dot."""
        self._tar.write({"__key__": key, **files})


@contextmanager
def writing_shard(stream: BinaryIO) -> Iterator[ShardWriter]:
    """One shard, which ends with the block."""
    # A fixed time makes equal clips equal shards.
    tar = TarWriter(stream, encoder=False, mtime=0)
    yield ShardWriter(tar)
    tar.close()


def read_shard(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each clip of a shard, streaming."""
    with path.open("rb") as stream:
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
