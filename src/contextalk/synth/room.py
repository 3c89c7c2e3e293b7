"""Rooms: a still background painted once, and what stands in front of the people."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import skia
from numpy.typing import NDArray

from contextalk.synth.brush import argb, fill, gradient_fill, mix, outline_of, shade, stroke
from contextalk.synth.people import Colour

SIZE_PX = (960, 540)
"""(width, height) of a scene."""

FOREGROUND_TOP = 430
"""No foreground reaches above this row."""

_WALLS: tuple[Colour, ...] = (
    (0.74, 0.80, 0.72),
    (0.86, 0.79, 0.64),
    (0.62, 0.74, 0.80),
    (0.84, 0.70, 0.66),
    (0.72, 0.68, 0.80),
    (0.60, 0.72, 0.66),
    (0.88, 0.84, 0.76),
    (0.50, 0.62, 0.70),
    (0.78, 0.66, 0.50),
    (0.66, 0.50, 0.50),
)
_WOODS: tuple[Colour, ...] = (
    (0.55, 0.36, 0.22),
    (0.42, 0.27, 0.18),
    (0.70, 0.50, 0.32),
    (0.30, 0.22, 0.20),
    (0.82, 0.72, 0.60),
)
_FABRICS: tuple[Colour, ...] = (
    (0.30, 0.42, 0.52),
    (0.55, 0.25, 0.25),
    (0.32, 0.45, 0.33),
    (0.75, 0.55, 0.25),
    (0.45, 0.33, 0.48),
    (0.68, 0.64, 0.58),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A painted room.

    Attributes:
        background: Opaque RGBA (540, 960, 4).
        foreground: What stands in front of the people, from row `FOREGROUND_TOP` down; None: nothing.
    """

    background: NDArray[np.uint8]
    foreground: skia.Image | None


def room(rng: np.random.Generator) -> Room:
    """Furnish and paint a room."""
    background, surface = new_surface()
    _background(surface.getCanvas(), rng)
    if rng.random() >= 0.6:
        return Room(background=background, foreground=None)
    _, surface = new_surface()
    _foreground(surface.getCanvas(), rng)
    strip = skia.IRect(0, FOREGROUND_TOP, *SIZE_PX)
    return Room(background=background, foreground=surface.makeImageSnapshot(strip))


def new_surface() -> tuple[np.ndarray, skia.Surface]:
    """An RGBA picture of a scene's size and the surface that paints into it."""
    pixels = np.zeros((SIZE_PX[1], SIZE_PX[0], 4), np.uint8)
    return pixels, skia.Surface(pixels, colorType=skia.kRGBA_8888_ColorType)


def _box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> skia.Path:
    path = skia.Path()
    path.addRoundRect(skia.Rect(x0, y0, x1, y1), radius, radius)
    return path


def _solid(canvas: skia.Canvas, path: skia.Path, colour: Colour, line: float = 2.0, *, depth: float = 0.82) -> None:
    """An area in soft light from above with its outline."""
    box = path.getBounds()
    ends = np.array([[box.left(), box.top()], [box.left(), box.bottom()]])
    gradient_fill(canvas, path, ends[0], ends[1], (shade(colour, 1.06), shade(colour, depth)))
    stroke(canvas, path, outline_of(colour), line)


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    base = colours[rng.integers(len(colours))]
    return mix(base, tuple(rng.uniform(0.2, 0.95, 3)), rng.uniform(0, 0.22))


