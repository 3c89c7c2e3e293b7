"""Which videos a command line names, here or at URLs, and what identifies each."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError, PlaceError
from contextalk.dataset.places import Folder, Found, Place, RemoteFolder, is_url

VIDEO_SUFFIXES = (".mp4", ".mkv", ".mov", ".m4v", ".webm", ".avi", ".mpg", ".mpeg", ".gif")
_SCENE = "scene.mp4"
_LABELLED = (_SCENE, "scene.json", "labels.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One video to prepare.

    Attributes:
        place: The folder in which it lies.
        video: Its name in there.
        name: Readable and usable in a key: letters, digits, `_` and `-`.
        shown: How the manifest names it.
        synth: Whether exact labels of a procedural scene lie beside it.
        num_bytes: Size of the video.
        files: Names of all that `fetch` brings here; empty for a video of this machine.
        version: Changes when one of `files` does; empty for a video of this machine.
        content: Its `content_hash`, where that is known without the files.
    """

    place: Place
    video: str
    name: str
    shown: str
    synth: bool
    num_bytes: int
    files: tuple[str, ...] = ()
    version: str = ""
    content: str = ""

    @property
    def path(self) -> Path:
        """Where the video lies on this machine, or comes to lie when it is fetched."""
        return self.place.folder / self.video

    @property
    def address(self) -> str:
        """Absolute path or URL, to know an older state of the same video."""
        return self.place.address(self.video)

    def fetch(self, progress: Progress | None = None) -> None:
        """Bring a video at a URL here with its sidecars; what is here and has not changed is kept.

        Raises:
            PlaceError: Out of reach.
        """
        if not self.files:
            return
        try:
            kept = {self.place.fetch(file, progress) for file in self.files}
        except FileNotFoundError as error:
            raise PlaceError(f"{self.address}, or a file beside it, is there no more ({error})") from error
        for gone in [path for path in self.sidecars() if path not in kept]:
            gone.unlink()

    def forget(self) -> None:
        """Remove the copy of a video at a URL; its sidecars are small, and may be another's too."""
        self.place.forget(self.video)

    def sidecars(self) -> list[Path]:
        """Files whose content decides what is prepared, apart from the video itself."""
        folder = self.path.parent
        beside = _sidecars([path.name for path in folder.iterdir() if not path.is_dir()], self.path.name, self.synth)
        return [folder / name for name in beside]

    def content_hash(self) -> str:
        """SHA-256 over the video and its sidecars, hexadecimal."""
        if self.content:
            return self.content
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


def find_sources(addresses: Sequence[Path | str]) -> list[Source]:
    """Videos named by files, by folders of synth scenes and by folders of videos, in a stable order, each once.

    Raises:
        DatasetError: A path or a URL does not exist, or a folder holds neither.
        PlaceError: A URL is out of reach.
    """
    found = {source.address: source for address in addresses for source in _sources_at(address)}
    return list(found.values())


def _sources_at(address: Path | str) -> list[Source]:
    return _from_url(address) if is_url(address) else _from_path(Path(address))


