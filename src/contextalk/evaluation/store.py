"""Figures put by on disk, so that an interrupted evaluation goes on and a changed metric alone is measured again."""

import ast
import hashlib
import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import contextalk
from contextalk.evaluation.calibration import Calibration
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Metric, Part, SetMetric
from contextalk.generation.work import file_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one group of figures came to of one clip of one method.

    Attributes:
        clip: By column.
        windows: By column, (W,) by window since the windows last started anew; empty where windows have no such
            figures; None where they were not asked for.
        part: What figures of the whole set need of the clip.
    """

    clip: Mapping[str, float]
    windows: Mapping[str, list[float]] | None
    part: Part


class FigureStore:
    """Figures on disk: a file a clip and method, in it an entry a group of figures and code that measured it.

    Groups are apart, so that a judge that comes later, or a metric that changes, is measured alone. What was measured
    by window serves tables of whole clips too.
    """

    def __init__(
        self, folder: Path, metrics: Mapping[str, Metric], sets: Mapping[str, SetMetric], *, windows: bool
    ) -> None:
        """Figures of these groups, and whether they are wanted by window too; files lie in `folder`."""
        self._folder = folder
        self._codes = {
            group: _code(group, metrics.get(group), sets.get(group)) for group in dict.fromkeys((*metrics, *sets))
        }
        self._windows = windows

    def load(self, key: str) -> dict[str, Figures]:
        """What was measured, by this code, of the evidence with this digest; groups that were not are left out."""
        entries = self._entries(key)
        known = {group: entries[code] for group, code in self._codes.items() if code in entries}
        return {group: it for group, it in known.items() if not (self._windows and it.windows is None)}

    def save(self, key: str, figures: Mapping[str, Figures]) -> None:
        """Put groups of figures by, whole or not at all, beside those that are there."""
        entries = self._entries(key) | {self._codes[group]: it for group, it in figures.items()}
        said = {
            code: {"clip": dict(it.clip), "windows": it.windows, "part": list(it.part)} for code, it in entries.items()
        }
        arrays = {f"{code}/{name}": value for code, it in entries.items() for name, value in it.part.items()}
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._path(key).with_suffix(f".{os.getpid()}.part")  # two tables of one folder may be at work
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, figures=np.array(json.dumps(said)), **arrays)
        temporary.replace(self._path(key))

    def _entries(self, key: str) -> dict[str, Figures]:
        """All that was put by of the evidence, by code."""
        path = self._path(key)
        if not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as stored:
            return {
                code: Figures(
                    clip=said["clip"],
                    windows=said["windows"],
                    part={name: stored[f"{code}/{name}"] for name in said["part"]},
                )
                for code, said in json.loads(str(stored["figures"])).items()
            }

    def _path(self, key: str) -> Path:
        return self._folder / f"{key[:32]}.npz"


def _code(group: str, metric: Metric | None, of_set: SetMetric | None) -> str:
    """Changes with the code that a group is measured by, whatever it calls, and with its judges."""
    measuring: list[Callable[..., Any]] = [] if metric is None else [metric.measure]
    measuring += [] if of_set is None else [of_set.part]
    deciding = {path for path in map(inspect.getsourcefile, (Calibration, Evidence, *measuring)) if path}
    files = sorted({file for path in deciding for file in code_behind(Path(path))})
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    digest.update(f"{group} {[(one.judge, one.by_window) for one in (metric, of_set) if one is not None]}".encode())
    return digest.hexdigest()[:16]


@cache
def code_behind(source: Path) -> frozenset[Path]:
    """A module's file and those of this package that it imports, and so on."""
    found, waiting = {source}, [source]
    while waiting:
        for file in _imported(waiting.pop()) - found:
            found.add(file)
            waiting.append(file)
    return frozenset(found)


@cache
def _imported(source: Path) -> frozenset[Path]:
    """Files of this package that a module's text imports from, wherever in it."""
    package = Path(contextalk.__file__).parent
    files: set[Path] = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == package.name:
            module = package.joinpath(*node.module.split(".")[1:])
            names = [module, *(module / alias.name for alias in node.names)]  # a name may be a module
            files |= {file for name in names for file in (name.with_suffix(".py"), name / "__init__.py")}
    return frozenset(file for file in files if file.is_file())


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
