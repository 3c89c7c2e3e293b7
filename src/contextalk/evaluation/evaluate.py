"""Measure methods, and fakes beside them, with the same code: from folders of videos to a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import contextalk
from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError
from contextalk.evaluation import fakes
from contextalk.evaluation.calibration import Calibration, calibrate
from contextalk.evaluation.estimator import Estimator, RememberingEstimator
from contextalk.evaluation.evidence import Evidence, Shown
from contextalk.evaluation.heads import eye_distance, found
from contextalk.evaluation.metrics import (
    Column,
    Metric,
    blinks,
    context,
    drift,
    fidelity,
    identity,
    joins,
    landmarks,
    seam,
    silence,
)
from contextalk.evaluation.read_evidence import find_pairs, look, read_evidence
from contextalk.evaluation.store import FigureStore, Windows, evidence_digest
from contextalk.evaluation.tables import SEED, Table, plain, summarise
from contextalk.models.bundle import Bundle

METRICS: dict[str, Metric] = {
    "mouth and landmarks": Metric(columns=landmarks.COLUMNS, measure=landmarks.measure),
    "context": Metric(columns=context.COLUMNS, measure=context.measure),
    "fidelity": Metric(columns=fidelity.COLUMNS, measure=fidelity.measure),
    "identity": Metric(columns=identity.COLUMNS, measure=identity.measure),
    "seam": Metric(columns=seam.COLUMNS, measure=seam.measure),
    "joins": Metric(columns=joins.COLUMNS, measure=joins.measure),
    "drift": Metric(columns=drift.COLUMNS, measure=drift.measure),
    "silence": Metric(columns=silence.COLUMNS, measure=silence.measure),
    "blinks": Metric(columns=blinks.COLUMNS, measure=blinks.measure),
}
"""What needs no weights, in order of the table."""

GROUND_TRUTH, CODEC, STILL, OTHER, NEAREST = (
    "ground truth",
    "codec only",
    "still head",
    "another clip's head",
    "copied nearest frame",
)
FAKES = (GROUND_TRUTH, CODEC, STILL, OTHER, NEAREST)

MOST_OTHERS = 3
"""Other clips of the person that frames are copied from."""

_KEPT_IN_MEMORY = 3 + MOST_OTHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one clip of one method came to.

    Attributes:
        figures: By column.
        windows: `drift.by_window`.
        face_share: Share of its generated frames in which the estimator finds a face; NaN where there was no evidence.
        why: Why there was no evidence at all; empty otherwise.
    """

    figures: dict[str, float]
    windows: Windows
    face_share: float
    why: str = ""


class Clips:
    """The pairs of one method, read when asked for; a few at a time are held."""

    def __init__(self, pairs: Sequence[tuple[Path, Path]], estimator: Estimator) -> None:
        self._pairs = pairs
        self._estimator = estimator
        self._calibration = Calibration()
        self._read = lru_cache(maxsize=_KEPT_IN_MEMORY)(self._read_one)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Evidence:
        evidence = self._read(index)
        return replace(
            evidence, seen=self._calibration.apply(evidence.seen), truth=self._calibration.apply(evidence.truth)
        )

    def calibrate(self, calibration: Calibration) -> None:
        """Use this calibration from now on."""
        self._calibration = calibration

    def look(self, heads: NDArray[np.uint8]) -> Shown:
        """Heads with what the estimator reads off them, calibrated."""
        return self._calibration.apply(look(heads, self._estimator))

    def _read_one(self, index: int) -> Evidence:
        return read_evidence(*self._pairs[index], self._estimator)


def evaluate(
    methods: Mapping[str, Path],
    reference: Path,
    work: Path,
    *,
    estimator: Estimator,
    bundle: Bundle,
    judges: Mapping[str, Metric] | None = None,
    progress: Progress | None = None,
) -> Table:
    """Measure every clip of every method, and fakes made of the first method's references.

    Interrupted and called again, it takes from `work` what was measured of unchanged files by unchanged code.

    Args:
        methods: Name → folder of generated videos.
        reference: Folder of references (`read_evidence.py`).
        work: Folder for what is put by.
        estimator: Reads landmarks off heads.
        bundle: Its codec makes the codec's row.
        judges: Groups of figures on top of `METRICS`, by name.
        progress: Called with ("clips read" | "clips measured", done, total).

    Raises:
        ContextalkError: Missing pairs or reports; a method named like a fake.
    """
    clashing = sorted(set(methods) & set(FAKES))
    if clashing or not methods:
        raise ContextalkError(f"methods are {', '.join(methods) or 'none'}, wanted names other than {', '.join(FAKES)}")
    remembering = RememberingEstimator(estimator, work / "readings")
    clips = {name: Clips(find_pairs(folder, reference), remembering) for name, folder in methods.items()}
    first = next(iter(clips.values()))
    known = _read_all(first, progress)
    calibration = calibrate((clip.truth, clip.around) for clip in known)
    measured: dict[str, dict[str, Measured]] = {name: {} for name in (*FAKES, *methods)}
    total = len(first) * len(FAKES) + sum(len(these) for these in clips.values())
    metrics = METRICS | dict(judges or {})
    store = FigureStore(work / "figures", metrics)
    jobs = _jobs(clips, known, bundle)
    for these in clips.values():
        these.calibrate(calibration)
    for done, (method, name, make) in enumerate(jobs, start=1):
        measured[method][name] = _measure(make, store, metrics)
        if progress is not None:
            progress("clips measured", done, total)
    return _table(metrics, measured, known, calibration, estimator, bundle, methods, reference)


