"""Folders, here or at any fsspec URL; nothing else in the project knows URLs.

Of what was read from a URL or written to it a copy lies here, in `contextalk/places/HASH` of the user's cache folder,
HASH of the URL. It counts as long as size, etag and times at the URL are those that it was taken under.
"""

import hashlib
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard
from urllib.parse import quote, unquote

from fsspec import AbstractFileSystem, Callback
from fsspec.core import url_to_fs

from contextalk.core.choices import Progress
from contextalk.core.errors import PlaceError
from contextalk.dataset.files import replacing, writing
from contextalk.media.files import cache_folder

FETCHING = "fetching"
"""The stage in which a file is brought here."""

_WEB = ("http://", "https://")
_SILENT_S = 60.0
"""How long a web server may say nothing. How long a whole file may take is left open: they are of any size."""

_MADE, _MARKS = ".made", ".stamps"

_PUTS_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci"}
"""Stores in which an object appears when all of it is there. Moving one there is copying it."""

_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_STAMPS = {
    *("size", "etag", "contentmd5", "md5hash", "generation", "created", "updated"),
    *("mtime", "modify", "modified", "lastmodified", "modificationtime", "lastwritetime"),
}
"""What filesystems call that which changes with a file, in small letters alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file as it is now.

    Attributes:
        num_bytes: Its size; 0 where a server does not tell.
        stamp: Changes when the file does.
    """

    num_bytes: int
    stamp: str


class Place(ABC):
    """A folder of files, which have relative names with `/` between folders."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder itself, or the one here in which its copies lie."""

    @abstractmethod
    def make(self) -> None:
        """Make the folder, where it is not there.

        Raises:
            PlaceError: It cannot be written to.
        """

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Names, in a stable order, of the files in a folder of it; none where there is no such folder."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether a file is there."""

    @abstractmethod
    def fetch(self, name: str, progress: Progress | None = None) -> Path:
        """A file of it, brought here where it is not.

        Raises:
            FileNotFoundError: It is not there.
            PlaceError: It is out of reach, or was broken off.
        """

    @abstractmethod
    def fetch_all(self, folder: str, suffix: str) -> list[Path]:
        """All files of a kind in a folder of it, brought here, in a stable order; none where there is no such folder.

        Raises:
            PlaceError: One is out of reach.
        """

    @abstractmethod
    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A stream to a file that appears there, whole, when the block ends well."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """Remove the copy here of a file that is elsewhere."""

    @abstractmethod
    def address(self, name: str) -> str:
        """What a file is called, wherever that is asked; no passwords or signatures."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, so that a crash leaves the old one or the new one."""
        with self.writing(name) as stream:
            stream.write(content)


def open_place(address: Path | str | Place) -> Place:
    """The folder of that path or fsspec URL. It need not be there."""
    if isinstance(address, Place):
        return address
    return RemoteFolder(address) if is_url(address) else Folder(Path(address))


def is_url(address: Path | str) -> TypeGuard[str]:
    """Whether an address is an fsspec URL, `file://` among them, and no path."""
    return isinstance(address, str) and "://" in address


