"""How near the head is to the true one, pixel by pixel: inside the fixed mask, and around the mouth.

Nearness is not quality: a head that says the same with another pose is far from the truth, and so is the same head a
frame late. Read it beside the codec's row, which is the ceiling, and the still head's.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.heads import found
from contextalk.evaluation.metrics import Column
from contextalk.faces.crop import head_mask

COLUMNS = {
    "PSNR head": Column(
        unit="dB",
        better="higher",
        says="RGB inside the fixed head mask, all frames of a clip pooled; ∞ for equal pictures",
        needs="generated frames",
    ),
    "SSIM head": Column(
        unit="",
        better="higher",
        says="structural similarity of luma, mean inside the head mask",
        needs="generated frames",
    ),
    "PSNR mouth": Column(unit="dB", better="higher", says="as PSNR head, in a box around the true mouth"),
    "SSIM mouth": Column(unit="", better="higher", says="as SSIM head, in a box around the true mouth"),
    "mouth sharpness": Column(
        unit="",
        better="nearer to the truth",
        says="mean squared luma gradient in the mouth box over the truth's; below 1 is blurred",
    ),
}

MOUTH_MARGIN = 0.25
"""Of the mouth's width, added to its box on every side."""

_INSIDE = head_mask().astype(bool)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_RADIUS, _SIGMA = 5, 1.5
"""Of the window of Wang et al. 2004, Sec. III-B."""

Heads = NDArray[np.uint8]
Box = tuple[int, int, int, int]


def measure(evidence: Evidence) -> dict[str, float]:
    """The columns of one clip."""
    frames = np.flatnonzero(evidence.generated)
    seen, truth = evidence.seen.heads[frames], evidence.truth.heads[frames]
    boxes = mouth_boxes(evidence.wanted[frames])
    likeness = [ssim_map(a, b) for a, b in zip(seen, truth, strict=True)]
    boxed = [(a[_cut(box)], b[_cut(box)], s[_cut(box)]) for a, b, s, box in _with_boxes(seen, truth, likeness, boxes)]
    return {
        "PSNR head": psnr(squared_error(seen[:, _INSIDE], truth[:, _INSIDE])),
        "SSIM head": _mean([float(values[_INSIDE].mean()) for values in likeness]),
        "PSNR mouth": psnr(np.concatenate([squared_error(a, b).reshape(-1) for a, b, _ in boxed] or [np.zeros(0)])),
        "SSIM mouth": _mean([float(values.mean()) for _, _, values in boxed]),
        "mouth sharpness": _ratio(
            sum(gradient_energy(a) for a, _, _ in boxed), sum(gradient_energy(b) for _, b, _ in boxed)
        ),
    }


def squared_error(seen: Heads, truth: Heads) -> NDArray[np.float32]:
    """Per sample, of 255²."""
    return (seen.astype(np.float32) - truth.astype(np.float32)) ** 2


def psnr(squared: NDArray[np.floating]) -> float:
    """Peak signal-to-noise ratio in dB of squared errors of 8-bit samples; infinite for none, NaN without samples."""
    if not squared.size:
        return float("nan")
    mean = float(squared.mean(dtype=np.float64))
    return float("inf") if mean == 0 else float(10 * np.log10(255**2 / mean))


def ssim_map(seen: Heads, truth: Heads) -> NDArray[np.float32]:
    """(H, W) structural similarity of the luma of two (H, W, 3) pictures (Wang et al. 2004, Eq. 13)."""
    x, y = luma(seen), luma(truth)
    mean_x, mean_y = _blur(x), _blur(y)
    spread_x, spread_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    together = _blur(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + _C1) * (2 * together + _C2)
    return (above / ((mean_x**2 + mean_y**2 + _C1) * (spread_x + spread_y + _C2))).astype(np.float32)


def luma(rgb: Heads) -> NDArray[np.float32]:
    """(…, 3) uint8 → (…) in [0, 255], BT.601."""
    return rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def gradient_energy(rgb: Heads) -> float:
    """Mean squared gradient of luma by central differences, levels² per px²."""
    down, along = np.gradient(luma(rgb))
    return float((down**2 + along**2).mean())


def mouth_boxes(points: Points) -> list[Box | None]:
    """x0, y0, x1, y1 in whole crop px around points 48–67 with a margin; None without a face or outside the crop."""
    return [_mouth_box(face[48:]) if seen else None for face, seen in zip(points, found(points), strict=True)]


def _mouth_box(mouth: Points) -> Box | None:
    low, high = mouth.min(axis=0), mouth.max(axis=0)
    margin = MOUTH_MARGIN * (high[0] - low[0])
    x0, y0 = np.clip(np.floor(low - margin), 0, CROP_PX).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin), 0, CROP_PX).astype(int)
    # The gradient wants two samples a side.
    return (int(x0), int(y0), int(x1), int(y1)) if min(x1 - x0, y1 - y0) >= 2 else None


def _with_boxes(
    seen: Heads, truth: Heads, likeness: list[NDArray[np.float32]], boxes: list[Box | None]
) -> list[tuple[Heads, Heads, NDArray[np.float32], Box]]:
    return [(a, b, s, box) for a, b, s, box in zip(seen, truth, likeness, boxes, strict=True) if box is not None]


def _cut(box: Box) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


def _blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (2 * _RADIUS + 1,) * 2
    return np.asarray(cv2.GaussianBlur(values, size, _SIGMA, borderType=cv2.BORDER_REFLECT), np.float32)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")