def without_heads(evidence: Evidence) -> Evidence:
    """The evidence without its pictures, which weigh a hundred times the rest."""
    none = np.empty((0, *evidence.truth.heads.shape[1:]), np.uint8)
    return replace(evidence, seen=replace(evidence.seen, heads=none), truth=replace(evidence.truth, heads=none))


def _read_all(clips: Clips, progress: Progress | None) -> list[Evidence]:
    known = []
    for index in range(len(clips)):
        known.append(without_heads(clips[index]))
        if progress is not None:
            progress("clips read", index + 1, len(clips))
    return known


def _jobs(
    clips: Mapping[str, Clips], known: Sequence[Evidence], bundle: Bundle
) -> Iterator[tuple[str, str, Callable[[], Evidence]]]:
    """(method, clip's name, how to make the evidence), clip by clip, so that pictures are read once."""
    first = next(iter(clips.values()))
    for index, clip in enumerate(known):
        for method, make in _fakes(first, index, known, bundle).items():
            yield method, clip.name, make
        yield next(iter(clips)), clip.name, partial(first.__getitem__, index)
    for method, others in list(clips.items())[1:]:
        for index in range(len(others)):
            evidence = others[index]
            yield method, evidence.name, partial(others.__getitem__, index)


def _fakes(clips: Clips, index: int, known: Sequence[Evidence], bundle: Bundle) -> dict[str, Callable[[], Evidence]]:
    own = known[index]
    return {
        GROUND_TRUTH: lambda: fakes.ground_truth(clips[index]),
        CODEC: lambda: fakes.codec_only(clips[index], bundle.codec, clips.look),
        STILL: lambda: fakes.still_head(clips[index], clips.look),
        OTHER: lambda: fakes.other_head(clips[index], clips[_next_other(index, known)], clips.look),
        NEAREST: lambda: fakes.nearest_frame(
            clips[index], [clips[other] for other in _same_person(own, known)], clips.look
        ),
    }


def _next_other(index: int, known: Sequence[Evidence]) -> int:
    """The next clip, round the end, that is neither this one nor its twin; this one where there is none."""
    twin = known[index].around
    for step in range(1, len(known)):
        other = (index + step) % len(known)
        if twin is None or known[other].name != twin.twin:
            return other
    return index


def _same_person(own: Evidence, known: Sequence[Evidence]) -> list[int]:
    """Other clips of the person, not the twin."""
    if own.person is None:
        return []
    twin = None if own.around is None else own.around.twin
    same = [
        index for index, clip in enumerate(known) if clip.person == own.person and clip.name not in (own.name, twin)
    ]
    return same[:MOST_OTHERS]


def _measure(make: Callable[[], Evidence], store: FigureStore, metrics: Mapping[str, Metric]) -> Measured:
    try:
        evidence = make()
    except fakes.NoFakeError as error:
        return Measured(figures={}, windows={}, face_share=float("nan"), why=str(error))
    key = evidence_digest(evidence)
    figures, windows = store.load(key) or store.save(key, *_figures(evidence, metrics))
    share = found(evidence.seen.points)[evidence.generated]
    return Measured(figures=figures, windows=windows, face_share=float(share.mean()) if len(share) else 0.0)


def _figures(evidence: Evidence, metrics: Mapping[str, Metric]) -> tuple[dict[str, float], Windows]:
    figures = {name: value for metric in metrics.values() for name, value in metric.measure(evidence).items()}
    return figures, {name: values.tolist() for name, values in drift.by_window(evidence).items()}


