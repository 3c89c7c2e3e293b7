"""Measure methods, and fakes beside them, with the same code: from folders of videos to a table."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import contextalk
from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError
from contextalk.evaluation import fakes
from contextalk.evaluation.calibration import calibrate
from contextalk.evaluation.cells import SEED, Cell, summarise
from contextalk.evaluation.estimator import Estimator, RememberingEstimator
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.judges import Judges
from contextalk.evaluation.metrics import (
    Column,
    Metric,
    Part,
    SetMetric,
    blinks,
    context,
    drift,
    fidelity,
    identity,
    joins,
    landmarks,
    outside,
    seam,
    silence,
)
from contextalk.evaluation.notes import face_notes, fake_notes, general_notes, judge_notes
from contextalk.evaluation.read_evidence import find_pairs, read_crop
from contextalk.evaluation.rows import FAKES, Clips, jobs, read_all
from contextalk.evaluation.store import Figures, FigureStore, evidence_digest
from contextalk.evaluation.tables import Table, plain
from contextalk.models.bundle import Bundle

METRICS: dict[str, Metric] = {
    "mouth and landmarks": Metric(columns=landmarks.COLUMNS, measure=landmarks.measure),
    "context": Metric(columns=context.COLUMNS, measure=context.measure),
    "fidelity": Metric(columns=fidelity.COLUMNS, measure=fidelity.measure),
    "identity": Metric(columns=identity.COLUMNS, measure=identity.measure),
    "seam": Metric(columns=seam.COLUMNS, measure=seam.measure),
    "outside the mask": Metric(columns=outside.COLUMNS, measure=outside.measure, by_window=False),
    "joins": Metric(columns=joins.COLUMNS, measure=joins.measure, by_window=False),
    "drift": Metric(columns=drift.COLUMNS, measure=drift.measure),
    "silence": Metric(columns=silence.COLUMNS, measure=silence.measure),
    "blinks": Metric(columns=blinks.COLUMNS, measure=blinks.measure, by_window=False),
}
"""What needs no weights, in order of the table."""

SETS: dict[str, SetMetric] = {
    "context": SetMetric(columns=context.SET_COLUMNS, part=context.part, measure=context.measure_set)
}
"""The same of whole sets; of a group of the same name, columns stand together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one clip of one method came to.

    Attributes:
        figures: By group; None where there was no evidence.
        face_share: Share of its generated frames in which the estimator finds a face; NaN where there was no evidence.
        why: Why there was no evidence at all; empty otherwise.
    """

    figures: Mapping[str, Figures] | None
    face_share: float
    why: str = ""

    @property
    def clip(self) -> dict[str, float]:
        """By column, those of single clips; empty where there was no evidence."""
        return {name: value for group in (self.figures or {}).values() for name, value in group.clip.items()}

    @property
    def windows(self) -> dict[str, list[float]]:
        """By column, those of single windows."""
        return {name: row for group in (self.figures or {}).values() for name, row in (group.windows or {}).items()}

    def part(self, group: str) -> Part:
        """What figures of the whole set need of the clip; empty where there was no evidence."""
        return {} if self.figures is None else self.figures[group].part


Rows = Mapping[str, Mapping[str, Measured]]
"""By method and clip."""


def evaluate(
    methods: Mapping[str, Path],
    reference: Path,
    work: Path,
    *,
    estimator: Estimator,
    bundle: Bundle,
    judges: Judges | None = None,
    names: Collection[str] | None = None,
    by_window: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Measure every clip of every method, and fakes made of the first method's references.

    Interrupted and called again, it takes from `work` what was measured of unchanged files by unchanged code.

    Args:
        methods: Name → folder of generated videos. All are asked for the clips of the first: what another lacks is
            counted as not measured, what it has besides is left out.
        reference: Folder of references (`read_evidence.py`).
        work: Folder for what is put by.
        estimator: Reads landmarks off heads.
        bundle: Its codec makes the codec's row.
        judges: Groups of figures on top of `METRICS` and `SETS`.
        names: Only clips of these names; None: all that a method's folder holds.
        by_window: Whether to measure every window by itself too.
        progress: Called with ("clips read" | "clips measured", done, total).

    Raises:
        ContextalkError: Missing pairs or reports; a method named like a fake; methods with other squares of one clip.
    """
    clashing = sorted(set(methods) & set(FAKES))
    if clashing or not methods:
        raise ContextalkError(f"methods are {', '.join(methods) or 'none'}, wanted names other than {', '.join(FAKES)}")
    remembering = RememberingEstimator(estimator, work / "readings")
    pairs = {name: _pairs(folder, reference, names) for name, folder in methods.items()}
    asked = {video.stem: video for video, _ in next(iter(pairs.values()))}
    clips: dict[str, Clips] = {}
    for name, folder in methods.items():
        shared = [pair for pair in pairs[name] if pair[0].stem in asked]
        if not shared:
            raise ContextalkError(f"{folder} has none of the clips of {next(iter(methods.values()))}, wanted the same")
        for video, _ in shared:
            _check_squares(video, asked[video.stem])
        clips[name] = Clips(shared, remembering)
    first = next(iter(clips.values()))
    known = read_all(first, progress)
    calibration = calibrate((clip.truth, clip.around) for clip in known)
    for these in clips.values():
        these.calibrate(calibration)
    judges = judges or Judges()
    measuring = _Measuring(METRICS | dict(judges.clips), SETS | dict(judges.sets), work / "figures", by_window)
    measured: dict[str, dict[str, Measured]] = {name: {} for name in (*FAKES, *methods)}
    total = len(first) * len(FAKES) + sum(len(these) for these in clips.values())
    for done, (method, name, make) in enumerate(jobs(clips, known, bundle), start=1):
        measured[method][name] = measuring.measure(make)
        if progress is not None:
            progress("clips measured", done, total)
    lacking = Measured(figures=None, face_share=float("nan"), why="no video of it")
    for method in methods:
        for clip in known:
            measured[method].setdefault(clip.name, lacking)
    facts: dict[str, object] = {
        "contextalk": contextalk.__version__,
        "estimator": estimator.name,
        "codec": f"bundle {bundle.fingerprint[:12]}",
        "clips": len(known),
        "bootstrap_seed": SEED,
        "reference": reference.resolve().name,  # its path is nobody's who reads the table elsewhere
        "generated": {name: str(folder) for name, folder in methods.items()},
    }
    return _table(measuring, measured, tuple(general_notes(estimator, bundle, calibration, known)), facts)


