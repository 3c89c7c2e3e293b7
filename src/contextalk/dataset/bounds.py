"""Clip bounds given beside a video.

`NAME.json` holds a list `clips` or `turns`; each entry has `start` and `end` in seconds and perhaps `name` and `text`.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contextalk.core.errors import DatasetError
from contextalk.dataset.sources import key_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A stretch that a clip must not leave.

    Attributes:
        start_s: First moment.
        stop_s: End.
        name: Sentence name, or a running number.
        text: What is said; empty where unknown.
    """

    start_s: float
    stop_s: float
    name: str
    text: str


def read_bounds(video: Path) -> list[Bound]:
    """Bounds beside `video`, in order; empty where none are given.

    Raises:
        DatasetError: The file is broken, or its stretches overlap.
    """
    path = video.with_suffix(".json")
    if not path.is_file():
        return []
    try:
        stored: Any = json.loads(path.read_text())
        listed = _listed(stored)
        bounds = [
            Bound(
                start_s=float(entry["start"]),
                stop_s=float(entry["end"]),
                name=key_name(str(entry.get("name", f"{number:04d}")), 24),
                text=str(entry.get("text", "")),
            )
            for number, entry in enumerate(listed)
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} gives no clip bounds: wanted start and end of each ({error!r})") from error
    bounds.sort(key=lambda bound: bound.start_s)
    for earlier, later in itertools.pairwise(bounds):
        if later.start_s < earlier.stop_s - 1e-6:
            raise DatasetError(f"{path}: clip {later.name} starts at {later.start_s} s, before {earlier.name} ends")
    return bounds


def _listed(stored: Any) -> list[dict[str, Any]]:
    """The stretches of a sidecar; a JSON of another kind, like a synth scene's, gives none."""
    if not isinstance(stored, dict) or "cast" in stored:
        return []
    return stored.get("clips") or stored.get("turns") or []
