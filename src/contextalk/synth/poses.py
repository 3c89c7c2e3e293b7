"""Scenes of unconnected poses: every frame another look, for training what need not know about time."""

from collections.abc import Sequence

import numpy as np

from contextalk.synth.head import HeadMotion
from contextalk.synth.layout import seats
from contextalk.synth.people import TRAIN_PEOPLE
from contextalk.synth.room import room
from contextalk.synth.scene import Actor, Stage


def random_stage(seed: int, frames: int, people: Sequence[int] = TRAIN_PEOPLE) -> Stage:
    """A room and two to four people whose pose, gaze, blink and mouth are drawn anew in each frame."""
    rng = np.random.default_rng([11, seed])
    row = seats(rng, people, int(rng.integers(2, 5)))
    actors = []
    for seat in row:
        yaw = rng.uniform(-44, 44, frames)
        flag = rng.random((4, frames))
        motion = HeadMotion(
            neck_x=seat.x + rng.normal(0, 2, frames),
            neck_y=seat.y + rng.normal(0, 2, frames),
            yaw=yaw,
            pitch=rng.normal(0, 5, frames).clip(-14, 14),
            roll=rng.normal(0, 3, frames).clip(-9, 9),
            gaze_yaw=yaw + rng.normal(0, 14, frames),
            gaze_pitch=rng.normal(0, 5, frames),
            blink=np.where(flag[0] < 0.12, rng.random(frames), np.where(flag[0] < 0.2, 1.0, 0.0)),
            brow=rng.normal(0, 0.4, frames).clip(-1, 1),
            jaw=np.where(flag[1] < 0.35, 0.0, rng.beta(1.3, 2, frames)),
            wide=rng.uniform(-0.3, 1, frames),
            rounded=np.where(flag[2] < 0.6, 0.0, rng.random(frames)),
            teeth=rng.random(frames),
            tongue=rng.random(frames),
        )
        actors.append(
            Actor(
                person=seat.person,
                scale=seat.scale,
                motion=motion,
                body_yaw=rng.uniform(-55, 55, frames),
                lean=rng.normal(0, 2, frames),
            )
        )
    return Stage(room(rng), tuple(actors))