def _pairs(folder: Path, reference: Path, names: Collection[str] | None) -> list[tuple[Path, Path]]:
    pairs = find_pairs(folder, reference, names)
    missing = sorted(set(names or ()) - {video.stem for video, _ in pairs})
    if missing:
        raise ContextalkError(f"{folder} has no video {missing[0]}, wanted one of every clip")
    return pairs


def _check_squares(video: Path, first: Path) -> None:
    """Figures of heads in other squares cannot be compared."""
    if not read_crop(video).is_like(read_crop(first)):
        raise ContextalkError(
            f"{video} and {first} put the head in other squares, which cannot be compared: generate both with the same "
            "--annotations and --target"
        )


class _Measuring:
    """All figures of one clip of one method, measured or taken from where they were put by."""

    def __init__(
        self, metrics: Mapping[str, Metric], sets: Mapping[str, SetMetric], folder: Path, by_window: bool
    ) -> None:
        self.metrics = metrics
        self.sets = sets
        self.by_window = by_window
        self._store = FigureStore(folder, metrics, sets, windows=by_window)

    def measure(self, make: Callable[[], Evidence]) -> Measured:
        try:
            evidence = make()
        except fakes.NoFakeError as error:
            return Measured(figures=None, face_share=float("nan"), why=str(error))
        key = evidence_digest(evidence)
        figures = self._store.load(key)
        groups = dict.fromkeys((*self.metrics, *self.sets))
        lacking = {group: self._figures(group, evidence) for group in groups if group not in figures}
        if lacking:
            self._store.save(key, lacking)
        share = found(evidence.seen.points)[evidence.generated]
        return Measured(
            figures={group: (figures | lacking)[group] for group in groups},
            face_share=float(share.mean()) if len(share) else 0.0,
        )

    def _figures(self, group: str, evidence: Evidence) -> Figures:
        metric, of_set = self.metrics.get(group), self.sets.get(group)
        return Figures(
            clip={} if metric is None else _plain(metric, evidence),
            windows=self._windows(metric, evidence),
            part={} if of_set is None else of_set.part(evidence),
        )

    def _windows(self, metric: Metric | None, evidence: Evidence) -> dict[str, list[float]] | None:
        if metric is None or not metric.by_window:
            return {}
        if not self.by_window:
            return None
        rows = [_plain(metric, evidence.only_window(number)) for number in range(int(evidence.window.max()) + 1)]
        return {name: [row[name] for row in rows] for name in metric.columns}


