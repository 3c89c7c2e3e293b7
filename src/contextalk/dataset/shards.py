"""Clips in tar files (WebDataset layout): written whole or not at all, read from a folder or any fsspec URL."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import fsspec
from webdataset.tariterators import tar_file_iterator
from webdataset.writer import TarWriter

from contextalk.dataset.files import writing

SAMPLE_FILES = ("head.mp4", "scene.mp4", "audio.wav", "track.npz", "others.npz", "meta.json")


class ShardWriter:
    """A shard that is being written."""

    def __init__(self, tar: TarWriter) -> None:
        self._tar = tar

    def write(self, key: str, files: dict[str, bytes]) -> None:
        """Add a clip; `files` has the names of `SAMPLE_FILES`, `key` has no dot."""
        self._tar.write({"__key__": key, **files})


@contextmanager
def writing_shard(path: Path) -> Iterator[ShardWriter]:
    """One shard; it gets its name when the block ends well, and leaves nothing when it does not."""
    with writing(path) as stream:
        # A fixed time makes equal clips equal shards.
        tar = TarWriter(stream, encoder=False, mtime=0)
        yield ShardWriter(tar)
        tar.close()


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