def _background(canvas: skia.Canvas, rng: np.random.Generator) -> None:
    width, height = SIZE_PX
    wall = _pick(rng, _WALLS)
    floor_y = height * rng.uniform(0.8, 0.92)
    gradient_fill(
        canvas,
        _box(0, 0, width, height),
        np.array([0, 0]),
        np.array([0, floor_y]),
        (shade(wall, 0.92), shade(wall, 1.12)),
    )
    if rng.random() < 0.35:
        _paper(canvas, rng, wall, floor_y)
    if rng.random() < 0.5:
        rail = floor_y * rng.uniform(0.62, 0.75)
        _solid(canvas, _box(-5, rail, width + 5, floor_y), mix(wall, (1, 1, 1), 0.35), 1.5, depth=0.9)
        _solid(canvas, _box(-5, rail - 8, width + 5, rail + 4), mix(wall, (1, 1, 1), 0.55), 1.5)
    wood = _pick(rng, _WOODS)
    _solid(canvas, _box(-5, floor_y, width + 5, height + 5), wood, 2, depth=0.7)
    _solid(canvas, _box(-5, floor_y - 12, width + 5, floor_y), mix(wall, (1, 1, 1), 0.6), 1.5)
    window, shelf, door = (partial(make, floor_y=floor_y) for make in (_window, _shelf, _door))
    things = [window, _pictures, shelf, _pictures, door, _clock]
    slots = rng.permutation(4)
    for slot, which in zip(slots, rng.permutation(len(things))[:4], strict=True):
        centre = (slot + 0.5 + rng.uniform(-0.15, 0.15)) * width / 4
        things[which](canvas, rng, centre)
    for make in (_lamp, _plant):
        if rng.random() < 0.6:
            make(
                canvas,
                rng,
                rng.choice([rng.uniform(20, 130), rng.uniform(width - 130, width - 20), rng.uniform(300, 660)]),
                floor_y,
            )
    if rng.random() < 0.6:
        _sofa(canvas, rng)
    light = np.array([rng.uniform(0, width), -60.0])
    shader = skia.GradientShader.MakeRadial(
        skia.Point(*light.tolist()),
        1050,
        [argb((1, 0.97, 0.85), 0.22), argb((1, 0.95, 0.8), 0.0), argb((0.1, 0.06, 0.2), 0.26)],
        [0, 0.45, 1],
    )
    canvas.drawRect(skia.Rect(0, 0, width, height), skia.Paint(Shader=shader))


def _paper(canvas: skia.Canvas, rng: np.random.Generator, wall: Colour, floor_y: float) -> None:
    """Broad stripes: fine ones would not survive the codec."""
    stripe = shade(wall, rng.uniform(0.9, 0.96))
    step = rng.uniform(60, 110)
    for x in np.arange(0, SIZE_PX[0], step):
        fill(canvas, _box(x, 0, x + step / 2, floor_y), stripe, 0.7)


def _window(canvas: skia.Canvas, rng: np.random.Generator, x: float, floor_y: float) -> None:
    half, top, low = rng.uniform(70, 105), rng.uniform(20, 60), floor_y * rng.uniform(0.5, 0.62)
    frame = mix(_pick(rng, _WOODS), (1, 1, 1), 0.6)
    _solid(canvas, _box(x - half - 10, top - 10, x + half + 10, low + 10, 4), frame)
    pane = _box(x - half, top, x + half, low)
    day = rng.random() < 0.75
    sky = ((0.55, 0.77, 0.95), (0.88, 0.94, 0.97)) if day else ((0.10, 0.12, 0.28), (0.30, 0.26, 0.46))
    gradient_fill(canvas, pane, np.array([x, top]), np.array([x, low]), sky)
    canvas.save()
    canvas.clipPath(pane, doAntiAlias=True)
    hill = (0.48, 0.66, 0.42) if day else (0.12, 0.16, 0.22)
    fill(canvas, skia.Path.Circle(x - half * 0.4, low + half * 0.9, half * 1.3), hill)
    fill(canvas, skia.Path.Circle(x + half * 0.8, low + half * 0.8, half * 1.1), shade(hill, 0.85))
    canvas.restore()
    stroke(canvas, pane, outline_of(frame), 2)
    for path in (_box(x - 4, top, x + 4, low), _box(x - half, (top + low) / 2 - 4, x + half, (top + low) / 2 + 4)):
        _solid(canvas, path, frame, 1.2)
    if rng.random() < 0.6:
        cloth = _pick(rng, _FABRICS)
        for side in (-1, 1):
            edge = x + side * (half + 22)
            curtain = skia.Path()
            curtain.moveTo(edge, top - 16)
            curtain.lineTo(x + side * half * 0.35, top - 16)
            curtain.quadTo(x + side * half * 0.75, (top + low) / 2, x + side * half * 0.6, low + 60)
            curtain.lineTo(edge, low + 60)
            curtain.close()
            _solid(canvas, curtain, cloth)


