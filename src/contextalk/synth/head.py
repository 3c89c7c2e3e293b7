"""A head through a clip: what it does, and every shape of it in scene px."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.features import beard_edge, brow, ear, eye, jaw_line, lens, nose, pupil, skull_outline, temples
from contextalk.synth.hair import hair_shapes
from contextalk.synth.mouth import mouth_points
from contextalk.synth.people import Person
from contextalk.synth.skull import Pose, surface

Floats = NDArray[np.float64]

_SIDES = (-1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMotion:
    """What a head does; every field is (F,).

    Attributes:
        neck_x: Image x of the pivot, px.
        neck_y: Image y of the pivot, px.
        yaw: Degrees, > 0 to image right.
        pitch: Degrees, > 0 up.
        roll: Degrees, > 0 clockwise.
        gaze_yaw: Where the eyes look, in camera axes, degrees.
        gaze_pitch: Degrees, > 0 up.
        blink: 0 open … 1 shut.
        brow: −1 lowered … 1 raised.
        jaw: 0 shut … 1 wide open.
        wide: −1 narrow … 1 spread.
        rounded: 0 … 1 lips rounded and pushed out.
        teeth: 0 … 1 how much of the upper teeth shows.
        tongue: 0 … 1 how high the tongue is.
    """

    neck_x: Floats
    neck_y: Floats
    yaw: Floats
    pitch: Floats
    roll: Floats
    gaze_yaw: Floats
    gaze_pitch: Floats
    blink: Floats
    brow: Floats
    jaw: Floats
    wide: Floats
    rounded: Floats
    teeth: Floats
    tongue: Floats

    def __len__(self) -> int:
        return len(self.yaw)

    def after(self, frame: int) -> "HeadMotion":
        """The motion from `frame` on."""
        return HeadMotion(**{field.name: getattr(self, field.name)[frame:] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadShapes:
    """A head in scene px, all arrays (F, n, 2) unless said otherwise; index 0 and 1 of pairs are image left and right.

    Attributes:
        points: (F, 68, 2) iBUG landmarks.
        pupils: (F, 2, 2).
        skull: Outline of the skin.
        hair_back: Outline of all the hair; equal to the skull for the bald.
        hair_front: The hair in front of the skull, from the hairline up.
        bun: (F, 1, 2) centre of a bun.
        ears: (F, 2, n, 2).
        eyes: (F, 2, n, 2) the open part of each eye.
        sockets: (F, 2, n, 2) each eye as if wide open, what the lids cover.
        brows: (F, 2, n, 2) upper edge, then lower edge back.
        nose: Outline of the nose.
        nose_line: The line down the ridge on the far side.
        nostrils: (F, 2, 2).
        lips: Outline of the lips.
        inner: Outline of the open mouth.
        upper_teeth: The row of upper teeth, unclipped.
        tongue: The tongue, unclipped.
        beard: Upper edge of the beard, from image left to right, closed below the chin.
        moustache: Middle line.
        glasses: (F, 2, n, 2).
        temples: (F, 2, 2, 2) arms of the glasses.
        cheeks: (F, 2, 2) centres.
        strands: (F, k, n, 2) lines in the hair.
        crown: (F, 1, 2) top of the skull, for highlights.
        scale: px per head unit.
    """

    points: Floats
    pupils: Floats
    skull: Floats
    hair_back: Floats
    hair_front: Floats
    bun: Floats
    ears: Floats
    eyes: Floats
    sockets: Floats
    brows: Floats
    nose: Floats
    nose_line: Floats
    nostrils: Floats
    lips: Floats
    inner: Floats
    upper_teeth: Floats
    tongue: Floats
    beard: Floats
    moustache: Floats
    glasses: Floats
    temples: Floats
    cheeks: Floats
    strands: Floats
    crown: Floats
    scale: float

    @property
    def box(self) -> Floats:
        """(F, 4) x0 y0 x1 y1 around head, ears and hair."""
        everything = np.concatenate([self.skull, self.hair_back, self.ears.reshape(len(self.skull), -1, 2)], axis=1)
        return np.concatenate([everything.min(axis=1), everything.max(axis=1)], axis=1)


def head_shapes(person: Person, motion: HeadMotion, scale: float) -> HeadShapes:
    """Everything about a head that is painted or labelled; `scale` is px per head unit."""
    face, looks = person.face, person.looks
    pose = Pose((motion.yaw, motion.pitch, motion.roll), (motion.neck_x, motion.neck_y), scale)
    eyes = [eye(face, pose, side, motion.blink) for side in _SIDES]
    brows = [brow(face, pose, side, motion.brow) for side in _SIDES]
    snout = nose(face, pose)
    mouth = {
        name: pose.project(surface(face, xy) + off)
        for name, (xy, off) in mouth_points(face, motion.jaw, motion.wide, motion.rounded, motion.tongue).items()
    }
    parts = [jaw_line(face, pose, motion.jaw), brows[0]["points"], brows[1]["points"], snout["points"]]
    parts += [eyes[0]["points"], eyes[1]["points"], mouth["points"]]
    gaze = (motion.gaze_yaw, motion.gaze_pitch)
    return HeadShapes(
        points=np.concatenate(parts, axis=1),
        pupils=np.concatenate([pupil(face, pose, side, gaze) for side in _SIDES], axis=1),
        skull=skull_outline(face, pose, motion.jaw),
        ears=np.stack([ear(face, pose, side) for side in _SIDES], axis=1),
        eyes=np.stack([e["open"] for e in eyes], axis=1),
        sockets=np.stack([e["socket"] for e in eyes], axis=1),
        brows=np.stack([b["shape"] for b in brows], axis=1),
        nose=snout["outline"],
        nose_line=snout["line"],
        nostrils=snout["nostrils"],
        lips=mouth["lips"],
        inner=mouth["inner"],
        upper_teeth=mouth["teeth"],
        tongue=mouth["tongue"],
        moustache=mouth["moustache"],
        beard=beard_edge(face, pose),
        glasses=np.stack([lens(face, pose, side, looks.glasses) for side in _SIDES], axis=1),
        temples=temples(face, pose),
        cheeks=pose.on_face(face, np.array([[-0.56, 0.4], [0.56, 0.4]])),
        scale=scale,
        **hair_shapes(person, pose),
    )
