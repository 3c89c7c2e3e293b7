"""The one function from a track, or a user's mask, to the square that is generated and the shape that is hidden.

The no-leak contract: whoever sees the mask and the crop learns nothing of the mouth and nothing of the pose.
Low-passing alone does not keep it (a turn held for seconds passes every filter), so the square rests while the head
stays within a slack of its middle, as a tripod does, and glides only when the head travels.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from contextalk.core.errors import TargetError
from contextalk.core.geometry import CROP_PX, CropPath
from contextalk.core.records import Landmarks, Shot
from contextalk.faces.head_model import HAIR_CENTRE_MM, HAIR_RADII_MM, HEAD_HEIGHT_MM
from contextalk.faces.pose import HeadFit, fit_head

MASK_CENTRE_CROP_PX = (128.0, 121.0)
MASK_RADII_CROP_PX = (98.0, 107.0)
MASK_EXPONENT = 4
"""The mask is the superellipse |x/a|⁴ + |y/b|⁴ ≤ 1: x 30…226, y 14…228, below it neck and shoulders are seen."""

HEAD_CENTRE_CROP_PX = (128.0, 126.0)
"""Where the generic head's centre rests: below the mask's, for hair piles higher than chins hang."""

HEAD_SHARE = 0.70
"""Height of the generic head with hair over the side of the square; heads as seen come to about 0.62."""

SMOOTHING_S = 1.0
"""Standard deviation of the low-pass in time."""

LARGEST_SIDE_CHANGE_PER_S = 0.10

CENTRE_SLACK = (0.10, 0.08)
"""Half width and half height, in sides, of the region in which a head moves without moving the square."""

SIDE_SLACK = 0.15
"""Relative change of the head's size that leaves the side as it is."""

FIT_MARGIN_CROP_PX = 6.0
"""Between the head's outline and the mask's border."""

PIVOT_MM, PIVOT_SPREAD_MM, PIVOT_RANGE_MM = -75.0, 50.0, (-180.0, 20.0)
"""Depth of the point about which heads turn, in the generic head: usual, how far from that, and never beyond."""

SWAY_MM, SWAY_FRAMES = 5.0, 12
"""Standard deviation of what heads move besides turning, and frames over which that stays the same: not independent."""

YAW_ERROR_DEG = 2.0
"""Standard deviation of a head's estimated yaw. Its errors go with errors of the centre, so that a head that hardly
turns would, over minutes, fix the pivot anywhere."""

_JITTER_S = 0.2
_GROWTH_HALVINGS = 12

FITTING_PERCENT = 99.0
"""Share of frames whose head must fit; one with a mislaid landmark does not make the head small in all others."""


def crop_path(landmarks: Landmarks, shots: Sequence[Shot], *, moved: Sequence[int] | None = None) -> CropPath:
    """The square of a head in each frame: same centre and side for whatever the mouth says and wherever the head looks.

    Centre and side come from a generic head fitted to brows, eyes and nose. Frames without a face get the path between
    their neighbours in the shot, or the nearest shot's where it has none.

    Args:
        landmarks: One row per frame, scene px.
        shots: Tile the frames; the path jumps only between them.
        moved: For training: each shot's square is moved and resized at random, as far as it may rest from the head in a
            longer scene. A clip of seconds would otherwise always show its head in the middle. These numbers and when
            the shot begins decide, so that no shot's square depends on the others.

    Raises:
        TargetError: No frame has a face.
    """
    if not landmarks.valid.any():
        raise TargetError(f"no face in any of the {len(landmarks)} frames, wanted at least one")
    points = np.where(landmarks.valid[:, None, None], landmarks.points, np.nan)
    fit = fit_head(points)
    side = fit.scale * HEAD_HEIGHT_MM / HEAD_SHARE
    outline = np.concatenate([points, hair_outline(fit)], axis=1)
    return _still_path(
        np.stack([_pivot_x(fit, landmarks.head_pose[:, 0], shots), fit.centre_px[:, 1]], axis=1),
        side,
        outline,
        landmarks.times_s,
        shots,
        anchor_crop_px=HEAD_CENTRE_CROP_PX,
        fitting_percent=FITTING_PERCENT,
        moved=moved,
    )


