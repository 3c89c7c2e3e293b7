"""Whether heads get worse with every window since the windows last started anew."""

import numpy as np
from numpy.typing import NDArray

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.fidelity import gradient_energy, mouth_boxes, psnr, squared_error
from contextalk.faces.crop import head_mask

_NEEDS = "three windows in a row"

COLUMNS = {
    "colour shift": Column(
        unit="levels",
        better="lower",
        says="distance of the head mask's mean colour from the truth's, all frames together",
        needs="generated frames",
    ),
    "PSNR drift": Column(
        unit="dB/window",
        better="higher",
        says="slope of PSNR in the head mask over the windows since they last started anew; below 0 is decay",
        needs="three windows in a row that differ from the truth",
    ),
    "sharpness drift": Column(
        unit="1/window",
        better="nearer to the truth",
        says="the same slope of mouth sharpness",
        needs="three windows in a row, with a face",
    ),
    "colour drift": Column(
        unit="levels/window",
        better="lower",
        says="the same slope of the colour shift",
        needs=_NEEDS,
    ),
}

LEAST_WINDOWS = 3

_INSIDE = head_mask().astype(bool)
_SLOPES = {"PSNR": "PSNR drift", "sharpness": "sharpness drift", "colour": "colour drift"}


def measure(evidence: Evidence) -> dict[str, float]:
    """The columns of one clip."""
    slopes = {_SLOPES[name]: slope(values) for name, values in by_window(evidence).items()}
    return {"colour shift": _colour_shift(evidence, np.flatnonzero(evidence.generated)), **slopes}


def by_window(evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    """PSNR in dB, mouth sharpness over the truth's and colour shift in levels, (W,) each by window; NaN unknown."""
    window = evidence.window
    frames = [np.flatnonzero(window == index) for index in range(int(window.max(initial=-1)) + 1)]
    return {
        "PSNR": np.array([psnr(_masked_error(evidence, chosen)) for chosen in frames]),
        "sharpness": np.array([_sharpness(evidence, chosen) for chosen in frames]),
        "colour": np.array([_colour_shift(evidence, chosen) for chosen in frames]),
    }


def slope(values: NDArray[np.float64]) -> float:
    """Least-squares slope over the finite entries; NaN for fewer than three."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < LEAST_WINDOWS:
        return float("nan")
    return float(np.polyfit(known, values[known], 1)[0])


def _masked_error(evidence: Evidence, frames: NDArray[np.int64]) -> NDArray[np.float32]:
    return squared_error(evidence.seen.heads[frames][:, _INSIDE], evidence.truth.heads[frames][:, _INSIDE])


def _sharpness(evidence: Evidence, frames: NDArray[np.int64]) -> float:
    seen = truth = 0.0
    for frame, box in zip(frames, mouth_boxes(evidence.wanted[frames]), strict=True):
        if box is not None:
            cut = (frame, slice(box[1], box[3]), slice(box[0], box[2]))
            seen += gradient_energy(evidence.seen.heads[cut])
            truth += gradient_energy(evidence.truth.heads[cut])
    return seen / truth if truth > 0 else float("nan")


def _colour_shift(evidence: Evidence, frames: NDArray[np.int64]) -> float:
    if not len(frames):
        return float("nan")
    means = [_mean_colour(heads[frames]) for heads in (evidence.seen.heads, evidence.truth.heads)]
    return float(np.linalg.norm(means[0] - means[1]))


def _mean_colour(heads: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(3,) inside the mask, over all frames: a matrix product, ten times faster than picking the pixels."""
    weight = _INSIDE.reshape(-1).astype(np.float64) / _INSIDE.sum()
    return np.mean([weight @ head.reshape(-1, 3).astype(np.float64) for head in heads], axis=0)