def _plain(metric: Metric, evidence: Evidence) -> dict[str, float]:
    return {name: float(value) for name, value in metric.measure(evidence).items()}


def _table(measuring: _Measuring, rows: Rows, notes: tuple[str, ...], facts: dict[str, object]) -> Table:
    groups: dict[str, dict[str, Column]] = {group: dict(metric.columns) for group, metric in measuring.metrics.items()}
    cells: dict[tuple[str, str], Cell] = {}
    for method, clips in rows.items():
        for columns in groups.values():
            for name, column in columns.items():
                values = [clip.clip.get(name, float("nan")) for clip in clips.values()]
                cells[method, name] = summarise(values, _why(clips, column))
    for group, metric in measuring.sets.items():
        groups[group] = groups.get(group, {}) | dict(metric.columns)
        for method, clips in rows.items():
            cells |= {(method, name): cell for name, cell in metric.measure(_parts(clips, group)).items()}
    return Table(
        methods=tuple(rows),
        groups=groups,
        cells=cells,
        windows={method: _window_cells(clips, measuring) for method, clips in rows.items()}
        if measuring.by_window
        else {},
        notes=(
            *notes,
            *judge_notes(measuring.metrics),
            *judge_notes(measuring.sets),
            *face_notes({method: {n: c.face_share for n, c in clips.items()} for method, clips in rows.items()}),
            *fake_notes({method: {n: c.why for n, c in clips.items()} for method, clips in rows.items()}),
        ),
        facts=facts | {"per_clip": _per_clip(rows)},
    )


def _parts(clips: Mapping[str, Measured], group: str) -> dict[str, Part]:
    return {name: clip.part(group) for name, clip in clips.items()}


def _why(clips: Mapping[str, Measured], column: Column) -> str:
    lacking = sorted({clip.why for clip in clips.values() if clip.why})
    return f"{column.needs}; {'; '.join(lacking)}" if lacking else column.needs


def _window_cells(clips: Mapping[str, Measured], measuring: _Measuring) -> dict[str, list[Cell]]:
    """A cell a window, over the clips that have it; figures that no window has are left out."""
    known = [clip.windows for clip in clips.values() if clip.figures is not None]
    cells: dict[str, list[Cell]] = {}
    for name in known[0] if known else ():
        rows = [windows[name] for windows in known]
        cells[name] = [
            summarise([row[number] for row in rows if number < len(row)], "frames of this window")
            for number in range(max(map(len, rows)))
        ]
    for group, metric in measuring.sets.items():
        if metric.by_window:
            cells |= _set_windows(_parts(clips, group), metric)
    return {name: row for name, row in cells.items() if any(cell.count for cell in row)}


def _set_windows(parts: Mapping[str, Part], metric: SetMetric) -> dict[str, list[Cell]]:
    """`metric` of the rows of each window alone."""
    known = [part["window"] for part in parts.values() if part]
    last = max((int(windows.max()) for windows in known), default=-1)
    by_window: list[Mapping[str, Cell]] = []
    for number in range(last + 1):
        chosen = {
            name: {key: rows[part["window"] == number] for key, rows in part.items()} if part else {}
            for name, part in parts.items()
        }
        by_window.append(
            metric.measure({name: part if part and len(part["window"]) else {} for name, part in chosen.items()})
        )
    return {name: [cells[name] for cells in by_window] for name in metric.columns} if by_window else {}


def _per_clip(rows: Rows) -> dict[str, object]:
    return {
        method: {name: {figure: plain(value) for figure, value in clip.clip.items()} for name, clip in clips.items()}
        for method, clips in rows.items()
    }