def _pictures(canvas: skia.Canvas, rng: np.random.Generator, x: float) -> None:
    for offset in (-48, 48) if rng.random() < 0.4 else (0,):
        half_w, half_h = (
            (rng.uniform(28, 40), rng.uniform(32, 48)) if offset else (rng.uniform(45, 85), rng.uniform(40, 62))
        )
        y = rng.uniform(80, 130)
        _solid(
            canvas,
            _box(x + offset - half_w - 8, y - half_h - 8, x + offset + half_w + 8, y + half_h + 8, 2),
            _pick(rng, _WOODS),
        )
        inside = _box(x + offset - half_w, y - half_h, x + offset + half_w, y + half_h)
        ground = _pick(rng, _WALLS)
        _solid(canvas, inside, mix(ground, (1, 1, 1), 0.4), 1.2)
        canvas.save()
        canvas.clipPath(inside, doAntiAlias=True)
        for _ in range(3):
            spot = (x + offset + rng.uniform(-1, 1) * half_w, y + rng.uniform(-0.4, 1) * half_h)
            fill(canvas, skia.Path.Circle(*spot, rng.uniform(0.3, 0.8) * half_w), _pick(rng, _FABRICS), 0.85)
        canvas.restore()


def _shelf(canvas: skia.Canvas, rng: np.random.Generator, x: float, floor_y: float) -> None:
    half, top = rng.uniform(75, 105), rng.uniform(30, 70)
    wood = _pick(rng, _WOODS)
    _solid(canvas, _box(x - half, top, x + half, floor_y, 3), shade(wood, 0.8))
    for level in np.arange(top + 78, floor_y, 82):
        at = x - half + 12
        while at < x + half - 30:
            wide, tall = rng.uniform(12, 24), rng.uniform(42, 64)
            if rng.random() < 0.8:
                _solid(canvas, _box(at, level - tall, at + wide, level, 2), _pick(rng, _FABRICS), 1.2)
            at += wide + 1
        _solid(canvas, _box(x - half, level, x + half, level + 9), wood, 1.5)
    stroke(canvas, _box(x - half, top, x + half, floor_y, 3), outline_of(wood), 5)


def _door(canvas: skia.Canvas, rng: np.random.Generator, x: float, floor_y: float) -> None:
    wood = mix(_pick(rng, _WOODS), (1, 1, 1), rng.uniform(0.1, 0.5))
    half, top = rng.uniform(62, 78), rng.uniform(40, 70)
    _solid(canvas, _box(x - half - 9, top - 9, x + half + 9, floor_y), shade(wood, 1.2))
    _solid(canvas, _box(x - half, top, x + half, floor_y), wood)
    for y0, y1 in ((0.06, 0.42), (0.5, 0.93)):
        panel = _box(x - half + 16, top + y0 * (floor_y - top), x + half - 16, top + y1 * (floor_y - top), 3)
        _solid(canvas, panel, shade(wood, 0.92), 1.5)
    fill(canvas, skia.Path.Circle(x + half - 10, (top + floor_y) / 2, 5), (0.85, 0.72, 0.35))


def _clock(canvas: skia.Canvas, rng: np.random.Generator, x: float) -> None:
    y, radius = rng.uniform(70, 110), rng.uniform(26, 36)
    _solid(canvas, skia.Path.Circle(x, y, radius + 6), _pick(rng, _WOODS))
    _solid(canvas, skia.Path.Circle(x, y, radius), (0.96, 0.95, 0.9), 1.5, depth=0.93)
    for length, width in ((0.5, 4), (0.75, 2.5)):
        angle = rng.uniform(0, 2 * np.pi)
        hand = skia.Path()
        hand.moveTo(x, y)
        hand.lineTo(x + length * radius * np.cos(angle), y + length * radius * np.sin(angle))
        stroke(canvas, hand, (0.15, 0.12, 0.12), width)