def crop_from_mask(
    mask_frames: Iterable[NDArray[np.uint8]], times_s: NDArray[np.float64], shots: Sequence[Shot]
) -> CropPath:
    """The square around a user's mask, so that the white region lies where the fixed mask lies in the crop.

    Args:
        mask_frames: (H, W) or (H, W, 3), white (≥ 128) = regenerate; one per frame, or a single one for all.
        times_s: (F,) frame times.
        shots: Tile the frames.

    Raises:
        TargetError: No frame has a white pixel, or the count is neither 1 nor F.
    """
    outline = np.array([_white_outline(frame) for frame in mask_frames])
    if len(outline) == 1:
        outline = np.repeat(outline, len(times_s), axis=0)
    if len(outline) != len(times_s):
        raise TargetError(f"the mask has {len(outline)} frames, wanted 1 or the scene's {len(times_s)}")
    if not np.isfinite(outline).any():
        raise TargetError("the mask has no white pixel, wanted white where the head is to be regenerated")
    low, high = outline.min(axis=1), outline.max(axis=1)
    relative = (high - low) / (2 * np.array(MASK_RADII_CROP_PX) - 2 * FIT_MARGIN_CROP_PX)
    return _still_path(
        (low + high) / 2,
        relative.max(axis=1) * CROP_PX,
        outline,
        times_s,
        shots,
        anchor_crop_px=MASK_CENTRE_CROP_PX,
        fitting_percent=100.0,
    )