@dataclass(frozen=True, slots=True)
class Folder(Place):
    """A folder of this machine, or of a disk that several share."""

    path: Path

    @property
    def folder(self) -> Path:
        """Itself."""
        return self.path

    def make(self) -> None:
        """Make it and those above it."""
        self.path.mkdir(parents=True, exist_ok=True)

    def names(self, folder: str) -> list[str]:
        """Of its files, sorted."""
        inside = self.path / folder
        return sorted(path.name for path in inside.iterdir() if path.is_file()) if inside.is_dir() else []

    def has(self, name: str) -> bool:
        """Whether it is a file."""
        return (self.path / name).is_file()

    def fetch(self, name: str, progress: Progress | None = None) -> Path:  # noqa: ARG002 - it is here
        """Where it lies."""
        if not self.has(name):
            raise FileNotFoundError(f"{self.path / name} does not exist")
        return self.path / name

    def fetch_all(self, folder: str, suffix: str) -> list[Path]:
        """Where they lie."""
        return [self.path / folder / name for name in self.names(folder) if name.endswith(suffix)]

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Beside its place, and renamed."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        with writing(self.path / name) as stream:
            yield stream

    def remove(self, name: str) -> None:
        """Unlink it."""
        (self.path / name).unlink()

    def forget(self, name: str) -> None:
        """There is no copy."""

    def address(self, name: str) -> str:
        """Its absolute path."""
        return str((self.path / name).resolve())

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class RemoteFolder(Place):
    """A folder at an fsspec URL.

    Attributes:
        url: As it was given.
        above: The folder is the one that holds the file at `url`.
    """

    url: str
    above: bool = False

    @property
    def folder(self) -> Path:
        """Where copies lie: under the last names of the URL, by which scenes are told apart."""
        parts = [part for part in self._open()[1].split("/") if part not in ("", ".", "..")]
        return self._cache.joinpath(*parts[-2:])

    @property
    def file(self) -> str:
        """Name of the file at `url`, where the folder is the one above."""
        return self._open()[2]

    def is_folder(self) -> bool:
        """Whether a folder is at the URL; a web server shows one as a page.

        Raises:
            FileNotFoundError: Nothing is there.
            PlaceError: It is out of reach.
        """
        info = self._info()
        return info["type"] == "directory" or _is_page(info)

    def look(self, name: str) -> Found:
        """A file as it is now.

        Raises:
            FileNotFoundError: It is not there.
            PlaceError: It is out of reach.
        """
        info = self._info(name)
        if _is_page(info):  # how many web servers say that there is nothing
            raise FileNotFoundError(f"{self.address(name)} is a page")
        return _found(info)

    def listing(self) -> dict[str, Found | None]:
        """Files of the folder and of the folders in it, as they are now; None where a server lists names alone."""
        fs, path = self._at()
        with self._telling():
            fs.invalidate_cache()  # others may have written there
            found: Any = fs.find(path, maxdepth=2, detail=True)
        names = {key: key.removeprefix(path).strip("/") for key in found}
        if self._is_web:  # a link with a question mark sorts the page
            names = {key: unquote(name) for key, name in names.items() if "?" not in name}
        return {
            name: None if found[key].get("size") is None else _found(found[key])
            for key, name in names.items()
            if name and ".." not in name.split("/")
        }

    def make(self) -> None:
        """Write and remove a file there, so that what cannot be written to is known before hours of work."""
        if self._is_web:
            raise PlaceError(f"{self}: a web server is read, wanted a folder or a URL that can be written to")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write(_MADE, b"")
        self.remove(_MADE)

    def names(self, folder: str) -> list[str]:
        """As the filesystem lists them now."""
        return list(self._list(folder))

    def has(self, name: str) -> bool:
        """As the filesystem says now."""
        try:
            self._info(name)
        except FileNotFoundError:
            return False
        return True

    def fetch(self, name: str, progress: Progress | None = None) -> Path:
        """The copy, made anew where the file has changed."""
        return self._copied(name, self._info(name), progress)

    def fetch_all(self, folder: str, suffix: str) -> list[Path]:
        """The copies; to know what has changed takes one listing."""
        listed = self._list(folder).items()
        return [self._copied(f"{folder}/{name}", info) for name, info in listed if name.endswith(suffix)]

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """The copy first, then what is there."""
        copy = self.folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        with replacing(copy) as part:
            with part.open("wb") as stream:
                yield stream
            try:
                self._put(part, name)
            except FileNotFoundError as error:  # no such bucket
                raise PlaceError(f"{self.address(name)} cannot be written: {error}") from error
        self._mark(name).write_text(self.look(name).stamp)

    def remove(self, name: str) -> None:
        """There, and the copy."""
        fs, path = self._at(name)
        with suppress(FileNotFoundError), self._telling(name):
            fs.rm_file(path)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Remove the copy."""
        self._mark(name).unlink(missing_ok=True)
        (self.folder / name).unlink(missing_ok=True)

    def address(self, name: str) -> str:
        """The URL; of one with secrets what can be shown of it, and a hash of the whole."""
        plain = re.sub(r"(?<=://)[^/@:]*:[^/@]*@", "", self.url)
        plain = plain.partition("?")[0] if self._is_web else plain
        shown = plain if self.above else f"{plain.rstrip('/')}/{name}".rstrip("/")
        return shown if plain == self.url else f"{shown}#{_digest(self.url)[:8]}"

    def __str__(self) -> str:
        return self.address("")

    @property
    def _cache(self) -> Path:
        return cache_folder("places") / _digest(self.url)[:16]

    @property
    def _is_web(self) -> bool:
        return self.url.startswith(_WEB)

    def _open(self) -> tuple[AbstractFileSystem, str, str, str]:
        """Filesystem, path of the folder in it, name of the file at `url`, and what follows a path on the web."""
        with self._telling():
            fs, path = url_to_fs(self.url, **(_web_options() if self._is_web else {}))
        path, mark, query = path.partition("?") if self._is_web else (path, "", "")
        root, _, file = path.rstrip("/").rpartition("/") if self.above else (path.rstrip("/"), "", "")
        return fs, root, unquote(file) if self._is_web else file, mark + query

    def _at(self, name: str = "") -> tuple[AbstractFileSystem, str]:
        """Filesystem, and path of a file in it."""
        fs, root, _, query = self._open()
        return fs, f"{root}/{quote(name) if self._is_web else name}".rstrip("/") + query

    def _info(self, name: str = "") -> dict[str, Any]:
        fs, path = self._at(name)
        with self._telling(name):
            fs.invalidate_cache()  # others may have written there
            return fs.info(path)

    def _list(self, folder: str) -> dict[str, dict[str, Any]]:
        fs, path = self._at(folder)
        try:
            with self._telling(folder):
                fs.invalidate_cache()  # others may have written there
                listed = fs.ls(path, detail=True)
        except FileNotFoundError:
            return {}
        files = {str(info["name"]).rpartition("/")[2]: info for info in listed if info["type"] == "file"}
        return dict(sorted(files.items()))

    def _copied(self, name: str, info: dict[str, Any], progress: Progress | None = None) -> Path:
        copy, mark, found = self.folder / name, self._mark(name), _found(info)
        if copy.is_file() and mark.is_file() and mark.read_text() == found.stamp:
            return copy
        copy.parent.mkdir(parents=True, exist_ok=True)
        fs, path = self._at(name)
        with replacing(copy) as part:
            with self._telling(name):
                fs.get_file(path, str(part), callback=_Counting(progress))  # pyright: ignore[reportArgumentType]
            size = part.stat().st_size
            if info.get("size") not in (None, size):
                raise PlaceError(f"{self.address(name)}: {size} bytes came, wanted {found.num_bytes}; try again")
        mark.write_text(found.stamp)
        return copy

    def _mark(self, name: str) -> Path:
        """Tells under which stamp a copy was taken."""
        mark = self._cache / _MARKS / name
        mark.parent.mkdir(parents=True, exist_ok=True)
        return mark

    def _put(self, file: Path, name: str) -> None:
        fs, path = self._at(name)
        protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
        with self._telling(name):
            if protocols & _PUTS_WHOLE:
                fs.put_file(str(file), path)
                return
            fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            beside = f"{path}.{uuid.uuid4().hex}.part"
            fs.put_file(str(file), beside)
            fs.mv(beside, path)

    @contextmanager
    def _telling(self, name: str = "") -> Iterator[None]:
        """What goes wrong there is one line; a file that is not there stays a `FileNotFoundError`."""
        try:
            yield
        except Exception as error:  # every filesystem has its own
            # On the web every failure is a file that was not found, with the reason behind it.
            behind = error.__cause__ if self._is_web else None
            is_absent = behind is None or getattr(behind, "status", None) in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
            if isinstance(error, FileNotFoundError) and is_absent:
                raise
            raise PlaceError(f"{self.address(name)}: {_reason(behind or error)}") from error


class _Counting(Callback):
    """Tells how much of a file is here."""

    def __init__(self, progress: Progress | None) -> None:
        super().__init__()
        self._progress = progress

    def call(self, hook_name: str | None = None, **_: object) -> None:  # noqa: ARG002 - as fsspec calls it
        if self._progress is not None and self.size:
            self._progress(FETCHING, min(self.value, self.size), self.size)


def _web_options() -> dict[str, Any]:
    from aiohttp import ClientTimeout  # pyright: ignore[reportMissingImports]

    return {"client_kwargs": {"timeout": ClientTimeout(total=None, sock_connect=_SILENT_S, sock_read=_SILENT_S)}}


def _is_page(info: dict[str, Any]) -> bool:
    return info.get("mimetype") == "text/html"


def _found(info: dict[str, Any]) -> Found:
    # A store may list files with other names of things, and with times of another zone, than it tells of one.
    told = {
        re.sub("[^a-z0-9]", "", key.lower()): str(value.timestamp() if isinstance(value, datetime) else value)
        for key, value in info.items()
    }
    stamp = _digest(repr(sorted((key, value) for key, value in told.items() if key in _STAMPS)))
    return Found(num_bytes=int(info.get("size") or 0), stamp=stamp)


def _reason(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return f"a package is not installed: {error}"
    if isinstance(error, PermissionError) or getattr(error, "status", None) in _FORBIDDEN:
        return f"no permission ({error})"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return f"{error}, wanted one that fsspec knows: s3, gs, https, sftp …"
    return f"{type(error).__name__}, {error}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
