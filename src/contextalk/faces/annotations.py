"""The annotations backend: landmarks from files beside the footage, for animation rigs and corrected tracks."""

import hashlib
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Landmarks, Scene, Shot
from contextalk.faces.backends import Person, SeenFace
from contextalk.faces.blocks import FaceBlock
from contextalk.media.video import Picture

PATTERN = "landmarks-*.npz"

_NO_LOOK = np.zeros(1, np.float32)
"""Nobody is told from others by appearance where files say who is who."""


def sidecars(place: Path) -> list[Path]:
    """Annotation files of a folder in order of their numbers, or the one file given."""
    if place.is_file():
        return [place]
    numbered = [(number, path) for path in place.glob(PATTERN) if (number := _number(path)) is not None]
    return [path for _, path in sorted(numbered)]


def sidecar_path(picture: Path) -> Path:
    """Where landmarks of a picture NAME.png of somebody belong: `NAME.landmarks.npz` beside it."""
    return picture.with_suffix(".landmarks.npz")


def picture_sidecar(picture: Path) -> Path | None:
    """The landmarks that lie beside a picture of somebody; None: there are none."""
    path = sidecar_path(picture)
    return path if path.is_file() else None


class AnnotationsBackend:
    """Reads `landmarks-K.npz`; who speaks comes from `speaking_K` of `labels.npz` beside them, if that exists."""

    def __init__(self, place: Path) -> None:
        """Read the files.

        Raises:
            ContextalkError: `place` holds none, or one is unreadable.
        """
        self._paths = sidecars(place)
        if not self._paths:
            raise ContextalkError(
                f"no annotations at {place}, wanted a landmarks .npz or a folder with landmarks-0.npz …"
            )
        digest = hashlib.sha256()
        for path in [*self._paths, *({path.with_name("labels.npz") for path in self._paths})]:
            digest.update(path.read_bytes() if path.exists() else b"")
        self.name = f"annotations-2-{digest.hexdigest()[:16]}"
        self._written = [Landmarks.load(path) for path in self._paths]
        self._spans = [_span_s(written.times_s) for written in self._written]

    def see(self, picture: Picture, *, changed: bool) -> Sequence[SeenFace]:  # noqa: ARG002 (annotations span cuts)
        """Whose face is written down for the picture's time, for whoever looks around faces; `people` has them all."""
        at_s = np.array([picture.time_s])
        pairs = zip(self._written, self._spans, strict=True)
        rows = [written.at(at_s) for written, span in pairs if _covered(span, at_s)[0]]
        return [
            SeenFace(points=row.points[0].astype(np.float64), pupils=row.pupils[0].astype(np.float64), look=_NO_LOOK)
            for row in rows
            if row.valid[0]
        ]

    def people(self, blocks: Sequence[FaceBlock], scene: Scene, shots: Sequence[Shot]) -> list[Person]:  # noqa: ARG002 (annotations span cuts)
        """Everybody annotated, at the scene's own frame times.

        Raises:
            ContextalkError: A file was made for a scene of another size.
        """
        return [self._person(path, written, scene) for path, written in zip(self._paths, self._written, strict=True)]

    def _person(self, path: Path, written: Landmarks, scene: Scene) -> Person:
        if written.size_px != scene.size_px:
            seen, wanted = ("x".join(map(str, size)) for size in (written.size_px, scene.size_px))
            raise ContextalkError(f"{path} is for a {seen} scene, wanted {wanted} as in {scene.path}")
        landmarks = written.at(scene.times_s)
        covered = _covered(_span_s(written.times_s), scene.times_s)
        landmarks = replace(landmarks, valid=landmarks.valid & covered)
        hidden = ~landmarks.valid
        for values in (landmarks.points, landmarks.pupils, landmarks.head_pose):
            values[hidden] = np.nan
        return Person(landmarks=landmarks, speaking=_speaking(path, written.times_s, scene.times_s))


def _span_s(times_s: NDArray[np.float64]) -> tuple[float, float]:
    """From a frame and a half before the annotated frames to as much after: beyond, a face would be invented."""
    apart = 1.5 * float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.5
    return float(times_s[0]) - apart, float(times_s[-1]) + apart


def _covered(span_s: tuple[float, float], at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (at_s >= span_s[0]) & (at_s <= span_s[1])


def _speaking(path: Path, times_s: NDArray[np.float64], at_s: NDArray[np.float64]) -> NDArray[np.float32] | None:
    labels, name = path.with_name("labels.npz"), f"speaking_{_number(path)}"
    if not labels.exists():
        return None
    try:
        with np.load(labels, allow_pickle=False) as stored:
            if name not in stored or len(stored[name]) != len(times_s):
                return None
            return np.interp(at_s, times_s, stored[name].astype(np.float64)).astype(np.float32)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ContextalkError(f"{labels} cannot be read, wanted an .npz with {name}: {error}") from error


def _number(path: Path) -> int | None:
    found = re.fullmatch(r"landmarks-(\d+)", path.stem)
    return int(found.group(1)) if found else None
