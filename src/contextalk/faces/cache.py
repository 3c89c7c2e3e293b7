"""What was seen of videos, on disk, under keys of everything it depends on."""

import functools
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Analysis, Landmarks, Scene, SeenHands, Shot, Track
from contextalk.faces.blocks import FaceBlock
from contextalk.media.files import cache_folder
from contextalk.media.source import known_timeline, remember_timeline
from contextalk.media.timeline import Timeline

SCHEMA = 2
_READ_BYTES = 1 << 20
_NAMES_KEPT = 1024
_ABOUT = ("backend", "hearing", "active_speaker")
"""Who made an analysis."""

_HANDS = ("frames", "joints", "presence")


def default_folder() -> Path:
    """Where analyses are kept unless told otherwise."""
    return cache_folder("analysis")


def stage_key(scene: Path, backend: str, parameters: dict[str, object]) -> str:
    """Hash of the file's content, the backend and its version, and every parameter that changes the answer."""
    stat = scene.stat()
    told = [SCHEMA, _content_hash(scene, stat.st_size, stat.st_mtime_ns), backend, parameters]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


@functools.lru_cache(maxsize=_NAMES_KEPT)
def _content_hash(path: Path, size: int, changed_ns: int) -> str:
    del size, changed_ns  # part of this cache's key alone
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class BlockFolder(Sequence[FaceBlock]):
    """Blocks of one video under one key; as a sequence, read one at a time when they are asked for."""

    def __init__(self, folder: Path) -> None:
        """Args: `folder` is made when something is first kept."""
        self.folder = folder

    def has(self, number: int) -> bool:
        """Whether a block was kept, and its file ends as it should."""
        return zipfile.is_zipfile(self._path(number))

    def keep(self, number: int, block: FaceBlock) -> None:
        """Write a block whole or not at all."""
        fields = FaceBlock.__dataclass_fields__
        _write(self._path(number), {name: np.asarray(getattr(block, name)) for name in fields})

    def keep_times(self, video: Path) -> None:
        """Write the times of a video's frames, for a file that only decoding tells."""
        times = known_timeline(video)
        assert times is not None, "kept after the video was scanned"
        about = [times.end_tick, times.time_base.numerator, times.time_base.denominator, times.listed]
        _write(self.folder / "times.npz", {"ticks": times.ticks, "about": np.array(about, np.int64)})

    def recall_times(self, video: Path) -> bool:
        """Whether the times of a video's frames are known, from the file itself or from what was kept."""
        if known_timeline(video) is not None:
            return True
        stored = _read(self.folder / "times.npz")
        if stored is None:
            return False
        end_tick, numerator, denominator, listed = stored["about"].tolist()
        time_base = Fraction(numerator, denominator)
        remember_timeline(
            video, Timeline(ticks=stored["ticks"], end_tick=end_tick, time_base=time_base, listed=bool(listed))
        )
        return True

    def __len__(self) -> int:
        return len(list(self.folder.glob("block-*.npz")))

    @overload
    def __getitem__(self, index: int) -> FaceBlock: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[FaceBlock]: ...
    def __getitem__(self, index: int | slice) -> FaceBlock | Sequence[FaceBlock]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        stored = _read(self._path(index))
        if stored is None:
            raise IndexError(f"block {index} is not in {self.folder}")
        return FaceBlock(**{**stored, "start": int(stored["start"])})

    def __iter__(self) -> Iterator[FaceBlock]:
        return (self[number] for number in range(len(self)))

    def _path(self, number: int) -> Path:
        return self.folder / f"block-{number:06d}.npz"


def store(path: Path, analysis: Analysis) -> None:
    """Write an analysis whole or not at all.

    Raises:
        ContextalkError: The folder cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "shots": np.array([(shot.start, shot.stop) for shot in analysis.shots], np.int64),
        "damaged": analysis.damaged,
        "voice": analysis.voice,
    }
    for track in analysis.tracks:
        for name in ("points", "pupils", "head_pose", "valid"):
            arrays[f"{name}_{track.index}"] = getattr(track.landmarks, name)
        arrays[f"speaking_{track.index}"] = track.speaking
    about = {name: getattr(analysis, name) for name in _ABOUT} | {"num_tracks": len(analysis.tracks), "hands": ""}
    if analysis.hands is not None:
        arrays |= {f"hand_{name}": getattr(analysis.hands, name) for name in _HANDS}
        about["hands"] = analysis.hands.name
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    _write(path, arrays)


def load(path: Path, scene: Scene) -> Analysis | None:
    """The stored analysis of `scene`; None where there is none or the file is damaged, so that it is made again."""
    stored = _read(path)
    if stored is None or len(stored["damaged"]) != len(scene.times_s):
        return None
    about = json.loads(stored["about"].tobytes())
    return Analysis(
        scene=scene,
        shots=tuple(Shot(start=int(start), stop=int(stop)) for start, stop in stored["shots"]),
        tracks=tuple(_track(stored, index, scene) for index in range(about["num_tracks"])),
        damaged=stored["damaged"],
        voice=stored["voice"],
        hands=SeenHands(name=about["hands"], **{name: stored[f"hand_{name}"] for name in _HANDS})
        if about["hands"]
        else None,
        **{name: about[name] for name in _ABOUT},
    )


def _write(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{path.name}"
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=prefix, suffix=".part", delete=False) as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        Path(stream.name).replace(path)
    except OSError as error:
        raise ContextalkError(f"cannot keep the analysis in {path.parent}: {error.strerror or error}") from error


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _track(stored: dict[str, NDArray[Any]], index: int, scene: Scene) -> Track:
    landmarks = Landmarks(
        points=stored[f"points_{index}"],
        pupils=stored[f"pupils_{index}"],
        head_pose=stored[f"head_pose_{index}"],
        valid=stored[f"valid_{index}"],
        times_s=scene.times_s,
        size_px=scene.size_px,
    )
    return Track(index=index, landmarks=landmarks, speaking=stored[f"speaking_{index}"])
