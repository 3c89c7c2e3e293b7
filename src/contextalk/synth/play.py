"""A play: everything about one conversation scene that its seed decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.acting import act
from contextalk.synth.conversation import Turn, converse, readdress
from contextalk.synth.layout import Seat, seats
from contextalk.synth.room import room
from contextalk.synth.scene import RATE_HZ, Stage
from contextalk.synth.speech import RATE_HZ as SAMPLE_RATE_HZ

SHORTEST_FRAMES = 50
"""A play lasts at least two seconds; of a shorter one only the end is shown, when people have long begun to speak."""

_BOTH_SIDES = 0.6
"""Share of scenes whose main speaker has people on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A cast with its places and what it says.

    Attributes:
        seed: Decides all the rest.
        seats: The cast, image left to right.
        main: Index of the main speaker.
        addressee: Whom the main speaker speaks to first.
        turns: Who speaks when, in seconds since the play began.
        frames: How many frames are shown.
        run_in: Frames played before the first one that is shown.
    """

    seed: int
    seats: tuple[Seat, ...]
    main: int
    addressee: int
    turns: tuple[Turn, ...]
    frames: int
    run_in: int = 0

    @property
    def run_in_s(self) -> float:
        """When the first frame is shown, seconds since the play began."""
        return self.run_in / RATE_HZ

    @property
    def has_both_sides(self) -> bool:
        """Whether the main speaker has people on both sides, so that there can be a twin."""
        return 0 < self.main < len(self.seats) - 1

    def stage(self) -> Stage:
        """Ready to be painted and read."""
        actors = act(self.seed, self.seats, self.turns, self.run_in + self.frames)
        return Stage(room(np.random.default_rng([self.seed, 41])), tuple(actor.after(self.run_in) for actor in actors))

    def twin(self) -> "Play":
        """The same scene with the main speaker's first addressee on the other side."""
        if not self.has_both_sides:
            raise ValueError(
                f"scene of seed {self.seed}: main speaker {self.main} of {len(self.seats)} has people on one side only"
            )
        rng = np.random.default_rng([self.seed, 47])
        other = _on_side(rng, len(self.seats), self.main, -1 if self.addressee > self.main else 1)
        return replace(self, addressee=other, turns=readdress(self.turns, self.main, self.addressee, other))

    def waves(self) -> NDArray[np.float32]:
        """(people, S) each person's voice, 16 kHz."""
        waves = np.zeros((len(self.seats), round(self.frames / RATE_HZ * SAMPLE_RATE_HZ)), np.float32)
        for turn in self.turns:
            for at, spoken in turn.said:
                start = round((at - self.run_in_s) * SAMPLE_RATE_HZ)
                piece = spoken.wave[max(-start, 0) : max(waves.shape[1] - start, 0)]
                start = max(start, 0)
                waves[turn.speaker, start : start + len(piece)] += piece
        return waves


def play(seed: int, frames: int, people: Sequence[int], *, both_sides: bool | None = None) -> Play:
    """The play that a seed names.

    Args:
        seed: Names it.
        frames: Length at 25 fps; a play of less than two seconds is the end of one of two.
        people: Seeds of people to cast.
        both_sides: Whether the main speaker has people on both sides; None: by chance.
    """
    row, main, addressee = casting(seed, people, both_sides=both_sides)
    run_in = max(SHORTEST_FRAMES - frames, 0)
    turns = converse(np.random.default_rng([seed, 53]), row, main, addressee, (run_in + frames) / RATE_HZ)
    return Play(seed=seed, seats=row, main=main, addressee=addressee, turns=turns, frames=frames, run_in=run_in)


def casting(seed: int, people: Sequence[int], *, both_sides: bool | None = None) -> tuple[tuple[Seat, ...], int, int]:
    """The row, the main speaker and whom they address first; arguments as for `play`."""
    rng = np.random.default_rng([seed, 43])
    both = rng.random() < _BOTH_SIDES if both_sides is None else both_sides
    # Pairs are short rows that fit anywhere, so the place of a speaker in one tells little about the side.
    count = int(rng.choice([3, 4], p=[0.6, 0.4]) if both else rng.choice([2, 3], p=[0.92, 0.08]))
    main = int(rng.integers(1, count - 1)) if both else int(rng.choice([0, count - 1]))
    row = seats(rng, people, count, edge=None if both else main)
    side = int(rng.choice([-1, 1])) if both else (1 if main == 0 else -1)
    return row, main, _on_side(rng, count, main, side)


def _on_side(rng: np.random.Generator, count: int, main: int, side: int) -> int:
    choices = range(main) if side < 0 else range(main + 1, count)
    return int(choices[rng.integers(len(choices))])
