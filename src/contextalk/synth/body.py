"""The body: a torso with a direction of its own, arms, a neck, and clothes that show where it faces."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skia
from numpy.typing import NDArray

from contextalk.synth.brush import (
    clipped,
    fill,
    glow,
    mix,
    outline_of,
    polygon,
    shade,
    spline_matrix,
    stroke,
    vignette_fill,
)
from contextalk.synth.people import Person
from contextalk.synth.skull import rotation

Floats = NDArray[np.float64]

NECK = 0.72
"""Height of the head's pivot above the pit of the neck, head units."""

_HEIGHTS = np.array([0.0, 0.12, 0.3, 0.5, 0.8, 1.3, 2.0, 3.0, 4.2, 6.5])
_WIDTHS = np.array([0.3, 0.36, 0.62, 0.86, 0.97, 0.95, 0.9, 0.84, 0.82, 0.92])
_FRONTS = np.array([0.3, 0.36, 0.5, 0.66, 0.84, 0.98, 1.0, 0.92, 0.88, 0.9])
_BACKS = np.array([-0.5, -0.5, -0.55, -0.62, -0.68, -0.72, -0.7, -0.6, -0.6, -0.7])


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShapes:
    """A body in scene px, (F, n, 2); pairs are image left and right as the person faces the camera.

    Attributes:
        torso: Outline.
        neck: Outline of the neck.
        arms: (F, 2, n, 2) shoulder to hand.
        collar: Edge of the neckline, from left shoulder to right.
        inner: What shows inside the neckline, closed.
        lapels: (F, 2, n, 2) closed.
        middle: Line of buttons, top to bottom.
        band: Outline of a band across the chest.
        width: Thickness of an arm, px.
        yaw: (F,) degrees.
        scale: px per head unit.
    """

    torso: Floats
    neck: Floats
    arms: Floats
    collar: Floats
    inner: Floats
    lapels: Floats
    middle: Floats
    band: Floats
    width: float
    yaw: Floats
    scale: float


def body_shapes(
    person: Person, pit_x: Floats, pit_y: Floats, yaw: Floats, lean: Floats, head: Floats, scale: float
) -> BodyShapes:
    """The body below a neck.

    Args:
        person: Whose.
        pit_x: (F,) image x of the pit of the neck, px.
        pit_y: (F,) image y, px.
        yaw: (F,) degrees, > 0 to image right.
        lean: (F,) degrees, > 0 clockwise.
        head: (F, 2) the head's pivot, px.
        scale: px per head unit.
    """
    turn = rotation(yaw, np.zeros_like(yaw), lean)
    origin = np.stack([pit_x, pit_y], axis=-1)[:, None]

    def project(points: Floats) -> Floats:
        return (points @ turn.transpose(0, 2, 1))[..., :2] * scale + origin

    half = person.shoulders

    def front(x: Floats, y: Floats) -> Floats:
        share = np.clip(np.abs(x) / (half * np.interp(y, _HEIGHTS, _WIDTHS)), 0, 1)
        back, ahead = np.interp(y, _HEIGHTS, _BACKS), np.interp(y, _HEIGHTS, _FRONTS)
        middle = (back + ahead) / 2
        return np.stack([x, y, middle + (ahead - middle) * np.sqrt(1 - share**2)], axis=-1)

    angle = np.radians(yaw)[:, None]
    y = np.linspace(0, 1, 30) ** 1.6 * _HEIGHTS[-1]
    wide, ahead, back = (np.interp(y, _HEIGHTS, v) for v in (half * _WIDTHS, _FRONTS, _BACKS))
    middle, depth = (ahead + back) / 2, (ahead - back) / 2
    reach = np.sqrt((wide * np.cos(angle)) ** 2 + (depth * np.sin(angle)) ** 2)
    rim = [np.stack([middle * np.sin(angle) + s * reach, np.broadcast_to(y, reach.shape)], axis=-1) for s in (-1, 1)]
    outline = np.concatenate([rim[0], rim[1][:, ::-1]], axis=1) * scale + origin
    deep = {"crew": 0.34, "vee": 1.05, "collar": 0.7, "jacket": 1.7, "hood": 0.5}[person.looks.neckline]
    across = np.linspace(-1, 1, 13)
    edge = front(0.56 * across, 0.1 + (deep - 0.1) * (1 - np.abs(across) ** (2.6 if deep < 0.6 else 1.0)))
    collar = project(edge)
    throat = project(np.array([[0.5, -0.35, -0.1], [-0.5, -0.35, -0.1]]))
    lapels = np.stack(
        [
            project(front(s * np.array([0.5, 0.62, 0.95, 0.72, 0.0]), np.array([0.06, 0.1, 0.85, 1.0, deep])))
            for s in (-1, 1)
        ],
        axis=1,
    )
    arms = np.stack(
        [
            project(
                spline_matrix(4, 12)
                @ np.array(
                    [
                        [s * (half - 0.32), 0.82, 0.0],
                        [s * (half + 0.02), 2.0, -0.1],
                        [s * (half - 0.05), 3.2, 0.25],
                        [s * 0.9, 4.1, 1.2],
                    ]
                )
            )
            for s in (-1, 1)
        ],
        axis=1,
    )
    neck = _neck(project, head, scale, person.shoulders)
    line = np.linspace(deep + 0.1, 4.5, 7)
    band_y = np.array([1.55, 2.15])
    band_x = np.linspace(-half, half, 12) * 0.93
    band = np.concatenate([front(band_x, np.full(12, band_y[0])), front(band_x[::-1], np.full(12, band_y[1]))])
    return BodyShapes(
        torso=outline,
        neck=neck,
        arms=arms,
        collar=collar,
        inner=np.concatenate([collar, throat], axis=1),
        lapels=lapels,
        middle=project(front(np.zeros(7), line)),
        band=project(band),
        width=0.62 * scale,
        yaw=yaw,
        scale=scale,
    )