def inside_mask(x_crop_px: NDArray[np.floating], y_crop_px: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether points in crop px (any shapes that broadcast) lie in the fixed shape."""
    x = (x_crop_px - MASK_CENTRE_CROP_PX[0]) / MASK_RADII_CROP_PX[0]
    y = (y_crop_px - MASK_CENTRE_CROP_PX[1]) / MASK_RADII_CROP_PX[1]
    return x**MASK_EXPONENT + y**MASK_EXPONENT <= 1.0


def head_mask() -> NDArray[np.float32]:
    """(256, 256) in crop px: 1 inside the fixed shape, 0 outside."""
    at = np.arange(CROP_PX) + 0.5
    return inside_mask(at[None], at[:, None]).astype(np.float32)


def scene_mask(size_px: tuple[int, int], centre_px: NDArray[np.floating], side_px: float) -> NDArray[np.uint8]:
    """The fixed shape in a scene of `size_px` (width, height): (H, W), 255 where a pixel's centre is inside, else 0."""
    width, height = size_px
    x = (np.arange(width) + 0.5 - centre_px[0]) * (CROP_PX / side_px) + CROP_PX / 2
    y = (np.arange(height) + 0.5 - centre_px[1]) * (CROP_PX / side_px) + CROP_PX / 2
    columns, rows = np.flatnonzero((x > 0) & (x < CROP_PX)), np.flatnonzero((y > 0) & (y < CROP_PX))
    mask = np.zeros((height, width), np.uint8)
    if len(columns) and len(rows):
        shape = inside_mask(x[columns][None], y[rows][:, None])
        mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = shape * np.uint8(255)
    return mask


def _still_path(
    centre: NDArray[np.float64],
    side: NDArray[np.float64],
    outline: NDArray[np.float64],
    times_s: NDArray[np.float64],
    shots: Sequence[Shot],
    *,
    anchor_crop_px: tuple[float, float],
    fitting_percent: float,
    moved: Sequence[int] | None = None,
) -> CropPath:
    """Rest, glide and grow: the path of rows that may be NaN; `outline` (F, P, 2) is what must lie inside the mask."""
    path_centre, path_side = np.full_like(centre, np.nan), np.full_like(side, np.nan)
    for shot in shots:
        rows = slice(shot.start, shot.stop)
        if np.isfinite(side[rows]).any():
            path_centre[rows], path_side[rows] = _shot_path(
                centre[rows], side[rows], outline[rows], times_s[rows], anchor_crop_px, fitting_percent, moved
            )
    path_centre, path_side = _hold(path_centre, times_s), _hold(path_side[:, None], times_s)[:, 0]
    return CropPath(centre_px=path_centre.astype(np.float32), side_px=path_side.astype(np.float32))


def _shot_path(
    centre: NDArray[np.float64],
    side: NDArray[np.float64],
    outline: NDArray[np.float64],
    times_s: NDArray[np.float64],
    anchor_crop_px: tuple[float, float],
    fitting_percent: float,
    moved: Sequence[int] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rate_hz = 1 / np.median(np.diff(times_s)) if len(times_s) > 1 else 25.0
    filled = _interpolate(np.concatenate([centre, np.log(side)[:, None]], axis=1), times_s)
    steady = median_filter(filled, size=(_odd(_JITTER_S * rate_hz), 1), mode="nearest")
    log_side = _glide_side(_rest(steady[:, 2], np.full(len(side), np.log1p(SIDE_SLACK))), rate_hz)
    smooth_side = np.exp(log_side)
    resting = np.stack([_rest(steady[:, axis], CENTRE_SLACK[axis] * smooth_side) for axis in (0, 1)], axis=1)
    sigma = SMOOTHING_S * rate_hz
    smooth_centre = gaussian_filter1d(resting, sigma, axis=0, mode="reflect")
    if moved is not None:
        random = np.random.default_rng([*moved, round(1000 * times_s[0])])
        smooth_side = smooth_side * (1 + SIDE_SLACK) ** random.triangular(-1, 0, 1)
        smooth_centre = smooth_centre + random.triangular(-1, 0, 1, 2) * np.array(CENTRE_SLACK) * smooth_side[:, None]
    # `centre` comes to lie at the anchor; growing moves neither it nor the shape.
    anchor = np.array(anchor_crop_px)
    smooth_side = smooth_side * _growth(outline, smooth_centre, smooth_side, anchor, fitting_percent)
    return smooth_centre + (CROP_PX / 2 - anchor) / CROP_PX * smooth_side[:, None], smooth_side


def _rest(values: NDArray[np.float64], slack: NDArray[np.float64]) -> NDArray[np.float64]:
    """Piecewise constant: each piece as long as one value stays within `slack` of all of its frames."""
    resting = np.empty_like(values)
    start, low, high = 0, -np.inf, np.inf
    for frame, (value, reach) in enumerate(zip(values, slack, strict=True)):
        if max(low, value - reach) > min(high, value + reach):
            resting[start:frame] = (low + high) / 2
            start, low, high = frame, -np.inf, np.inf
        low, high = max(low, value - reach), min(high, value + reach)
    resting[start:] = (low + high) / 2
    return resting


def _glide_side(log_side: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Low-pass as much as the permitted rate of change wants."""
    sigma_s, limit = SMOOTHING_S, np.log1p(LARGEST_SIDE_CHANGE_PER_S)
    while True:
        smooth = gaussian_filter1d(log_side, sigma_s * rate_hz, mode="reflect")
        if len(smooth) < 2 or np.abs(np.diff(smooth)).max() * rate_hz <= limit:
            return smooth
        sigma_s *= 1.5


def _growth(
    outline: NDArray[np.float64],
    centre: NDArray[np.float64],
    side: NDArray[np.float64],
    anchor: NDArray[np.float64],
    fitting_percent: float,
) -> float:
    """One factor ≥ 1 for the shot, so that the outline fits the mask; a factor over time would tell the pose."""
    relative = (outline - centre[:, None]) / side[:, None, None] * CROP_PX
    seen = np.isfinite(relative).all(axis=(1, 2))
    low, high = 1.0, 8.0
    if _share_fitting(relative[seen], anchor) >= fitting_percent / 100:
        return low
    for _ in range(_GROWTH_HALVINGS):
        middle = np.sqrt(low * high)
        fits = _share_fitting(relative[seen] / middle, anchor) >= fitting_percent / 100
        low, high = (low, middle) if fits else (middle, high)
    return float(high)


def _share_fitting(relative: NDArray[np.float64], anchor: NDArray[np.float64]) -> float:
    """Share of frames whose (P, 2) outline, crop px from the anchor, lies inside the mask less its margin."""
    radii = np.array(MASK_RADII_CROP_PX) - FIT_MARGIN_CROP_PX
    reach = (relative + anchor - np.array(MASK_CENTRE_CROP_PX)) / radii
    return float(((reach**MASK_EXPONENT).sum(axis=-1).max(axis=1) <= 1.0).mean())


def _pivot_x(fit: HeadFit, yaw_deg: NDArray[np.float32], shots: Sequence[Shot]) -> NDArray[np.float64]:
    """(F,) scene px: x of the point in the head that stays in place when it turns.

    A centre that is wrong in depth sits to one side of the neck in a turned head, and neck and shoulders are seen
    below the mask: it would tell the shot's mean yaw. How deep the point lies depends on the head and on how much of
    its yaw the generic model sees (half in flat cartoons); the depth that moves least inside the shots is right, with
    a usual one where the head turns no more than its yaw is uncertain, however long it is seen.
    """
    seen = np.isfinite(fit.scale)
    # A rig's own yaw, where the landmarks bring it: the fit sees half of it in flat cartoons.
    forward = np.where(np.isfinite(yaw_deg), np.sin(np.radians(yaw_deg)), fit.rotation[:, 0, 2])
    turning = sliding = 0.0
    for shot in shots:
        rows = np.flatnonzero(seen[shot.start : shot.stop]) + shot.start
        if len(rows):
            # One scale per shot: its jitter times the distance from the picture's edge would be motion.
            position = fit.centre_px[rows, 0] / np.median(fit.scale[rows])
            turn = forward[rows] - forward[rows].mean()
            turning += float(turn @ turn)
            sliding += float(turn @ (position - position.mean()))
    error = np.count_nonzero(seen) * np.sin(np.radians(YAW_ERROR_DEG)) ** 2
    prior = (SWAY_MM / PIVOT_SPREAD_MM) ** 2 * SWAY_FRAMES + error
    depth_mm = float(np.clip((prior * PIVOT_MM - sliding) / (prior + turning), *PIVOT_RANGE_MM))
    return fit.centre_px[:, 0] + fit.scale * depth_mm * forward


def hair_outline(fit: HeadFit) -> NDArray[np.float64]:
    """(F, 16, 2) scene px: the outline, as seen, of the ellipsoid that stands for skull and hair."""
    flat = fit.rotation[:, :2]
    shape = np.einsum("fij,j,fkj->fik", flat, np.array(HAIR_RADII_MM) ** 2, flat)
    angle = np.arange(16) * 2 * np.pi / 16
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # The outline's point furthest in direction d is S d / √(dᵀ S d), S being the projected ellipsoid's matrix.
    along = np.einsum("fij,pj->fpi", shape, direction)
    reach = np.sqrt(np.einsum("fpi,pi->fp", along, direction))
    return fit.project(np.array([HAIR_CENTRE_MM])) + along / reach[..., None] * fit.scale[:, None, None]


def _interpolate(columns: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill NaN rows of (F, C) linearly in time, held at the ends."""
    seen = np.isfinite(columns).all(axis=1)
    return np.stack([np.interp(times_s, times_s[seen], column[seen]) for column in columns.T], axis=1)


def _hold(columns: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill NaN rows of (F, C) with the row nearest in time."""
    seen = np.flatnonzero(np.isfinite(columns).all(axis=1))
    middles = (times_s[seen][1:] + times_s[seen][:-1]) / 2
    return columns[seen[np.searchsorted(middles, times_s)]]


def _white_outline(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(34, 2) points: both ends of 17 rows of the white region; NaN where nothing is white."""
    white = (mask if mask.ndim == 2 else mask.max(axis=2)) >= 128
    rows = np.flatnonzero(white.any(axis=1))
    if not len(rows):
        return np.full((34, 2), np.nan)
    rows = rows[np.linspace(0, len(rows) - 1, 17).round().astype(int)]
    left, right = white[rows].argmax(axis=1), white.shape[1] - white[rows, ::-1].argmax(axis=1)
    edge_y = np.where(np.arange(17) < 8, rows, rows + 1)
    return np.concatenate([np.stack([left, edge_y], axis=1), np.stack([right, edge_y], axis=1)]).astype(np.float64)


def _odd(frames: float) -> int:
    return 2 * int(frames / 2) + 1