def _lamp(canvas: skia.Canvas, rng: np.random.Generator, x: float, floor_y: float) -> None:
    top = rng.uniform(90, 150)
    metal = _pick(rng, _WOODS)
    _solid(canvas, _box(x - 4, top + 60, x + 4, floor_y + 30), metal, 1.5)
    shader = skia.GradientShader.MakeRadial(
        skia.Point(x, top + 40), 190, [argb((1, 0.9, 0.6), 0.5), argb((1, 0.9, 0.6), 0.0)]
    )
    canvas.drawCircle(x, top + 40, 190, skia.Paint(AntiAlias=True, Shader=shader))
    cone = skia.Path.Polygon(
        [skia.Point(x - 30, top), skia.Point(x + 30, top), skia.Point(x + 52, top + 76), skia.Point(x - 52, top + 76)],
        True,
    )
    _solid(canvas, cone, mix(_pick(rng, _FABRICS), (1, 0.92, 0.7), 0.7))


def _plant(canvas: skia.Canvas, rng: np.random.Generator, x: float, floor_y: float) -> None:
    pot = floor_y - rng.uniform(10, 60)
    green = mix((0.25, 0.5, 0.25), (0.5, 0.65, 0.2), rng.random())
    for _ in range(11):
        angle, length = rng.uniform(-2.7, -0.44), rng.uniform(90, 190)
        tip = (x + length * np.cos(angle), pot - 20 + length * np.sin(angle))
        side = 0.16 * length
        leaf = skia.Path()
        leaf.moveTo(x, pot - 10)
        leaf.quadTo((x + tip[0]) / 2 - side * np.sin(angle), (pot + tip[1]) / 2 + side * np.cos(angle), *tip)
        leaf.quadTo((x + tip[0]) / 2 + side * np.sin(angle), (pot + tip[1]) / 2 - side * np.cos(angle), x, pot - 10)
        _solid(canvas, leaf, shade(green, rng.uniform(0.75, 1.15)), 1.4)
    _solid(
        canvas,
        _box(x - 34, pot - 14, x + 34, pot + 80, 8),
        _pick(rng, ((0.75, 0.42, 0.28), (0.85, 0.85, 0.82), (0.3, 0.4, 0.5))),
    )


def _sofa(canvas: skia.Canvas, rng: np.random.Generator) -> None:
    width, height = SIZE_PX
    cloth = _pick(rng, _FABRICS)
    top = rng.uniform(0.62, 0.7) * height
    margin = rng.uniform(-40, 90)
    _solid(canvas, _box(margin, top, width - margin, height + 40, 34), cloth, 2.5, depth=0.75)
    parts = int(rng.integers(2, 4))
    edges = np.linspace(margin + 30, width - margin - 30, parts + 1)
    for x0, x1 in pairwise(edges):
        _solid(canvas, _box(x0 + 3, top + 14, x1 - 3, height + 30, 24), shade(cloth, 1.08), 2, depth=0.8)
    for x in (margin - 30, width - margin - 30):
        _solid(canvas, _box(x, top + 60, x + 60, height + 40, 28), shade(cloth, 0.92), 2.5)


def _foreground(canvas: skia.Canvas, rng: np.random.Generator) -> None:
    """A table at the bottom with things on it."""
    width, height = SIZE_PX
    wood = _pick(rng, _WOODS)
    edge = height - rng.uniform(34, 60)
    _solid(canvas, _box(-10, edge, width + 10, height + 20, 6), wood, 2.5, depth=0.7)
    fill(canvas, _box(-10, edge, width + 10, edge + 10), shade(wood, 1.2), 0.7)
    for _ in range(int(rng.integers(2, 6))):
        x, colour = rng.uniform(30, width - 30), _pick(rng, _FABRICS)
        if rng.random() < 0.5:
            stroke(canvas, skia.Path.Circle(x + 17, edge - 14, 9), outline_of(colour), 7)
            stroke(canvas, skia.Path.Circle(x + 17, edge - 14, 9), colour, 4)
            _solid(canvas, _box(x - 16, edge - 32, x + 16, edge + 8, 5), colour)
        else:
            wide = rng.uniform(34, 56)
            for lift in range(int(rng.integers(1, 4))):
                _solid(
                    canvas,
                    _box(x - wide, edge - 4 - 11 * lift, x + wide, edge + 8 - 11 * lift, 3),
                    _pick(rng, _FABRICS),
                    1.5,
                )
