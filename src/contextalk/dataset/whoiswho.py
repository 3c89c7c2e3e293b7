"""Who is who across the sources of a dataset: people named by group, and `group:N` as a target."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contextalk.core.errors import DatasetError
from contextalk.dataset.album import read_heads, read_sitters
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.places import Place
from contextalk.dataset.unit import UnitRecord
from contextalk.faces.appearance import Encoder
from contextalk.faces.groups import Group, group_people


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSummary:
    """Somebody in the sources of a dataset.

    Attributes:
        target: What `--target` calls them.
        seen_s: Seconds with a face.
        speaking_s: Seconds of them in which they probably speak.
        sources: Where, longest first.
    """

    target: str
    seen_s: float
    speaking_s: float
    sources: tuple[str, ...]


def find_groups(dataset: Place, units: Iterable[str], encoder: Encoder) -> tuple[Group, ...]:
    """Everybody in some units of a dataset, whatever their order."""
    return group_people(read_sitters(dataset, sorted(set(units)), encoder), encoder.farthest_same)


def summarise_groups(groups: Sequence[Group]) -> tuple[GroupSummary, ...]:
    """The groups in a few numbers, those seen longest first."""
    return tuple(
        GroupSummary(
            target=f"group:{group.number}", seen_s=group.seen_s, speaking_s=group.speaking_s, sources=group.sources
        )
        for group in groups
    )


def members_of(groups: Sequence[Group], number: int) -> dict[str, tuple[int, ...]]:
    """Tracks of group `number` in every unit that shows it.

    Raises:
        DatasetError: There is no such group.
    """
    if number >= len(groups):
        there = f"group:0 … group:{len(groups) - 1}" if groups else "nobody in any source"
        raise DatasetError(f"no group:{number}, there is {there}; --contact-sheet P.png shows who they are")
    group = groups[number]
    return {sitter.unit: group.tracks(sitter.unit) for sitter in group.sitters}


def name_people(records: Iterable[UnitRecord], groups: Iterable[Group]) -> list[ManifestRow]:
    """Rows of all units, with people who are in several units named `group-N` unless their name was given."""
    names = {
        (sitter.unit, sitter.portrait.track): f"group-{group.number}"
        for group in groups
        if group.num_units > 1
        for sitter in group.sitters
    }
    return [
        row if record.named else replace(row, person=names.get((record.unit, row.track), row.person))
        for record in records
        for row in record.rows
    ]


def draw_groups(dataset: Place, groups: Sequence[Group], path: Path) -> None:
    """Write the contact sheet of a dataset.

    Raises:
        DatasetError: Nobody is there, or the file cannot be written.
    """
    from contextalk.faces.sheet import group_sheet

    if not groups:
        raise DatasetError("nobody to draw on --contact-sheet, wanted a real video with a face and with sound")
    try:
        group_sheet(groups, lambda sitter: read_heads(dataset, sitter)).save(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot write --contact-sheet {path}: {error}") from error
