"""Files that appear whole or not at all, and where those lie that can be made again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contextalk.core.errors import MediaError

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path of the same kind beside `path`; renamed to it when the block ends well, else removed."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder(kind: str) -> Path:
    """Where what can be made or fetched again is kept: the user's cache folder, as the XDG specification names it."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "contextalk" / kind


def check_video_suffix(path: Path) -> None:
    """Refuse a name whose kind of file we do not write.

    Raises:
        MediaError: The suffix is not one of `VIDEO_SUFFIXES`.
    """
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise MediaError(f"{path} ends in {path.suffix or 'nothing'}, wanted one of {', '.join(VIDEO_SUFFIXES)}")


def error_reason(error: Exception) -> str:
    """What FFmpeg says of a failure, without the path."""
    return getattr(error, "strerror", None) or str(error)
