"""A mask that the user brings: a picture for the whole scene, or a video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from contextalk.core.errors import ContextalkError, MediaError
from contextalk.core.records import Scene
from contextalk.media.video import probe, read_at

WHITE = 128
"""From this value on a pixel is regenerated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMask:
    """Where to regenerate, as the user drew it.

    Attributes:
        path: Picture or video.
        picture: (H, W) 255 or 0 where it is a picture, None for a video.
    """

    path: Path
    picture: NDArray[np.uint8] | None

    def frames(self, times_s: NDArray[np.float64]) -> Iterator[NDArray[np.uint8]]:
        """(H, W), 255 or 0, for each of increasing scene times; at least one."""
        if self.picture is not None:
            for _ in times_s:
                yield self.picture
            return
        for rgb in read_at(self.path, times_s):
            yield _binary(rgb.max(axis=2))


def read_mask(path: Path, scene: Scene) -> UserMask:
    """Open a mask and hold it against the scene.

    Raises:
        ContextalkError: Missing, not of the scene's size, or a video that ends before the scene does.
    """
    if not path.is_file():
        raise ContextalkError(f"{path} does not exist, wanted a mask of {_size(scene.size_px)}")
    picture = _read_picture(path)
    if picture is not None:
        size_px, duration_s = (picture.shape[1], picture.shape[0]), scene.duration_s
    else:
        video = probe(path)
        size_px, duration_s = video.size_px, video.duration_s
    if size_px != scene.size_px:
        raise ContextalkError(f"mask {path} is {_size(size_px)}, wanted the scene's {_size(scene.size_px)}")
    if duration_s < scene.times_s[-1]:
        raise ContextalkError(f"mask {path} lasts {duration_s:.2f} s, wanted the scene's {scene.duration_s:.2f} s")
    return UserMask(path=path, picture=picture)


def _read_picture(path: Path) -> NDArray[np.uint8] | None:
    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                return None
            return _binary(np.asarray(picture.convert("L")))
    except UnidentifiedImageError:
        return None
    except OSError as error:
        raise MediaError(f"mask {path} is no picture that can be read: {error}") from error


def _binary(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(grey >= WHITE, np.uint8(255), np.uint8(0))


def _size(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"
