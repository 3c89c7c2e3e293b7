"""Pictures of clips that are finished though their source is not, under a hash of all that decides them.

A killed run loses the clip it was at; a changed parameter costs the pictures that it changes and no others.
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from contextalk.dataset.files import writing
from contextalk.dataset.places import Place
from contextalk.dataset.shards import read_shard, writing_shard

PICTURES = ("head.mp4", "scene.mp4")


class Pieces:
    """The clips of one source, the pictures of each in a file of their own until all are there and go into shards."""

    def __init__(self, folder: Path) -> None:
        """Args: `folder` is made, and removed by `forget`."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, digest: str) -> bool:
        """Whether a clip's pictures are finished."""
        return self._path(digest).is_file()

    def keep(self, digest: str, files: dict[str, bytes]) -> None:
        """Write a clip's pictures whole or not at all."""
        with writing(self._path(digest)) as stream, writing_shard(stream) as shard:
            shard.write(digest, files)

    def read(self, digest: str) -> dict[str, bytes]:
        """The pictures of a finished clip."""
        ((_, files),) = read_shard(self._path(digest))
        return files

    def adopt(self, dataset: Place, shard: str, digests: dict[str, str], wanted: Iterable[str]) -> None:
        """Keep the pictures of those clips of an older shard that are wanted.

        Args:
            dataset: Where the shard may lie.
            shard: Its name there.
            digests: Hash of each of its keys.
            wanted: Hashes.
        """
        missing = {digest for digest in wanted if not self.has(digest)}
        if missing.isdisjoint(digests.values()) or not dataset.has(shard):
            return
        for key, files in read_shard(dataset.fetch(shard)):
            if digests.get(key) in missing:
                self.keep(digests[key], {name: files[name] for name in PICTURES})

    def forget(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.tar"


def digest_of(*parts: bytes) -> str:
    """Hash of bytes, each part apart from the next."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:32]