def _table(
    metrics: Mapping[str, Metric],
    measured: Mapping[str, Mapping[str, Measured]],
    known: Sequence[Evidence],
    calibration: Calibration,
    estimator: Estimator,
    bundle: Bundle,
    methods: Mapping[str, Path],
    reference: Path,
) -> Table:
    groups: dict[str, dict[str, Column]] = {group: dict(metric.columns) for group, metric in metrics.items()}
    twins = {clip.name: None if clip.around is None else clip.around.twin for clip in known}
    cells = {
        (method, name): summarise(_values(clips, name), _why(clips, column))
        for method, clips in measured.items()
        for columns in groups.values()
        for name, column in columns.items()
    }
    for name, column in context.SET_COLUMNS.items():
        groups["context"][name] = column
        for method, clips in measured.items():
            right = {clip: value.figures.get("side right", float("nan")) for clip, value in clips.items()}
            cells[method, name] = summarise(context.twins_turned(right, twins), column.needs)
    return Table(
        methods=tuple(measured),
        groups=groups,
        cells=cells,
        windows={method: figures for method, clips in measured.items() if (figures := _mean_windows(clips))},
        notes=(
            *_judge_notes(estimator, bundle, calibration, known),
            *(f"{group}: judged by {metric.judge}." for group, metric in metrics.items() if metric.judge),
            *_face_notes(measured),
            *_fake_notes(measured),
        ),
        facts={
            "contextalk": contextalk.__version__,
            "estimator": estimator.name,
            "codec": f"bundle {bundle.fingerprint[:12]}",
            "clips": len(known),
            "bootstrap_seed": SEED,
            "reference": str(reference),
            "generated": {name: str(folder) for name, folder in methods.items()},
            "per_clip": {
                method: {
                    clip: {name: plain(value) for name, value in one.figures.items()} for clip, one in clips.items()
                }
                for method, clips in measured.items()
            },
        },
    )


def _values(clips: Mapping[str, Measured], name: str) -> list[float]:
    return [clip.figures.get(name, float("nan")) for clip in clips.values()]


def _why(clips: Mapping[str, Measured], column: Column) -> str:
    lacking = sorted({clip.why for clip in clips.values() if clip.why})
    return f"{column.needs}; {'; '.join(lacking)}" if lacking else column.needs


def _mean_windows(clips: Mapping[str, Measured]) -> dict[str, NDArray[np.float64]]:
    """(W,) means over the clips that have the window; NaN for a window that no clip measured."""
    means: dict[str, NDArray[np.float64]] = {}
    for name in sorted({name for clip in clips.values() for name in clip.windows}):
        rows = [clip.windows[name] for clip in clips.values() if name in clip.windows]
        columns = [[row[index] for row in rows if index < len(row)] for index in range(max(map(len, rows)))]
        means[name] = np.array([_known_mean(column) for column in columns])
    return means


def _known_mean(values: Iterable[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _judge_notes(
    estimator: Estimator, bundle: Bundle, calibration: Calibration, known: Sequence[Evidence]
) -> Iterator[str]:
    yield "Every row is measured by the same code; fakes are head crops blended in like generated ones, without video."
    yield (
        "Intervals: 95 % of the mean, percentile bootstrap over clips, 2000 draws, seed "
        f"{SEED}; twins: over pairs. A single clip has none."
    )
    yield f"Landmarks are read off pixels by {estimator.name}; {_reading_error(known)}."
    yield f"The codec's row is of bundle {bundle.fingerprint[:12]}."
    if calibration.yaw is None:
        yield "Yaw is the generic head's: no clip knows the true one."
    else:
        yield (
            f"Yaw = {calibration.yaw[0]:.2f} · the generic head's {calibration.yaw[1]:+.1f}°, fitted to this set's "
            f"true heads; the estimator's own error there is {calibration.yaw_error_deg:.1f}°."
        )
    if calibration.gaze is not None:
        yield f"Gaze is fitted likewise; the estimator's own error is {calibration.gaze_error_deg:.1f}°."


def _reading_error(known: Sequence[Evidence]) -> str:
    """Mean distance of what is read off true heads from the exact points."""
    apart, relative = [], []
    for clip in known:
        if clip.given is not None:
            frames = found(clip.given) & found(clip.truth.points)
            distance = np.linalg.norm(clip.truth.points[frames] - clip.given[frames], axis=-1).mean(axis=1)
            apart.append(distance)
            relative.append(distance / eye_distance(clip.given[frames]))
    if not apart or not sum(map(len, apart)):
        return "its error is not known, for the true points of no clip are"
    return (
        f"on true heads it is {np.concatenate(apart).mean():.2f} crop px off, "
        f"{100 * np.concatenate(relative).mean():.1f} % of the outer-eye distance"
    )


def _face_notes(measured: Mapping[str, Mapping[str, Measured]]) -> Iterator[str]:
    for method, clips in measured.items():
        shares = {name: clip.face_share for name, clip in clips.items() if not np.isnan(clip.face_share)}
        none = [name for name, share in shares.items() if share == 0]
        if shares and min(shares.values()) < 1:
            yield (
                f"{method}: a face was found in {100 * np.mean(list(shares.values())):.1f} % of the frames"
                + (f"; in none of {len(none)} clips: {', '.join(none)}." if none else ".")
            )


def _fake_notes(measured: Mapping[str, Mapping[str, Measured]]) -> Iterator[str]:
    for method, clips in measured.items():
        lacking = {name: clip.why for name, clip in clips.items() if clip.why}
        if lacking:
            yield f"{method}: not made for {len(lacking)} clips ({'; '.join(sorted(set(lacking.values())))})."
