"""A dataset in numbers: what was kept, what was turned down and why, and what making it cost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from contextalk.core.time import RATE_HZ
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.unit import StageCost, UnitRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why stretches were turned down.

    Attributes:
        name: The reason without its numbers.
        count: Stretches.
        seconds: How long they last together; a source that cannot be read counts none.
    """

    name: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How a check is spread over the clips, reframed copies left out.

    Attributes:
        title: What was measured.
        unit: Of the edges.
        edges: N + 1 of the bins, increasing; what lies beyond is in the first and last bin.
        counts: N.
        median: Over the clips; None without any.
    """

    title: str
    unit: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    median: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a stage cost over all units of the dataset, where it was not found done.

    Attributes:
        frames: Frames that went through it.
        seconds: Of processes, together.
        frames_per_s: Of one process.
    """

    frames: int
    seconds: float
    frames_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A dataset in numbers.

    Attributes:
        num_sources: Sources that gave or could have given clips.
        num_clips: By split.
        hours: Of all clips, reframed copies included.
        hours_of: Of each person's clips, reframed copies included.
        reasons: Most frequent first.
        histograms: Of the clips.
        stages: By name.
        num_without_hands: Clips for which hands would have been looked for, had their models been installed.
    """

    num_sources: int
    num_clips: dict[str, int]
    hours: float
    hours_of: dict[str, float]
    reasons: tuple[Reason, ...]
    histograms: tuple[Histogram, ...]
    stages: dict[str, Stage]
    num_without_hands: int


_YAW_DEG, _PITCH_DEG = np.linspace(-60, 60, 25), np.linspace(-40, 40, 21)
_SIZE_PX = np.concatenate([np.arange(0, 320, 20), [480, 960]])
_LENGTH_S = np.arange(0, 10.5, 0.5)

_CHECKS: tuple[tuple[str, str, np.ndarray, Callable[[ManifestRow], float]], ...] = (
    ("yaw of the head", "°", _YAW_DEG, lambda row: row.yaw_deg),
    ("pitch of the head", "°", _PITCH_DEG, lambda row: row.pitch_deg),
    ("height of the face", "px", _SIZE_PX, lambda row: row.face_px),
    ("agreement of mouth and sound", "correlation", np.linspace(0, 1, 21), lambda row: row.sync),
    ("mask covered by hands and other heads", "share", np.linspace(0, 0.5, 26), lambda row: row.covered),
    ("length", "s", _LENGTH_S, lambda row: row.num_frames / RATE_HZ),
)


def reason_name(row: ManifestRow) -> str:
    """A row's reason without its numbers; where there are several, the first."""
    return row.reject_reason.split(":")[0].split(";")[0]


def summarise(rows: Sequence[ManifestRow], records: Sequence[UnitRecord]) -> Summary:
    """Count rows and add up costs."""
    clips = [row for row in rows if not row.reject_reason]
    turned_down: dict[str, list[ManifestRow]] = defaultdict(list)
    hours_of: dict[str, float] = defaultdict(float)
    for row in rows:
        if row.reject_reason:
            turned_down[reason_name(row)].append(row)
        else:
            hours_of[row.person] += row.num_frames / RATE_HZ / 3600
    reasons = (
        Reason(name=name, count=len(found), seconds=sum(row.stop_s - row.start_s for row in found))
        for name, found in turned_down.items()
    )
    plain = [row for row in clips if not row.copy]
    return Summary(
        num_sources=len({row.source for row in rows}),
        num_clips=dict(Counter(row.split for row in clips)),
        hours=sum(hours_of.values()),
        hours_of=dict(sorted(hours_of.items())),
        reasons=tuple(sorted(reasons, key=lambda reason: (-reason.count, reason.name))),
        histograms=tuple(
            _histogram(title, unit, edges, [value(row) for row in plain]) for title, unit, edges, value in _CHECKS
        ),
        stages=_stages(records),
        num_without_hands=sum(row.looked_for == "heads" for row in clips),
    )


def _histogram(title: str, unit: str, edges: np.ndarray, values: Sequence[float]) -> Histogram:
    known = np.array([value for value in values if np.isfinite(value)])
    inside = np.clip(known, edges[0], np.nextafter(edges[-1], -np.inf))
    counts, _ = np.histogram(inside, edges)
    return Histogram(
        title=title,
        unit=unit,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        median=float(np.median(known)) if len(known) else None,
    )


def _stages(records: Sequence[UnitRecord]) -> dict[str, Stage]:
    total: dict[str, StageCost] = {}
    for record in records:
        for name, cost in record.costs.items():
            total[name] = total.get(name, StageCost()) + cost
    return {
        name: Stage(frames=cost.frames, seconds=cost.seconds, frames_per_s=cost.frames / max(cost.seconds, 1e-9))
        for name, cost in sorted(total.items())
    }
