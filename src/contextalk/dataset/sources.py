"""Which videos a command line names, and what identifies each."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contextalk.core.errors import DatasetError

VIDEO_SUFFIXES = (".mp4", ".mkv", ".mov", ".m4v", ".webm", ".avi", ".mpg", ".mpeg", ".gif")
_SCENE = "scene.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One video to prepare.

    Attributes:
        path: The video.
        name: Readable and usable in a key: letters, digits, `_` and `-`.
        shown: How the manifest names it.
        synth: Whether exact labels of a procedural scene lie beside it.
    """

    path: Path
    name: str
    shown: str
    synth: bool

    def sidecars(self) -> list[Path]:
        """Files whose content decides what is prepared, apart from the video itself."""
        folder = self.path.parent
        if self.synth:
            return sorted(path for path in folder.iterdir() if path.suffix in (".npz", ".json", ".wav"))
        return [path for path in (self.path.with_suffix(".json"),) if path.is_file()] + sorted(
            folder.glob("landmarks-*.npz")
        )

    def content_hash(self) -> str:
        """SHA-256 over the video and its sidecars, hexadecimal."""
        total = hashlib.sha256()
        for path in [self.path, *self.sidecars()]:
            total.update(path.name.encode() + b"\0" + file_hash(path))
        return total.hexdigest()

    def unit(self, content: str) -> str:
        """Name of the source in the state of a `content_hash`: starts its shards and the keys of its clips."""
        return f"{self.name}-{content[:8]}"


def file_hash(path: Path) -> bytes:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def meaning(parameter: Path | str | None) -> str | None:
    """What a parameter stands for: one that is a file or a folder of landmarks, for what is in it."""
    if parameter is None:
        return None
    path = Path(parameter)
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path] if path.is_file() else []
    return "".join(file_hash(file).hex() for file in files) or str(parameter)


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Videos named by files, by folders of synth scenes and by folders of videos, in a stable order, each once.

    Raises:
        DatasetError: A path does not exist, or a folder holds neither.
    """
    found = {source.path.resolve(): source for path in paths for source in _from_path(path)}
    return list(found.values())


def _from_path(path: Path) -> list[Source]:
    if path.is_file():
        return [_source(path)]
    if not path.is_dir():
        raise DatasetError(f"source {path} does not exist; wanted a video or a folder of videos or synth scenes")
    scenes = [path / _SCENE, *sorted(path.glob(f"*/{_SCENE}"))]
    videos = [scene for scene in scenes if _is_synth(scene)]
    videos = videos or sorted(file for file in path.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise DatasetError(f"folder {path} holds no synth scene and no video, wanted {' '.join(VIDEO_SUFFIXES)}")
    return [_source(video) for video in videos]


def _source(path: Path) -> Source:
    synth = _is_synth(path)
    folder = path.resolve().parent
    name = f"{folder.parent.name}-{folder.name}" if synth else path.stem
    shown = f"{folder.parent.name}/{folder.name}/{path.name}" if synth else path.name
    return Source(path=path, name=key_name(name, 48), shown=shown, synth=synth)


def _is_synth(path: Path) -> bool:
    # `.part` is a scene that is still being written.
    return (
        path.name == _SCENE
        and path.resolve().parent.suffix != ".part"
        and all((path.parent / name).is_file() for name in (_SCENE, "scene.json", "labels.npz"))
    )


def key_name(name: str, longest: int) -> str:
    """`name` as part of a key: ASCII letters, digits, `_` and `-` (a dot would end the key in a shard)."""
    return re.sub(r"[^\w-]+", "_", name, flags=re.ASCII)[:longest]
