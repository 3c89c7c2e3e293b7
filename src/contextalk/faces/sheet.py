"""Who is in a scene, told to a person: a table and a contact sheet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from contextalk.core.errors import TargetError
from contextalk.core.records import Analysis, Scene, Track
from contextalk.faces.speaking import SURE, heard
from contextalk.faces.views import head_crop
from contextalk.media.video import read_at

Position = Literal["left", "between", "right"]

_THUMB_PX, _COLUMNS, _LABEL_PX, _CAPTION_PX, _GAP_PX = 144, 8, 190, 18, 6
_HEAD_OVER_BOX, _RISE = 1.9, 0.12  # the 68 points end at the brows: the head needs this much more, upwards
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
        off_screen_s: Seconds of them in which no mouth in the picture moves.
        overlapping_s: Seconds of them in which two mouths or more move.
        hearing: What heard them.
    """

    voice_s: float
    off_screen_s: float
    overlapping_s: float
    hearing: str


def describe_voices(analysis: Analysis) -> VoicesSummary:
    """Summarise what is heard."""
    lasts_s = np.diff(analysis.scene.times_s, append=analysis.scene.duration_s)
    apart = heard([track.landmarks for track in analysis.tracks], analysis.voice)
    return VoicesSummary(
        voice_s=float(lasts_s[analysis.voice > SURE].sum()),
        off_screen_s=float(lasts_s[apart.off_screen].sum()),
        overlapping_s=float(lasts_s[apart.overlapping].sum()),
        hearing=analysis.hearing,
    )


def contact_sheet(analysis: Analysis) -> Image.Image:
    """Draw a row for each person: who, how long, and their head at times spread over those they are seen at.

    Raises:
        TargetError: Nobody is in the scene.
    """
    people = describe_people(analysis)
    if not people:
        raise TargetError(f"no face found in {analysis.scene.path}: there is nobody to draw a contact sheet of")
    row_px = _THUMB_PX + _CAPTION_PX + _GAP_PX
    width_px = _LABEL_PX + _COLUMNS * (_THUMB_PX + _GAP_PX)
    sheet = Image.new("RGB", (width_px, len(people) * row_px + _GAP_PX), _PAPER)
    rows = {person.index: _GAP_PX + row * row_px for row, person in enumerate(people)}
    pen = ImageDraw.Draw(sheet)
    for person in people:
        _write_label(pen, person, rows[person.index])
    for index, column, time_s, head in _heads(analysis):
        left, top = _LABEL_PX + column * (_THUMB_PX + _GAP_PX), rows[index]
        sheet.paste(Image.fromarray(head).resize((_THUMB_PX, _THUMB_PX), Image.Resampling.LANCZOS), (left, top))
        pen.text((left, top + _THUMB_PX + 1), f"{time_s:.2f} s", fill=_FAINT, font=ImageFont.load_default(13))
    return sheet


def _position(order: int, count: int) -> Position:
    if count == 1:
        return "between"
    return "left" if order == 0 else "right" if order == count - 1 else "between"


def _summary(track: Track, scene: Scene, position: Position) -> PersonSummary:
    valid = track.landmarks.valid
    lasts_s = np.diff(scene.times_s, append=scene.duration_s)
    boxes = track.box_px[valid]
    x0, y0, x1, y1 = (float(edge) for edge in np.median(boxes, axis=0))
    first = boxes[0]
    return PersonSummary(
        index=track.index,
        position=position,
        seen_s=float(lasts_s[valid].sum()),
        speaking_s=float(lasts_s[valid & (track.speaking > SURE)].sum()),
        box_px=(x0, y0, x1, y1),
        first_seen_s=float(scene.times_s[np.argmax(valid)]),
        first_centre_px=(float(first[0] + first[2]) / 2, float(first[1] + first[3]) / 2),
    )


def _heads(analysis: Analysis) -> Iterator[tuple[int, int, float, NDArray[np.uint8]]]:
    """Yield (person, column, time, head), reading the scene once; at most one frame is held."""
    wanted: dict[int, list[tuple[Track, int]]] = {}
    for track in analysis.tracks:
        seen = np.flatnonzero(track.landmarks.valid)
        for column, frame in enumerate(
            seen[np.linspace(0, len(seen) - 1, _COLUMNS).round().astype(int)] if len(seen) else ()
        ):
            wanted.setdefault(int(frame), []).append((track, column))
    frames = sorted(wanted)
    times_s = analysis.scene.times_s[frames]
    for frame, time_s, rgb in zip(frames, times_s, read_at(analysis.scene.path, times_s), strict=True):
        for track, column in wanted[frame]:
            x0, y0, x1, y1 = track.box_px[frame]
            side_px = float(max(x1 - x0, y1 - y0)) * _HEAD_OVER_BOX
            centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2 - _RISE * side_px], np.float32)
            yield (
                track.index,
                column,
                float(time_s),
                head_crop(rgb, centre, side_px),
            )


def _write_label(pen: ImageDraw.ImageDraw, person: PersonSummary, top: int) -> None:
    pen.text((12, top + 8), f"{person.index}", fill=_INK, font=ImageFont.load_default(40))
    lines = (person.position, f"seen {person.seen_s:.1f} s", f"speaks {person.speaking_s:.1f} s")
    pen.text((12, top + 62), "\n".join(lines), fill=_INK, font=ImageFont.load_default(16))
