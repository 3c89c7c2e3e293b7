"""Whether the head belongs to its conversation: it faces whom it talks to, looks at them, and turns to who speaks."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.evaluation.calibration import angle_between_deg, gaze_vectors
from contextalk.evaluation.cells import Cell, summarise
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import facing, found
from contextalk.evaluation.metrics import Column, Part
from contextalk.evaluation.metrics.landmarks import saved_points

_ADDRESSEE = "five frames with a face in which somebody is known to be addressed"

_DIRECTION = "a script that says where everybody sits, and somebody who is addressed"

COLUMNS = {
    "side right": Column(
        unit="",
        better="higher",
        says="share of clips whose head, averaged over the frames in which somebody is addressed, faces their side; "
        "half is chance",
        needs=_ADDRESSEE,
    ),
    "side right, saved": Column(
        unit="",
        better="higher",
        says="as side right, of the landmarks saved beside the video",
        needs=f"saved landmarks and {_ADDRESSEE}",
    ),
    "yaw to the addressee": Column(
        unit="°",
        better="nearer to the truth",
        says="mean absolute difference of head yaw from the direction to whom the target speaks to; people sway about "
        "it, so the truth has some",
        needs=_DIRECTION,
    ),
    "gaze to the addressee": Column(
        unit="°",
        better="nearer to the truth",
        says="as yaw to the addressee, of the gaze's yaw; eyes look a little farther round than heads",
        needs=f"{_DIRECTION}, and pupils",
    ),
    "yaw error": Column(
        unit="°",
        better="lower",
        says="mean absolute difference of head yaw, read off the points and calibrated, from the true head's",
        needs="a set whose true yaw is known",
    ),
    "gaze error": Column(
        unit="°",
        better="lower",
        says="mean angle between the gaze read off pupils and pose, calibrated, and the true head's",
        needs="a set whose true gaze is known, and pupils",
    ),
    "listener turns": Column(
        unit="",
        better="higher",
        says="share of clips whose silent head, averaged over the frames in which it is spoken to, faces the speaker",
        needs="five frames with a face in which the target is silent and known to be spoken to",
    ),
}

SET_COLUMNS = {
    "twins turned": Column(
        unit="",
        better="higher",
        says="share of twin pairs (same sound, other addressee) in which both clips face their own; a quarter is "
        "chance, 0 a head that does not look (in scenes of one turn)",
        needs="twin clips",
    )
}

LEAST_FRAMES = 5


def measure(evidence: Evidence) -> dict[str, float]:
    """The columns of one clip."""
    around = evidence.around
    if around is None:
        return dict.fromkeys(COLUMNS, float("nan"))
    frames, points = evidence.generated, evidence.seen.points
    saved = None if evidence.saved is None else saved_points(evidence)
    return {
        "side right": _faces(points, around.towards_addressee, frames),
        "side right, saved": float("nan") if saved is None else _faces(saved, around.towards_addressee, frames),
        "yaw to the addressee": _mean(np.abs(evidence.seen.head_pose[:, 0] - around.addressee_deg)[frames]),
        "gaze to the addressee": _gaze_to_addressee(evidence),
        "yaw error": _mean(np.abs(evidence.seen.head_pose[:, 0] - around.yaw_wanted_deg)[frames]),
        "gaze error": _gaze_error(evidence),
        "listener turns": _faces(points, around.towards_speaker, frames & ~evidence.speaking),
    }


def part(evidence: Evidence) -> Part:
    """Whether the side is `right` (1 or 0), and the `twin`'s name, empty without one."""
    twin = None if evidence.around is None else evidence.around.twin
    return {"right": np.array(measure(evidence)["side right"]), "twin": np.array(twin or "")}


def measure_set(parts: Mapping[str, Part]) -> dict[str, Cell]:
    """`SET_COLUMNS`, over pairs."""
    right = {name: float(part["right"]) if part else float("nan") for name, part in parts.items()}
    twins = {name: str(part["twin"]) or None if part else None for name, part in parts.items()}
    return {name: summarise(twins_turned(right, twins), column.needs) for name, column in SET_COLUMNS.items()}


def twins_turned(right: Mapping[str, float], twins: Mapping[str, str | None]) -> list[float]:
    """1 or 0 for each pair of twins, NaN where one was not measured; `right` is the clips' `side right`."""
    pairs = {tuple(sorted((name, twin))) for name, twin in twins.items() if twin is not None and twin in right}
    known = [(right[one], right[other]) for one, other in sorted(pairs)]
    return [
        float(one == 1 and other == 1) if np.isfinite(one) and np.isfinite(other) else float("nan")
        for one, other in known
    ]


def _faces(points: Points, towards: NDArray[np.int8], frames: NDArray[np.bool_]) -> float:
    """1 where the head, averaged over frames with a side, faces that side, else 0."""
    chosen = frames & (towards != 0) & found(points)
    if chosen.sum() < LEAST_FRAMES:
        return float("nan")
    return float((facing(points)[chosen] * towards[chosen]).mean() > 0)


def _gaze_error(evidence: Evidence) -> float:
    angles = evidence.seen.gaze_deg
    if angles is None or evidence.around is None:
        return float("nan")
    return _mean(angle_between_deg(gaze_vectors(angles), evidence.around.gaze_wanted)[evidence.generated])


def _gaze_to_addressee(evidence: Evidence) -> float:
    angles = evidence.seen.gaze_deg
    if angles is None or evidence.around is None:
        return float("nan")
    return _mean(np.abs(angles[:, 0] - evidence.around.addressee_deg)[evidence.generated])


def _mean(values: NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
