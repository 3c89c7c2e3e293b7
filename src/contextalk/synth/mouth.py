"""The shape of a mouth from what its muscles do."""

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.brush import spline_matrix
from contextalk.synth.people import Face

Floats = NDArray[np.float64]

MAX_GAP = 0.44
"""Gap between the lips of a jaw at 1, head units."""


def mouth_points(
    face: Face, jaw: Floats, wide: Floats, rounded: Floats, tongue: Floats
) -> dict[str, tuple[Floats, Floats]]:
    """Front points (F, n, 2) in head units with their offsets (F, n, 3) off the face, by part.

    `points` are landmarks 48–67; the rest is painted.
    """
    jaw, wide, rounded, tongue = (v[:, None] for v in (jaw, wide, rounded, tongue))
    half = face.mouth_width * (1 + 0.24 * wide - 0.45 * rounded)
    gap = MAX_GAP * jaw
    corner = -0.07 * face.smile * (1 - 0.7 * rounded) - 0.03 * wide
    along = np.array([-1.0, -0.62, -0.24, 0.0, 0.24, 0.62, 1.0])
    bow = np.array([0.0, 0.72, 1.05, 0.9, 1.05, 0.72, 0.0])
    full = np.array([0.0, 0.62, 0.95, 1.0, 0.95, 0.62, 0.0])
    opened = np.array([0.0, 0.72, 0.96, 1.0, 0.96, 0.72, 0.0]) * (1 - 0.0 * rounded)
    bend = corner * along**2 + face.mouth_y
    thick = 1 + 0.25 * rounded - 0.1 * np.abs(wide)
    inner_half = half * (0.82 + 0.1 * np.clip(3 * jaw, 0, 1) - 0.06 * rounded)
    top_in, low_in = bend - 0.22 * gap * opened, bend + 0.78 * gap * opened
    top_out = bend - 0.22 * gap * opened - face.lip_upper * thick * bow
    low_out = bend + 0.78 * gap * opened + face.lip_lower * thick * full

    def at(x: Floats, y: Floats) -> Floats:
        return np.stack([np.broadcast_to(x, y.shape), y], axis=-1)

    outer_top, outer_low = at(half * along, top_out), at(half * along, low_out)
    inner_top, inner_low = at(inner_half * along, top_in), at(inner_half * along, low_in)
    smooth = spline_matrix(7, 20)

    def ring(top: Floats, low: Floats) -> Floats:
        return np.concatenate([smooth @ top, (smooth @ low)[:, ::-1]], axis=1)

    five = [0, 1, 3, 5, 6]
    landmarks = np.concatenate([outer_top, outer_low[:, 5:0:-1], inner_top[:, five], inner_low[:, [5, 3, 1]]], axis=1)
    teeth_depth = np.minimum(0.12, 0.45 * gap) + 0 * top_in
    teeth = np.concatenate([inner_top - [0.0, 0.03], at(inner_half * along, top_in + teeth_depth)[:, ::-1]], axis=1)
    parts = {
        "points": landmarks,
        "lips": ring(outer_top, outer_low),
        "inner": ring(inner_top, inner_low),
        "teeth": teeth,
        "tongue": _tongue(inner_half, low_in[:, 3:4], gap, tongue),
        "moustache": at(half * 1.05 * along, top_out - 0.07 + 0.05 * along**2),
    }
    return {name: (xy, _out(xy, face, rounded)) for name, xy in parts.items()}


def _tongue(half: Floats, low: Floats, gap: Floats, tongue: Floats) -> Floats:
    steps = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    height = gap * (0.3 + 0.4 * tongue)
    x = 0.62 * half * np.cos(steps)
    return np.stack([x, low - 0.1 * gap + height * np.sin(steps)], axis=-1)


def _out(xy: Floats, face: Face, rounded: Floats) -> Floats:
    """Lips stand off the face, more in the middle and when rounded."""
    near = np.clip(1 - (xy[..., 0] / face.mouth_width) ** 2, 0, 1)
    out = np.zeros((*xy.shape[:-1], 3))
    out[..., 2] = (0.06 + 0.12 * rounded) * near
    return out
