"""Who sits where: a cast in a row, every head in view and none on another's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.people import Person, person
from contextalk.synth.room import SIZE_PX

_MARGIN = 95.0

_AMBIGUOUS = 0.65
"""Share of rows whose end seat is placed so that its place does not tell the side."""

_NEAREST = 172.0
"""Least distance of two heads, px: two boxes with hair stay apart even when both lean and turn towards each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A place in the row.

    Attributes:
        person: Who has it.
        x: Image x of the head's pivot, px.
        y: Image y, px.
        scale: px per head unit.
    """

    person: Person
    x: float
    y: float
    scale: float


def seats(rng: np.random.Generator, people: Sequence[int], count: int, edge: int | None = None) -> tuple[Seat, ...]:
    """A row of `count` people, image left to right, drawn without repetition from seeds `people`.

    `edge` (first or last seat): mostly place the row so that this seat could as well be the other end's.
    """
    chosen = rng.choice(np.asarray(people), count, replace=False)
    xs = _row(rng, count, edge)
    base = rng.uniform(46, 54) if count < 4 else rng.uniform(43, 48)
    level = rng.uniform(0.45, 0.54) * SIZE_PX[1]
    made = []
    for seed, x in zip(chosen, xs, strict=True):
        who = person(int(seed))
        height = who.face.crown + who.face.chin + who.hair.top
        # Heads differ in size in life too, but the tallest hair must not shrink a face away.
        scale = base * rng.uniform(0.96, 1.04) * min(1.0, 2.75 / height)
        made.append(Seat(person=who, x=float(x), y=float(level + rng.uniform(-22, 22)), scale=float(scale)))
    return tuple(made)


def _row(rng: np.random.Generator, count: int, edge: int | None) -> NDArray[np.float64]:
    """Places with random gaps, and the whole row anywhere it fits.

    Who sits at the end of a row looks inwards. If the mirrored row fits as well, the place does not tell the side.
    """
    width = SIZE_PX[0] - 2 * _MARGIN
    spare = width - _NEAREST * (count - 1)
    spread = rng.uniform(0.0, 0.3) if count == 2 else rng.uniform(0.1, 0.8)
    gaps = _NEAREST + rng.dirichlet(np.full(count - 1, 3.0)) * spare * spread
    row = np.concatenate([[0.0], np.cumsum(gaps)])
    anywhere = rng.uniform(0, width - row[-1])
    if edge is not None and 2 * row[-1] <= width and rng.random() < _AMBIGUOUS:
        return _MARGIN + row - row[edge] + rng.uniform(row[-1], width - row[-1])
    return _MARGIN + row + anywhere
