"""Paint on skia: colours, polygons, strokes and soft gradients."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import skia
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from contextalk.synth.people import Colour

Polygon = NDArray[np.float64]
"""(n, 2) in px."""


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` at 0, `other` at 1."""
    red, green, blue = (a * (1 - share) + b * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def shade(colour: Colour, factor: float) -> Colour:
    """Darker below 1; above 1 towards white."""
    if factor > 1:
        return mix(colour, (1.0, 1.0, 1.0), factor - 1)
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def argb(colour: Colour, alpha: float = 1.0) -> int:
    """A colour as skia takes it."""
    red, green, blue = (min(max(round(255 * c), 0), 255) for c in colour)
    return skia.ColorSetARGB(round(255 * alpha), red, green, blue)


def outline_of(colour: Colour) -> Colour:
    """The line around an area of that colour: darker and a little warmer, never black."""
    return mix(shade(colour, 0.42), (0.2, 0.1, 0.12), 0.25)


def polygon(points: Polygon, *, close: bool = True) -> skia.Path:
    """A path through points."""
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points.tolist()], close)


def fill(canvas: skia.Canvas, path: skia.Path, colour: Colour, alpha: float = 1.0) -> None:
    """Fill a path."""
    canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=argb(colour, alpha)))


def stroke(canvas: skia.Canvas, path: skia.Path, colour: Colour, width: float, alpha: float = 1.0) -> None:
    """Draw a line along a path, round ends and joins."""
    paint = skia.Paint(
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
        Color=argb(colour, alpha),
    )
    canvas.drawPath(path, paint)


def gradient_fill(
    canvas: skia.Canvas, path: skia.Path, start: Polygon, stop: Polygon, colours: tuple[Colour, ...]
) -> None:
    """Fill a path with colours running from one point to another."""
    ends = [skia.Point(*start.tolist()), skia.Point(*stop.tolist())]
    shader = skia.GradientShader.MakeLinear(ends, [argb(c) for c in colours])
    canvas.drawPath(path, skia.Paint(AntiAlias=True, Shader=shader))


def vignette_fill(
    canvas: skia.Canvas, path: skia.Path, centre: Polygon, radius: float, colour: Colour, rim: Colour
) -> None:
    """Fill a path with a colour that runs to another from 0.45 of the radius on."""
    shader = skia.GradientShader.MakeRadial(
        skia.Point(*centre.tolist()), radius, [argb(colour), argb(rim)], [0.45, 1.0]
    )
    canvas.drawPath(path, skia.Paint(AntiAlias=True, Shader=shader))


def glow(canvas: skia.Canvas, path: skia.Path, centre: Polygon, radius: float, colour: Colour, alpha: float) -> None:
    """Lay a soft disc of colour over a path."""
    shader = skia.GradientShader.MakeRadial(
        skia.Point(*centre.tolist()), radius, [argb(colour, alpha), argb(colour, 0.0)]
    )
    # Only the disc is touched, which is far less than the path.
    canvas.save()
    canvas.clipPath(path, doAntiAlias=True)
    canvas.drawCircle(*centre.tolist(), radius, skia.Paint(Shader=shader))
    canvas.restore()


@contextmanager
def clipped(canvas: skia.Canvas, path: skia.Path) -> Iterator[None]:
    """Draw inside a path only."""
    canvas.save()
    canvas.clipPath(path, doAntiAlias=True)
    yield
    canvas.restore()


def spline_matrix(controls: int, dense: int, *, closed: bool = False) -> NDArray[np.float64]:
    """(dense, controls): the points of a smooth curve through control points, as a linear map."""
    if closed:
        knots = np.vstack([np.eye(controls), np.eye(controls)[:1]])
        return CubicSpline(np.arange(controls + 1), knots, bc_type="periodic")(
            np.linspace(0, controls, dense, endpoint=False)
        )
    return CubicSpline(np.arange(controls), np.eye(controls), bc_type="natural")(np.linspace(0, controls - 1, dense))
