"""Analyses on disk, under a key of everything they depend on."""

import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Analysis, Landmarks, Scene, Shot, Track

SCHEMA = 1
_READ_BYTES = 1 << 20


def default_folder() -> Path:
    """The user's cache folder, as the XDG specification names it."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "contextalk" / "analysis"


def analysis_key(scene: Path, backend: str, parameters: dict[str, object]) -> str:
    """Hash of the file's content, the backend and its version, and every parameter that changes the answer."""
    digest = hashlib.sha256(json.dumps([SCHEMA, backend, parameters], sort_keys=True).encode())
    with scene.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()[:32]


def store(path: Path, analysis: Analysis) -> None:
    """Write an analysis whole or not at all.

    Raises:
        ContextalkError: The folder cannot be written.
    """
    arrays: dict[str, np.ndarray] = {"shots": np.array([(s.start, s.stop) for s in analysis.shots], np.int64)}
    for track in analysis.tracks:
        for name in ("points", "pupils", "head_pose", "valid"):
            arrays[f"{name}_{track.index}"] = getattr(track.landmarks, name)
        arrays[f"speaking_{track.index}"] = track.speaking
    about = {"backend": analysis.backend, "num_tracks": len(analysis.tracks), "num_frames": len(analysis.scene.times_s)}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        Path(stream.name).replace(path)
    except OSError as error:
        raise ContextalkError(f"cannot keep the analysis in {path.parent}: {error.strerror or error}") from error


def load(path: Path, scene: Scene) -> Analysis | None:
    """The stored analysis of `scene`; None where there is none or the file is damaged, so that it is made again."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            if about["num_frames"] != len(scene.times_s):
                return None
            return Analysis(
                scene=scene,
                shots=tuple(Shot(start=int(start), stop=int(stop)) for start, stop in stored["shots"]),
                tracks=tuple(_track(stored, index, scene) for index in range(about["num_tracks"])),
                backend=about["backend"],
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _track(stored: "np.lib.npyio.NpzFile", index: int, scene: Scene) -> Track:
    landmarks = Landmarks(
        points=stored[f"points_{index}"],
        pupils=stored[f"pupils_{index}"],
        head_pose=stored[f"head_pose_{index}"],
        valid=stored[f"valid_{index}"],
        times_s=scene.times_s,
        size_px=scene.size_px,
    )
    return Track(index=index, landmarks=landmarks, speaking=stored[f"speaking_{index}"])
