"""A scene put together: a room, a cast with places and motions; frames to paint and labels to read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks
from contextalk.synth.body import NECK, BodyPainter, BodyShapes, body_shapes
from contextalk.synth.head import HeadMotion, HeadShapes, head_shapes
from contextalk.synth.paint_head import HeadPainter
from contextalk.synth.people import Person
from contextalk.synth.room import FOREGROUND_TOP, SIZE_PX, Room, new_surface

RATE_HZ = 25
"""Frames a second of every synthetic scene."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person in a scene with what they do.

    Attributes:
        person: Who.
        scale: px per head unit.
        motion: The head.
        body_yaw: (F,) degrees, > 0 to image right.
        lean: (F,) degrees, > 0 clockwise.
    """

    person: Person
    scale: float
    motion: HeadMotion
    body_yaw: Floats
    lean: Floats

    def after(self, frame: int) -> "Actor":
        """The same actor from `frame` on."""
        return replace(self, motion=self.motion.after(frame), body_yaw=self.body_yaw[frame:], lean=self.lean[frame:])


class Stage:
    """Everything geometric about a scene, worked out for all frames; paints any of them."""

    def __init__(self, room: Room, actors: tuple[Actor, ...]) -> None:
        self._room, self.actors = room, actors
        self.shapes: tuple[HeadShapes, ...] = tuple(head_shapes(a.person, a.motion, a.scale) for a in actors)
        self._heads = [HeadPainter(a.person, a.motion, s) for a, s in zip(actors, self.shapes, strict=True)]
        self._bodies = [BodyPainter(a.person, _body(a)) for a in actors]
        # Who sits lower in the picture is nearer and is painted later.
        self._order = sorted(range(len(actors)), key=lambda k: float(actors[k].motion.neck_y[0]))

    def __len__(self) -> int:
        return len(self.actors[0].motion)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """RGB frames (540, 960, 3), each a view into one buffer: copy what is to be kept."""
        pixels, surface = new_surface()
        canvas = surface.getCanvas()
        for frame in range(len(self)):
            pixels[:] = self._room.background
            for k in self._order:
                self._heads[k].behind(canvas, frame)
                self._bodies[k].paint(canvas, frame)
                self._heads[k].front(canvas, frame)
            if self._room.foreground is not None:
                canvas.drawImage(self._room.foreground, 0, FOREGROUND_TOP)
            yield pixels[..., :3]

    def landmarks(self, k: int) -> Landmarks:
        """Person k's landmarks, pupils and pose, exact."""
        shapes, motion = self.shapes[k], self.actors[k].motion
        pose = np.stack([motion.yaw, motion.pitch, motion.roll], axis=-1)
        return Landmarks(
            points=shapes.points.astype(np.float32),
            pupils=shapes.pupils.astype(np.float32),
            head_pose=pose.astype(np.float32),
            valid=np.ones(len(self), bool),
            times_s=np.arange(len(self)) / RATE_HZ,
            size_px=SIZE_PX,
        )

    def gaze(self, k: int) -> NDArray[np.float32]:
        """(F, 3) unit vector in camera axes: x right, y down, z into the scene."""
        motion = self.actors[k].motion
        yaw, pitch = np.radians(motion.gaze_yaw), np.radians(motion.gaze_pitch)
        return np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)], axis=-1).astype(
            np.float32
        )


def _body(actor: Actor) -> BodyShapes:
    motion, scale = actor.motion, actor.scale
    lean = np.radians(actor.lean)
    pit_x, pit_y = motion.neck_x - NECK * scale * np.sin(lean), motion.neck_y + NECK * scale * np.cos(lean)
    head = np.stack([motion.neck_x, motion.neck_y], axis=-1)
    return body_shapes(actor.person, pit_x, pit_y, actor.body_yaw, actor.lean, head, scale)
