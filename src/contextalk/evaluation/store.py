"""Figures put by on disk, so that an interrupted evaluation goes on and a changed metric is measured again."""

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from contextalk.evaluation.calibration import Calibration
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.metrics import Metric
from contextalk.generation.work import file_digest

Windows = dict[str, list[float]]
"""Figures by window: what `drift.by_window` says."""


class FigureStore:
    """Figures on disk by the content of their evidence and the code that measured it."""

    def __init__(self, folder: Path, metrics: Mapping[str, Metric]) -> None:
        self._folder = folder
        shared = [inspect.getsourcefile(module) for module in (Calibration, Evidence, found)]
        sources = sorted({path for path in (*shared, *map(_source_of, metrics.values())) if path})
        judges = "".join(f"{name} {metric.judge};" for name, metric in metrics.items())
        self._code = hashlib.sha256(b"".join(Path(path).read_bytes() for path in sources) + judges.encode()).hexdigest()

    def load(self, key: str) -> tuple[dict[str, float], Windows] | None:
        """What was measured of the evidence with this digest, None if nothing was."""
        path = self._path(key)
        if not path.is_file():
            return None
        stored = json.loads(path.read_text())
        return stored["figures"], stored["windows"]

    def save(self, key: str, figures: dict[str, float], windows: Windows) -> tuple[dict[str, float], Windows]:
        """Put figures by, whole or not at all; returns them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._path(key).with_suffix(".part")
        temporary.write_text(json.dumps({"figures": figures, "windows": windows}))
        temporary.replace(self._path(key))
        return figures, windows

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256((key + self._code).encode()).hexdigest()[:32]}.json"


def _source_of(metric: Metric) -> str | None:
    return inspect.getsourcefile(metric.measure)


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
