"""Figures put by on disk, so that an interrupted evaluation goes on and a changed metric is measured again."""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contextalk.evaluation.calibration import Calibration
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.metrics import Metric, Part, SetMetric
from contextalk.evaluation.scenes import shown_scenes
from contextalk.generation.work import file_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured of one clip of one method.

    Attributes:
        clip: By column.
        windows: By column, (W,) by window since the windows last started anew; empty unless asked for.
        parts: What figures of the whole set need of it, by group.
    """

    clip: Mapping[str, float]
    windows: Mapping[str, list[float]]
    parts: Mapping[str, Part]


class FigureStore:
    """Figures on disk by the content of their evidence and the code that measured it."""

    def __init__(self, folder: Path, metrics: Mapping[str, Metric], sets: Mapping[str, SetMetric], *, windows: bool):
        self._folder = folder
        shared = [inspect.getsourcefile(one) for one in (Calibration, Evidence, found, shown_scenes)]
        measuring: list[Callable[..., Any]] = [metric.measure for metric in metrics.values()]
        measuring += [metric.part for metric in sets.values()]
        sources = sorted({path for path in (*shared, *map(inspect.getsourcefile, measuring)) if path})
        judges = "".join(f"{name} {metric.judge};" for name, metric in (*metrics.items(), *sets.items()))
        code = b"".join(Path(path).read_bytes() for path in sources)
        self._code = hashlib.sha256(code + f"{judges}{windows}".encode()).hexdigest()

    def load(self, key: str) -> Figures | None:
        """What was measured of the evidence with this digest, None if nothing was."""
        path = self._path(key)
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            said = json.loads(str(stored["figures"]))
            parts = {
                group: {name: stored[f"{group}/{name}"] for name in names} for group, names in said["parts"].items()
            }
        return Figures(clip=said["clip"], windows=said["windows"], parts=parts)

    def save(self, key: str, figures: Figures) -> Figures:
        """Put figures by, whole or not at all; returns them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        said = {
            "clip": dict(figures.clip),
            "windows": dict(figures.windows),
            "parts": {group: list(part) for group, part in figures.parts.items()},
        }
        arrays = {f"{group}/{name}": value for group, part in figures.parts.items() for name, value in part.items()}
        temporary = self._path(key).with_suffix(".part")
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, figures=np.array(json.dumps(said)), **arrays)
        temporary.replace(self._path(key))
        return figures

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256((key + self._code).encode()).hexdigest()[:32]}.npz"


def evidence_digest(evidence: Evidence) -> str:
    """SHA-256 of everything a metric may look at."""
    digest = hashlib.sha256()
    for part in _content(evidence):
        digest.update(part)
    return digest.hexdigest()


def _content(value: object) -> Iterator[bytes]:
    if is_dataclass(value):
        for field in fields(value):
            yield field.name.encode()
            yield from _content(getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Path):
        yield file_digest(value).encode()
    else:
        yield repr(value).encode()
