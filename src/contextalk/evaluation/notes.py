"""What a reader of a table must know: judges and their errors, calibration, what was not made or not found."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from contextalk.evaluation.calibration import Calibration
from contextalk.evaluation.cells import SEED
from contextalk.evaluation.estimator import Estimator
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import eye_distance, found
from contextalk.evaluation.metrics import Metric, SetMetric
from contextalk.models.bundle import Bundle


def general_notes(
    estimator: Estimator, bundle: Bundle, calibration: Calibration, known: Sequence[Evidence]
) -> Iterator[str]:
    """How the table came about, and the estimator's errors on the true heads of the set."""
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
            f"true heads; what is left there, the estimator's error at the least, is {calibration.yaw_error_deg:.1f}°."
        )
    if calibration.gaze is not None:
        yield f"Gaze is fitted likewise; what is left is {calibration.gaze_error_deg:.1f}°."


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


def judge_notes(metrics: Mapping[str, Metric | SetMetric]) -> Iterator[str]:
    """Who judges each group, and what is known of the judge's own error."""
    for group, metric in metrics.items():
        if metric.judge:
            held_out = f"; on the truth of clips held out from its training: {metric.error}" if metric.error else ""
            yield f"{group}: judged by {metric.judge}{held_out}."


def face_notes(shares: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Methods with frames in which no face is found; `shares` by method and clip, NaN where a clip was not made."""
    for method, clips in shares.items():
        known = {name: share for name, share in clips.items() if not np.isnan(share)}
        none = [name for name, share in known.items() if share == 0]
        if known and min(known.values()) < 1:
            yield (
                f"{method}: a face was found in {100 * np.mean(list(known.values())):.1f} % of the frames"
                + (f"; in none of {len(none)} clips: {', '.join(none)}." if none else ".")
            )


def fake_notes(lacking: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Fakes that could not be made; `lacking` by method and clip says why, empty where it was made."""
    for method, clips in lacking.items():
        why = [reason for reason in clips.values() if reason]
        if why:
            yield f"{method}: not made for {len(why)} clips ({'; '.join(sorted(set(why)))})."
