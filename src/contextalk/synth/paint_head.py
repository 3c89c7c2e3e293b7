"""Paint a head from its shapes. Order is depth: hair behind, (neck, body), ears, skin, features, hair in front."""

import numpy as np
import skia

from contextalk.synth.brush import (
    clipped,
    fill,
    glow,
    gradient_fill,
    mix,
    outline_of,
    polygon,
    shade,
    stroke,
    vignette_fill,
)
from contextalk.synth.hair import hangs
from contextalk.synth.head import HeadMotion, HeadShapes
from contextalk.synth.people import Colour, Person

_LINE = 0.034
"""Width of an outline, head units."""

_WHITE: Colour = (0.99, 0.99, 0.97)
_DARK: Colour = (0.16, 0.03, 0.05)
_TONGUE: Colour = (0.85, 0.36, 0.38)
_INK: Colour = (0.12, 0.08, 0.1)


class HeadPainter:
    """One person's head through a clip."""

    def __init__(self, person: Person, motion: HeadMotion, shapes: HeadShapes) -> None:
        self.person, self.motion, self.shapes = person, motion, shapes
        self.line = _LINE * shapes.scale
        looks = person.looks
        self.skin, self.skin_line = looks.skin, outline_of(looks.skin)
        self.hair, self.hair_line = looks.hair, outline_of(looks.hair)
        self.bald = person.hair.family == "bald"

    def behind(self, canvas: skia.Canvas, frame: int) -> None:
        """What lies behind neck and body: the hair's volume."""
        if self.bald:
            return
        shapes = self.shapes
        if self.person.hair.family == "bun":
            bun = skia.Path.Circle(*shapes.bun[frame, 0].tolist(), 0.36 * shapes.scale)
            fill(canvas, bun, shade(self.hair, 0.9))
            stroke(canvas, bun, self.hair_line, self.line)
        back = polygon(shapes.hair_back[frame])
        fill(canvas, back, shade(self.hair, 0.72))
        stroke(canvas, back, self.hair_line, self.line)

    def front(self, canvas: skia.Canvas, frame: int) -> None:
        """Head and hair, over neck and body."""
        shapes = self.shapes
        skull = polygon(shapes.skull[frame])
        yaw = self.motion.yaw[frame]
        ears = not hangs(self.person.hair)
        if ears:
            self._ears(canvas, frame, near_only=False)
        self._skin(canvas, frame, skull)
        with clipped(canvas, skull):
            self._beard(canvas, frame)
            self._mouth(canvas, frame)
            for side in (0, 1):
                self._eye(canvas, frame, side)
            self._brows(canvas, frame)
        self._nose(canvas, frame, yaw)
        stroke(canvas, skull, self.skin_line, self.line)
        self._front_hair(canvas, frame)
        if ears:
            self._ears(canvas, frame, near_only=True)
        self._glasses(canvas, frame, skull)

    def _skin(self, canvas: skia.Canvas, frame: int, skull: skia.Path) -> None:
        shapes = self.shapes
        scale = shapes.scale
        light = shapes.points[frame, 29] - np.array([0.25, 0.35]) * scale
        vignette_fill(canvas, skull, light, 1.9 * scale, self.skin, shade(self.skin, 0.79))
        for cheek in shapes.cheeks[frame]:
            glow(canvas, skull, cheek, 0.34 * scale, mix(self.skin, (0.9, 0.3, 0.28), 0.5), 0.42)
        jaw = polygon(shapes.points[frame, 1:16], close=False)
        stroke(canvas, jaw, shade(self.skin, 0.7), self.line, 0.55)

    def _ears(self, canvas: skia.Canvas, frame: int, *, near_only: bool) -> None:
        for side in (0, 1):
            # The ear turned away goes behind the head, the other lies on it.
            away = self.motion.yaw[frame] * (2 * side - 1)
            if near_only and away > 4:
                continue
            ring = self.shapes.ears[frame, side]
            ear = polygon(ring)
            fill(canvas, ear, shade(self.skin, 0.95))
            stroke(canvas, ear, self.skin_line, self.line)
            inner = polygon(ring.mean(axis=0) + 0.5 * (ring - ring.mean(axis=0)))
            fill(canvas, inner, mix(shade(self.skin, 0.72), (0.8, 0.25, 0.2), 0.18), 0.8)
            if self.person.looks.earring:
                low = ring[5]
                canvas.drawCircle(*low.tolist(), 0.06 * self.shapes.scale, skia.Paint(AntiAlias=True, Color=0xFFF2C94C))

    def _eye(self, canvas: skia.Canvas, frame: int, side: int) -> None:
        shapes, looks = self.shapes, self.person.looks
        scale = shapes.scale
        socket, ring = shapes.sockets[frame, side], shapes.eyes[frame, side]
        centre = socket.mean(axis=0)
        lid = polygon(centre + 1.12 * (socket - centre))
        fill(canvas, lid, mix(shade(self.skin, 0.8), (0.6, 0.3, 0.3), 0.12))
        opened = polygon(ring)
        fill(canvas, opened, _WHITE)
        width = float(np.ptp(ring[:, 0])) / (2 * self.person.face.eye_width * scale)
        iris = self.person.face.iris * scale
        x, y = shapes.pupils[frame, side].tolist()
        with clipped(canvas, opened):
            for radius, colour in ((iris, shade(looks.iris, 0.6)), (0.84 * iris, looks.iris), (0.5 * iris, _INK)):
                across = radius * (0.35 + 0.65 * min(width, 1.0))
                fill(canvas, skia.Path.Oval(skia.Rect(x - across, y - radius, x + across, y + radius)), colour)
            spark = 0.26 * iris
            fill(canvas, skia.Path.Circle(x - 0.32 * iris, y - 0.4 * iris, spark), (1, 1, 1))
        stroke(canvas, polygon(ring[:12], close=False), _INK, 1.7 * self.line)
        stroke(canvas, polygon(ring[12:], close=False), self.skin_line, 0.7 * self.line, 0.8)

    def _brows(self, canvas: skia.Canvas, frame: int) -> None:
        colour = self.hair if not self.bald and sum(self.hair) < 1.2 else mix(self.hair, _INK, 0.45)
        for shape in self.shapes.brows[frame]:
            brow = polygon(shape)
            fill(canvas, brow, shade(colour, 0.75))
            stroke(canvas, brow, shade(colour, 0.75), 0.6 * self.line)

    def _nose(self, canvas: skia.Canvas, frame: int, yaw: float) -> None:
        shapes = self.shapes
        outline = shapes.nose[frame]
        nose = polygon(outline)
        lit, dark = mix(self.skin, (1, 0.95, 0.9), 0.14), mix(shade(self.skin, 0.78), (0.8, 0.2, 0.15), 0.14)
        left = outline[np.argmin(outline[:, 0])]
        right = outline[np.argmax(outline[:, 0])]
        gradient_fill(canvas, nose, left, right, (lit, dark) if yaw < 12 else (dark, lit, dark))
        # The ridge's line stands on the far side and fades in with the turn.
        side = 1 if yaw > 0 else -1
        shift = np.array([side * 0.05 * shapes.scale, 0])
        stroke(
            canvas,
            polygon(shapes.nose_line[frame, 3:] + shift, close=False),
            self.skin_line,
            self.line,
            min(abs(yaw) / 25, 0.9),
        )
        under = outline[outline[:, 1] > outline[:, 1].max() - 0.16 * shapes.scale]
        under = under[np.argsort(under[:, 0])]
        stroke(canvas, polygon(under, close=False), self.skin_line, self.line, 0.9)
        for x, y in shapes.nostrils[frame].tolist():
            fill(canvas, skia.Path.Circle(x, y, 0.045 * shapes.scale), shade(self.skin, 0.35), 0.8)

    def _mouth(self, canvas: skia.Canvas, frame: int) -> None:
        shapes, motion = self.shapes, self.motion
        colour = self.person.looks.lips
        lips = polygon(shapes.lips[frame])
        fill(canvas, lips, colour)
        middle = shapes.points[frame, 62]
        glow(canvas, lips, shapes.points[frame, 57], 0.2 * shapes.scale, shade(colour, 1.45), 0.55)
        stroke(canvas, lips, outline_of(colour), 0.7 * self.line, 0.85)
        ring = shapes.inner[frame]
        inner = polygon(ring)
        gap = float(np.linalg.norm(shapes.points[frame, 66] - middle)) / shapes.scale
        if gap > 0.02:
            fill(canvas, inner, _DARK)
            with clipped(canvas, inner):
                fill(canvas, polygon(shapes.tongue[frame]), _TONGUE, 0.45 + 0.55 * motion.tongue[frame])
                if motion.teeth[frame] > 0.05:
                    fill(canvas, polygon(shapes.upper_teeth[frame]), _WHITE, float(min(1.0, 1.6 * motion.teeth[frame])))
        stroke(canvas, polygon(ring[:20], close=False), shade(colour, 0.35), 0.9 * self.line, 0.95)
        if gap > 0.02:
            stroke(canvas, inner, shade(colour, 0.35), 0.5 * self.line, 0.8)

    def _beard(self, canvas: skia.Canvas, frame: int) -> None:
        shapes, looks = self.shapes, self.person.looks
        if looks.beard:
            rim = shapes.beard[frame]
            low = shapes.skull[frame, :, 1].max() + shapes.scale
            ends = np.array(
                [
                    [rim[-1, 0] + shapes.scale, rim[-1, 1]],
                    [rim[-1, 0] + shapes.scale, low],
                    [rim[0, 0] - shapes.scale, low],
                    [rim[0, 0] - shapes.scale, rim[0, 1]],
                ]
            )
            fill(
                canvas,
                polygon(np.concatenate([rim, ends])),
                self.hair if looks.beard > 0.5 else mix(self.hair, self.skin, 0.35),
                0.95 if looks.beard > 0.5 else 0.55,
            )
        if looks.moustache:
            width = (0.08 + 0.09 * looks.moustache) * shapes.scale
            stroke(canvas, polygon(shapes.moustache[frame], close=False), shade(self.hair, 0.9), width)

    def _front_hair(self, canvas: skia.Canvas, frame: int) -> None:
        if self.bald:
            return
        shapes = self.shapes
        front = polygon(shapes.hair_front[frame])
        scale = shapes.scale
        vignette_fill(canvas, front, shapes.points[frame, 27], 2.0 * scale, self.hair, shade(self.hair, 0.7))
        glow(canvas, front, shapes.crown[frame, 0], 0.8 * scale, shade(self.hair, 1.35), 0.6)
        stroke(canvas, front, self.hair_line, self.line)
        if self.person.hair.family not in ("afro", "curls", "crop"):
            with clipped(canvas, front):
                for strand in shapes.strands[frame]:
                    stroke(canvas, polygon(strand, close=False), self.hair_line, 0.7 * self.line, 0.5)

    def _glasses(self, canvas: skia.Canvas, frame: int, skull: skia.Path) -> None:
        looks, shapes = self.person.looks, self.shapes
        if not looks.glasses:
            return
        width = 1.5 * self.line
        for side in (0, 1):
            lens = polygon(shapes.glasses[frame, side])
            fill(canvas, lens, (0.9, 0.97, 1.0), 0.13)
            stroke(canvas, lens, looks.frame, width)
            if self.motion.yaw[frame] * (2 * side - 1) < 12:
                with clipped(canvas, skull):
                    stroke(canvas, polygon(shapes.temples[frame, side], close=False), looks.frame, width)
        left, right = shapes.glasses[frame, 0], shapes.glasses[frame, 1]
        bridge = np.stack([left[np.argmax(left[:, 0])], right[np.argmin(right[:, 0])]])
        stroke(canvas, polygon(bridge, close=False), looks.frame, width)