def _from_path(path: Path) -> list[Source]:
    if path.is_file():
        return [_local_source(path)]
    if not path.is_dir():
        raise _missing(path)
    scenes = [path / _SCENE, *sorted(path.glob(f"*/{_SCENE}"))]
    videos = [scene for scene in scenes if _is_synth(scene)]
    videos = videos or sorted(file for file in path.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise _empty(path)
    return [_local_source(video) for video in videos]


def _from_url(url: str) -> list[Source]:
    try:
        if not RemoteFolder(url).is_folder():
            return [_from_file_url(RemoteFolder(url, above=True))]
    except FileNotFoundError as error:
        raise _missing(url) from error
    place = RemoteFolder(url)
    listing = place.listing()
    inside = [PurePosixPath(name) for name in listing]
    folders = sorted({name.parent for name in inside if name.name == _SCENE and name.parent.suffix != ".part"})
    videos = [folder / _SCENE for folder in folders if all(str(folder / file) in listing for file in _LABELLED)]
    synth = bool(videos)
    videos = videos or sorted(name for name in inside if len(name.parts) == 1 and name.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise _empty(url)
    return [_listed_source(place, video, synth, listing) for video in videos]


def _listed_source(
    place: RemoteFolder, video: PurePosixPath, synth: bool, listing: Mapping[str, Found | None]
) -> Source:
    beside = [name.name for name in map(PurePosixPath, listing) if name.parent == video.parent]
    names = [str(video.parent / name) for name in (video.name, *_sidecars(beside, video.name, synth))]
    return _remote_source(place, synth, {name: listing[name] or place.look(name) for name in names})


def _from_file_url(place: RemoteFolder) -> Source:
    """A video named by itself: most web servers list no folders, so its neighbours are asked for by name."""
    files = {place.file: place.look(place.file)}

    def ask(name: str) -> bool:
        try:
            files[name] = place.look(name)
        except FileNotFoundError:
            return False
        return True

    ask(str(PurePosixPath(place.file).with_suffix(".json")))
    synth = place.file == _SCENE and "scene.json" in files and ask("labels.npz")
    for stem, suffix in (("landmarks", "npz"), *([("speaker", "wav")] if synth else [])):
        for number in count():
            if not ask(f"{stem}-{number}.{suffix}"):
                break
    return _remote_source(place, synth, files)


def _remote_source(place: RemoteFolder, synth: bool, files: Mapping[str, Found]) -> Source:
    """Args: `files` has the video first."""
    video = next(iter(files))
    stamps = "\n".join(f"{name} {found.stamp}" for name, found in sorted(files.items()))
    version = hashlib.sha256(stamps.encode()).hexdigest()
    return _source(place, video, synth, files[video].num_bytes, files=tuple(files), version=version)


def _local_source(path: Path) -> Source:
    return _source(Folder(path.parent), path.name, _is_synth(path), path.stat().st_size)


def _source(
    place: Place, video: str, synth: bool, num_bytes: int, *, files: tuple[str, ...] = (), version: str = ""
) -> Source:
    path = place.folder / video
    folder = path.resolve().parent
    name = f"{folder.parent.name}-{folder.name}" if synth else path.stem
    return Source(
        place=place,
        video=video,
        name=key_name(name, 48),
        shown=f"{folder.parent.name}/{folder.name}/{path.name}" if synth else path.name,
        synth=synth,
        num_bytes=num_bytes,
        files=files,
        version=version,
    )


def _sidecars(names: Iterable[str], video: str, synth: bool) -> list[str]:
    """Of the files in the folder of a video those that belong to it."""
    here = sorted(names)
    if synth:
        return [name for name in here if PurePosixPath(name).suffix in (".npz", ".json", ".wav")]
    bounds = str(PurePosixPath(video).with_suffix(".json"))
    landmarks = [name for name in here if PurePosixPath(name).match("landmarks-*.npz")]
    return [name for name in here if name == bounds] + landmarks


def _is_synth(path: Path) -> bool:
    # `.part` is a scene that is still being written.
    return (
        path.name == _SCENE
        and path.resolve().parent.suffix != ".part"
        and all((path.parent / name).is_file() for name in _LABELLED)
    )


def _missing(address: Path | str) -> DatasetError:
    return DatasetError(f"source {address} does not exist; wanted a video or a folder of videos or synth scenes")


def _empty(address: Path | str) -> DatasetError:
    return DatasetError(f"folder {address} holds no synth scene and no video, wanted {' '.join(VIDEO_SUFFIXES)}")


def key_name(name: str, longest: int) -> str:
    """`name` as part of a key: ASCII letters, digits, `_` and `-` (a dot would end the key in a shard)."""
    return re.sub(r"[^\w-]+", "_", name, flags=re.ASCII)[:longest]
