"""Who is who across scenes: people grouped by how they look, those seen together kept apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.faces.portraits import Portrait


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """A portrait and where it was taken.

    Attributes:
        unit: Tells the scene from every other one, and does not depend on how many there are.
        source: How the scene is shown to people.
        portrait: Of somebody in it.
    """

    unit: str
    source: str
    portrait: Portrait

    @property
    def rank(self) -> tuple[float, str, int]:
        """Sorts those who are seen longest first, and everybody always alike."""
        return -self.portrait.seen_s, self.unit, self.portrait.track


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Somebody, in all scenes in which they were recognised.

    Attributes:
        number: What `group:NUMBER` means; 0 is who is seen longest.
        sitters: By rank.
    """

    number: int
    sitters: tuple[Sitter, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Scenes that show them, each once, the one that shows them longest first."""
        return tuple(dict.fromkeys(sitter.source for sitter in self.sitters))

    @property
    def num_units(self) -> int:
        """How many scenes that is; two may have one name."""
        return len({sitter.unit for sitter in self.sitters})

    @property
    def seen_s(self) -> float:
        """Seconds with a face, in all scenes."""
        return sum(sitter.portrait.seen_s for sitter in self.sitters)

    @property
    def speaking_s(self) -> float:
        """Seconds of them in which the person probably speaks."""
        return sum(sitter.portrait.speaking_s for sitter in self.sitters)

    def tracks(self, unit: str) -> tuple[int, ...]:
        """Indices of the tracks that are this person in a scene, increasing."""
        return tuple(sorted(sitter.portrait.track for sitter in self.sitters if sitter.unit == unit))


def group_people(sitters: Iterable[Sitter], farthest_same: float) -> tuple[Group, ...]:
    """Put those together who look alike; the answer depends on who they are, not on their order.

    Those seen longest come first, as their look is known best: each joins the group whose mean look is nearest, if that
    is near enough and nobody of it is in one picture with them, and else begins one. Memory grows with the sitters, not
    with their square.

    Args:
        sitters: Looks of one encoder.
        farthest_same: That encoder's `farthest_same`.
    """
    ordered = sorted(sitters, key=lambda sitter: sitter.rank)
    if not ordered:
        return ()
    groups: list[list[Sitter]] = []
    means = np.zeros((len(ordered), len(ordered[0].portrait.look)))
    totals = np.zeros_like(means)
    for sitter in ordered:
        look = sitter.portrait.look.astype(np.float64)
        place = _nearest(sitter, 1.0 - means[: len(groups)] @ look, groups, farthest_same)
        if place is None:
            place = len(groups)
            groups.append([])
        groups[place].append(sitter)
        totals[place] += look
        means[place] = totals[place] / np.linalg.norm(totals[place])
    whole = [Group(number=0, sitters=tuple(group)) for group in groups]
    whole.sort(key=lambda group: (-group.seen_s, group.sitters[0].rank))
    return tuple(replace(group, number=number) for number, group in enumerate(whole))


def _nearest(
    sitter: Sitter, apart: NDArray[np.float64], groups: Sequence[Sequence[Sitter]], farthest_same: float
) -> int | None:
    """Index of the group a sitter joins; None: of none."""
    near = np.flatnonzero(apart <= farthest_same)
    for place in near[np.argsort(apart[near], kind="stable")].tolist():
        if not any(own.unit == sitter.unit and own.portrait.track in sitter.portrait.beside for own in groups[place]):
            return place
    return None