def _neck(project: Callable[[Floats], Floats], head: Floats, scale: float, shoulders: float) -> Floats:
    low = project(np.array([[-0.4, 0.1, -0.12], [0.4, 0.1, -0.12]]))
    half = 0.2 * scale * (1 + 0.6 * shoulders)
    up = np.stack([head + np.array([half, -0.2 * scale]), head + np.array([-half, -0.2 * scale])], axis=1)
    return np.concatenate([low[:, :1], low[:, 1:], up], axis=1)


class BodyPainter:
    """One person's body through a clip."""

    def __init__(self, person: Person, shapes: BodyShapes) -> None:
        self.person, self.shapes = person, shapes
        self.line = 0.036 * shapes.scale

    def paint(self, canvas: skia.Canvas, frame: int) -> None:
        """Far arm, neck, torso, clothes, near arm."""
        shapes, looks = self.shapes, self.person.looks
        far = 0 if shapes.yaw[frame] < 0 else 1
        torso = polygon(shapes.torso[frame])
        line = outline_of(looks.top)
        if abs(shapes.yaw[frame]) > 8:
            self._arm(canvas, frame, far, shade(looks.top, 0.78))
        chest = shapes.torso[frame].mean(axis=0) - np.array([0.5, 1.6]) * shapes.scale
        vignette_fill(canvas, torso, chest, 3.4 * shapes.scale, looks.top, shade(looks.top, 0.68))
        if looks.pattern != "plain":
            with clipped(canvas, torso):
                self._pattern(canvas, frame)
        stroke(canvas, torso, line, self.line)
        self._neckline(canvas, frame, torso)
        for side in (1 - far,) if abs(shapes.yaw[frame]) > 8 else (0, 1):
            self._arm(canvas, frame, side, shade(looks.top, 0.95))

    def _arm(self, canvas: skia.Canvas, frame: int, side: int, colour: tuple[float, float, float]) -> None:
        path = polygon(self.shapes.arms[frame, side], close=False)
        stroke(canvas, path, outline_of(self.person.looks.top), self.shapes.width + 2 * self.line)
        stroke(canvas, path, colour, self.shapes.width)

    def _pattern(self, canvas: skia.Canvas, frame: int) -> None:
        shapes, looks = self.shapes, self.person.looks
        other = mix(looks.top, looks.inner, 0.55)
        if looks.pattern == "band":
            fill(canvas, polygon(shapes.band[frame]), other)
        if looks.pattern == "stripe":
            half = len(shapes.band[frame]) // 2
            top = shapes.band[frame, :half]
            for drop in (-0.9, 0.0, 0.9, 1.8, 2.7):
                stroke(
                    canvas, polygon(top + np.array([0, drop * shapes.scale]), close=False), other, 0.26 * shapes.scale
                )

    def _neckline(self, canvas: skia.Canvas, frame: int, torso: skia.Path) -> None:
        shapes, looks, kind = self.shapes, self.person.looks, self.person.looks.neckline
        line = outline_of(looks.top)
        dressed = kind in ("jacket", "collar", "hood")
        neck = polygon(shapes.neck[frame])
        skin = shade(looks.skin, 0.86)
        fill(canvas, neck, skin)
        ring = shapes.neck[frame]
        stroke(canvas, polygon(ring[[0, 3]], close=False), outline_of(looks.skin), self.line)
        stroke(canvas, polygon(ring[[1, 2]], close=False), outline_of(looks.skin), self.line)
        inner = polygon(shapes.inner[frame])
        with clipped(canvas, torso):
            fill(canvas, inner, looks.inner if kind == "jacket" else skin)
        if kind == "jacket":
            fill(canvas, neck, skin)
        glow(canvas, neck, ring[2:].mean(axis=0), 1.0 * shapes.scale, shade(looks.skin, 0.45), 0.75)
        edge = polygon(shapes.collar[frame], close=False)
        stroke(canvas, edge, line, 0.12 * shapes.scale if not dressed else self.line)
        if kind in ("jacket", "collar", "hood"):
            for lapel in shapes.lapels[frame]:
                path = polygon(lapel)
                fill(canvas, path, shade(looks.top, 0.82) if kind != "collar" else looks.inner)
                stroke(canvas, path, line, self.line)
        if kind in ("jacket", "collar"):
            stroke(canvas, polygon(shapes.middle[frame], close=False), line, self.line, 0.8)
            for x, y in shapes.middle[frame, ::2].tolist():
                fill(canvas, skia.Path.Circle(x, y, 0.075 * shapes.scale), shade(looks.inner, 0.9))
