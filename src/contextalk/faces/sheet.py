"""Who is in a scene, or in many, told to a person: a table and a contact sheet."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from contextalk.core.errors import TargetError
from contextalk.core.records import Analysis, Scene, Track
from contextalk.faces.groups import Group, Sitter
from contextalk.faces.portraits import THUMB_PX, seconds, thumbnail
from contextalk.faces.speaking import MOUTH_MOTION, SURE, heard, moving_mouths
from contextalk.media.video import read_at

Position = Literal["left", "between", "right"]

_COLUMNS, _LABEL_PX, _CAPTION_PX, _GAP_PX = 8, 190, 18, 6
_ROW_PX = THUMB_PX + _CAPTION_PX + _GAP_PX
_PAPER, _INK, _FAINT = (250, 250, 248), (30, 30, 30), (120, 120, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSummary:
    """One person of a scene in a few numbers.

    Attributes:
        index: What `--target INDEX` means.
        position: `left` and `right` are whom `--target` means by them; those in between, or somebody alone: `between`.
        seen_s: Seconds with a face.
        speaking_s: Seconds that the person probably speaks.
        box_px: Median x0 y0 x1 y1 of the 68 points, scene px.
        first_seen_s: Time of the first frame with a face.
        first_centre_px: Centre of the face in it: `X,Y@SECONDS` names this person as a target.
    """

    index: int
    position: Position
    seen_s: float
    speaking_s: float
    box_px: tuple[float, float, float, float]
    first_seen_s: float
    first_centre_px: tuple[float, float]


def describe_people(analysis: Analysis) -> tuple[PersonSummary, ...]:
    """Summarise everybody who is seen at least once, in order of index."""
    seen = [track for track in analysis.tracks if track.landmarks.valid.any()]
    return tuple(_summary(track, analysis.scene, _position(order, len(seen))) for order, track in enumerate(seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesSummary:
    """What is heard in a scene, in a few numbers.

    Attributes:
        voice_s: Seconds in which somebody is heard to speak.
        off_screen_s: Seconds of them in which no mouth in the picture moves, or a plug-in is sure of nobody.
        overlapping_s: Seconds of them in which two mouths or more move, or a plug-in is sure of two or more.
        hearing: What heard them.
        active_speaker: What said whose they are.
    """

    voice_s: float
    off_screen_s: float
    overlapping_s: float
    hearing: str
    active_speaker: str


def describe_voices(analysis: Analysis) -> VoicesSummary:
    """Summarise what is heard."""
    scene = analysis.scene
    if analysis.active_speaker == MOUTH_MOTION:
        acting = moving_mouths([track.landmarks for track in analysis.tracks])
    else:
        acting = [track.speaking > SURE for track in analysis.tracks]
    apart = heard(acting, analysis.voice)
    return VoicesSummary(
        voice_s=seconds(scene, analysis.voice > SURE),
        off_screen_s=seconds(scene, apart.off_screen),
        overlapping_s=seconds(scene, apart.overlapping),
        hearing=analysis.hearing,
        active_speaker=analysis.active_speaker,
    )


def contact_sheet(analysis: Analysis) -> Image.Image:
    """Draw a row for each person: who, how long, and their head at times spread over those they are seen at.

    Raises:
        TargetError: Nobody is in the scene.
    """
    people = describe_people(analysis)
    if not people:
        raise TargetError(f"no face found in {analysis.scene.path}: there is nobody to draw a contact sheet of")
    heads: dict[int, list[_Head]] = {person.index: [] for person in people}
    for index, time_s, picture in _heads(analysis):
        heads[index].append(_Head(picture=picture, caption=f"{time_s:.2f} s"))
    return _draw(
        [
            _Row(
                title=f"{person.index}",
                lines=(person.position, f"seen {person.seen_s:.1f} s", f"speaks {person.speaking_s:.1f} s"),
                heads=heads[person.index],
            )
            for person in people
        ]
    )


MOST_GROUPS = 60
"""Rows of a sheet of groups: those seen longest; a sheet of thousands could not be looked at."""


def group_sheet(groups: Sequence[Group], heads_of: Callable[[Sitter], Sequence[NDArray[np.uint8]]]) -> Image.Image:
    """Draw a row for each group: who, how long, in which scenes, and heads taken in turn from those.

    Args:
        groups: At least one; of more than `MOST_GROUPS` the last line tells how many are not shown.
        heads_of: (THUMB_PX, THUMB_PX, 3) pictures, one for each of a portrait's times.
    """
    shown, hidden = groups[:MOST_GROUPS], groups[MOST_GROUPS:]
    rows = [
        _Row(title=f"{group.number}", lines=_group_lines(group), heads=list(_group_heads(group, heads_of)))
        for group in shown
    ]
    longest_s = max((group.seen_s for group in hidden), default=0.0)
    return _draw(rows, f"and {len(hidden)} more, each seen {longest_s:.1f} s or less" if hidden else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A thumbnail and what is written under it."""

    picture: NDArray[np.uint8]
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Somebody on a sheet."""

    title: str
    lines: Sequence[str]
    heads: Sequence[_Head]


def _draw(rows: Sequence[_Row], footer: str = "") -> Image.Image:
    width_px = _LABEL_PX + _COLUMNS * (THUMB_PX + _GAP_PX)
    footer_px = 2 * _CAPTION_PX if footer else 0
    sheet = Image.new("RGB", (width_px, len(rows) * _ROW_PX + _GAP_PX + footer_px), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        top = _GAP_PX + number * _ROW_PX
        pen.text((12, top + 8), row.title, fill=_INK, font=ImageFont.load_default(40))
        for line, text in enumerate(row.lines):
            _write(pen, (12, top + 62 + 20 * line), text, 16, _INK, _LABEL_PX - 18)
        for column, head in enumerate(row.heads):
            left = _LABEL_PX + column * (THUMB_PX + _GAP_PX)
            sheet.paste(Image.fromarray(head.picture), (left, top))
            _write(pen, (left, top + THUMB_PX + 1), head.caption, 13, _FAINT, THUMB_PX)
    _write(pen, (12, _GAP_PX + len(rows) * _ROW_PX + 6), footer, 16, _FAINT, width_px - 24)
    return sheet


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, ink: tuple[int, int, int], width_px: int
) -> None:
    """One line, its middle left out where it is too long: names of files differ at both ends."""
    font = ImageFont.load_default(size)
    short, keep = text, len(text)
    while pen.textlength(short, font=font) > width_px and keep > 2:
        keep -= 1
        short = f"{text[: -(-keep // 2)]}…{text[len(text) - keep // 2 :]}"
    pen.text(at, short, fill=ink, font=font)


_SOURCES_NAMED = 2


def _group_lines(group: Group) -> tuple[str, ...]:
    sources = group.sources
    named = sources if len(sources) <= _SOURCES_NAMED + 1 else sources[:_SOURCES_NAMED]
    more = (f"and {len(sources) - len(named)} more",) if len(named) < len(sources) else ()
    return (f"seen {group.seen_s:.1f} s", f"speaks {group.speaking_s:.1f} s", *named, *more)


def _group_heads(group: Group, heads_of: Callable[[Sitter], Sequence[NDArray[np.uint8]]]) -> Iterator[_Head]:
    """Heads of as many scenes as there is room for, those seen longest first, in their order on the sheet."""
    sitters = group.sitters[:_COLUMNS]
    alone = len(group.sources) == 1
    for index, sitter in enumerate(sitters):
        room = _COLUMNS // len(sitters) + (index < _COLUMNS % len(sitters))
        times_s, pictures = sitter.portrait.times_s, heads_of(sitter)
        where = "" if alone else f"{sitter.source.rsplit('.', 1)[0]} "
        for head in np.linspace(0, len(pictures) - 1, min(room, len(pictures))).round().astype(int).tolist():
            yield _Head(picture=pictures[head], caption=f"{where}{times_s[head]:.1f} s")


def _position(order: int, count: int) -> Position:
    if count == 1:
        return "between"
    return "left" if order == 0 else "right" if order == count - 1 else "between"


def _summary(track: Track, scene: Scene, position: Position) -> PersonSummary:
    valid = track.landmarks.valid
    boxes = track.box_px[valid]
    x0, y0, x1, y1 = (float(edge) for edge in np.median(boxes, axis=0))
    first = boxes[0]
    return PersonSummary(
        index=track.index,
        position=position,
        seen_s=seconds(scene, valid),
        speaking_s=seconds(scene, valid & (track.speaking > SURE)),
        box_px=(x0, y0, x1, y1),
        first_seen_s=float(scene.times_s[np.argmax(valid)]),
        first_centre_px=(float(first[0] + first[2]) / 2, float(first[1] + first[3]) / 2),
    )


def _heads(analysis: Analysis) -> Iterator[tuple[int, float, NDArray[np.uint8]]]:
    """Yield (person, time, head), reading the scene once; at most one frame is held."""
    wanted: dict[int, list[Track]] = {}
    for track in analysis.tracks:
        seen = np.flatnonzero(track.landmarks.valid)
        for frame in seen[np.linspace(0, len(seen) - 1, _COLUMNS).round().astype(int)] if len(seen) else ():
            wanted.setdefault(int(frame), []).append(track)
    frames = sorted(wanted)
    times_s = analysis.scene.times_s[frames]
    for frame, time_s, rgb in zip(frames, times_s, read_at(analysis.scene.path, times_s), strict=True):
        for track in wanted[frame]:
            yield track.index, float(time_s), thumbnail(rgb, track.box_px[frame])
