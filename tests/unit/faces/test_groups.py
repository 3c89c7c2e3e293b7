"""Who is who across scenes, from looks alone."""

import itertools

import numpy as np
import pytest

from contextalk.faces.groups import Group, Sitter, group_people
from contextalk.faces.portraits import Portrait


def sitter(unit: str, angle_deg: float, *, track: int = 0, seen_s: float = 1.0, beside: tuple[int, ...] = ()) -> Sitter:
    """Looks lie on a circle: 30° apart is a distance of 0.134."""
    look = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))], np.float32)
    portrait = Portrait(
        track=track,
        seen_s=seen_s,
        speaking_s=seen_s / 2,
        look=look,
        beside=frozenset(beside),
        times_s=np.zeros(1),
    )
    return Sitter(unit=unit, source=f"{unit}.mp4", portrait=portrait)


def members(groups: tuple[Group, ...]) -> list[set[tuple[str, int]]]:
    return [{(one.unit, one.portrait.track) for one in group.sitters} for group in groups]


def test_those_who_look_alike_are_one_and_the_longest_seen_is_first() -> None:
    groups = group_people(
        [sitter("a", 0, seen_s=3), sitter("b", 90, seen_s=2), sitter("c", 80, seen_s=2), sitter("d", 5, seen_s=0.5)],
        0.18,
    )
    assert members(groups) == [{("b", 0), ("c", 0)}, {("a", 0), ("d", 0)}]
    assert [group.number for group in groups] == [0, 1]
    assert (groups[0].seen_s, groups[0].speaking_s) == (4, 2)
    assert groups[1].sources == ("a.mp4", "d.mp4")


def test_people_of_one_picture_are_never_one() -> None:
    twins = [sitter("a", 0, track=0, beside=(1,)), sitter("a", 1, track=1, beside=(0,)), sitter("b", 1, seen_s=0.5)]
    groups = group_people(twins, 0.18)
    assert members(groups) == [{("a", 1), ("b", 0)}, {("a", 0)}]
    # One after the other they may be.
    assert members(group_people([sitter("a", 0, track=0), sitter("a", 1, track=1)], 0.18)) == [{("a", 0), ("a", 1)}]


def test_the_order_of_scenes_says_nothing() -> None:
    random = np.random.default_rng(3)
    people = [sitter(f"u{n}", float(angle), seen_s=float(n % 3)) for n, angle in enumerate(random.uniform(0, 180, 6))]
    answers = {repr(members(group_people(order, 0.18))) for order in itertools.permutations(people)}
    wanted = members(group_people(people, 0.18))
    assert all(members(group_people(order, 0.18)) == wanted for order in itertools.permutations(people)), answers


def test_nobody_is_no_group() -> None:
    assert group_people([], 0.18) == ()


@pytest.mark.parametrize(("unit", "tracks"), [("a", (0, 2)), ("b", (1,)), ("c", ())])
def test_tracks_of_a_group_in_a_scene(unit: str, tracks: tuple[int, ...]) -> None:
    people = [sitter("a", 0, track=2, seen_s=5), sitter("a", 0, track=0), sitter("b", 0, track=1)]
    (group,) = group_people(people, 0.18)
    assert group.tracks(unit) == tracks
    assert group.num_units == 2
