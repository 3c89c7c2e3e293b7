"""Who speaks, by a judge that looks at every face while it hears the sound: the seam for plug-ins, and the look.

The default needs no picture (`speaking.py`). A judge does: the video is decoded once more, and of each face as much is
held as the judge looks at together.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath, Points
from contextalk.core.records import Landmarks, Progress, Scene, Shot
from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ, clip_times, nearest_frames
from contextalk.faces.crop import crop_path
from contextalk.faces.face_squares import face_boxes, face_square, speaker_view
from contextalk.faces.mouth_views import LONGEST_GAP, bridge_gaps, mouth_corners, mouth_view
from contextalk.faces.speaking import speaking
from contextalk.faces.views import head_crop
from contextalk.media.audio import stream_audio
from contextalk.media.video import read_at

LOOK_VERSION = 1
"""Raised when what judges are shown changes."""

View = Literal["face", "mouth"]
"""`face`: (112, 112) of `face_squares.speaker_view`; `mouth`: (48, 48) of `mouth_views.mouth_view`."""

PIECE_FRAMES = 6 * RATE_HZ
"""Most frames of a face that are judged together."""

LEAST_FRAMES = 13
"""A face seen for less than half a second is not judged, and does not speak."""

_SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // RATE_HZ
_TIME_SLACK = 0.05
"""Of a frame: containers round their times to milliseconds."""

_Picture = NDArray[np.uint8]
_Cut = Callable[[_Picture, int], _Picture]
"""What a judge looks at, out of the picture of a stretch's i-th frame."""


class ActiveSpeaker(Protocol):
    """Judges who speaks; `analyse` takes any."""

    @property
    def name(self) -> str:
        """Name and version, weights included; part of the cache's key."""
        ...

    @property
    def view(self) -> View:
        """What it looks at."""
        ...

    def score(self, views: NDArray[np.uint8], wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """(F,) how much one face has to do with the sound, on a scale of its own.

        Args:
            views: (F, S, S) grey, 25 Hz, half a second to `PIECE_FRAMES`; frames of a gap are cut where the face was.
            wave: (F · 640,) at 16 kHz, the same stretch.
        """
        ...

    def decide(self, scores: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
        """(people, F) in [0, 1], how sure it is that each speaks.

        Args:
            scores: (people, F) of the whole scene's frames; NaN where a face was not judged.
            voice: (F,) in [0, 1], how sure it is that anybody is heard.
        """
        ...


def who_speaks(
    scene: Scene,
    shots: Sequence[Shot],
    people: Sequence[Landmarks],
    voice: NDArray[np.float32],
    judge: ActiveSpeaker | None,
    progress: Progress | None = None,
) -> list[NDArray[np.float32]]:
    """For each person (F,) in [0, 1]; 0 where the face is unseen, and everywhere in a scene without sound.

    Args:
        scene: Decoded again where there is a judge.
        shots: Tile the frames.
        people: One row per frame.
        voice: (F,) in [0, 1], whether anybody is heard.
        judge: None: the default, by mouth motion.
        progress: Called with ("speakers", done, total) pictures at 25 Hz.
    """
    if judge is None:
        return speaking(people, voice)
    if not people or not scene.has_audio:
        return [np.zeros(len(voice), np.float32) for _ in people]
    sure = judge.decide(_scores(scene, shots, people, judge, progress), voice)
    valid = np.stack([person.valid for person in people])
    return list(np.where(valid, sure, 0.0).astype(np.float32))


def _scores(
    scene: Scene, shots: Sequence[Shot], people: Sequence[Landmarks], judge: ActiveSpeaker, progress: Progress | None
) -> NDArray[np.float32]:
    """(people, F), NaN where not judged; at 25 Hz inside, whatever the scene's rate."""
    steps_s = clip_times(int(np.floor(scene.times_s[-1] * RATE_HZ + _TIME_SLACK)) + 1)
    frames = nearest_frames(scene.times_s, steps_s)
    edges = np.searchsorted(frames, [shot.start for shot in shots] + [len(scene.times_s)])
    pieces: list[_Piece] = []
    for index, person in enumerate(people):
        stretches = list(_stretches(person.valid[frames], edges))
        crop = crop_path(person, shots) if stretches and judge.view == "mouth" else None
        for start, stop in stretches:
            shown = frames[start:stop]
            points = bridge_gaps(person.points[shown])
            assert points is not None, "a stretch has no longer gap"
            pieces += _pieces(index, start, stop, _faces(points) if crop is None else _mouths(points, crop[shown]))
    scores = np.full((len(people), len(steps_s)), np.nan, np.float32)
    sound = _Sound(scene.path)
    for piece in _watch(scene.path, pieces, steps_s, progress):
        heard = sound.cut(piece.start, piece.stop)
        scores[piece.person, piece.start : piece.stop] = judge.score(np.stack(piece.views), heard)
    return scores[:, nearest_frames(steps_s, scene.times_s)]


def _stretches(seen: NDArray[np.bool_], edges: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where one face is seen inside a shot, over gaps that may be bridged; those too short are left out."""
    for low, high in itertools.pairwise(edges):
        known = low + np.flatnonzero(seen[low:high])
        ends = np.flatnonzero(np.diff(known) > LONGEST_GAP + 1)
        for part in np.split(known, ends + 1):
            if len(part) and part[-1] + 1 - part[0] >= LEAST_FRAMES:
                yield int(part[0]), int(part[-1]) + 1


@dataclass(slots=True, eq=False)
class _Piece:
    """Frames `[start, stop)` of a face, at 25 Hz, and how to cut one of the stretch that begins with `first`."""

    person: int
    start: int
    stop: int
    first: int
    cut: _Cut
    views: list[_Picture] = field(default_factory=list[_Picture])


def _pieces(person: int, start: int, stop: int, cut: _Cut) -> Iterator[_Piece]:
    """A stretch in parts of nearly one length, for a last one of a few frames would know too little."""
    edges = np.linspace(start, stop, -(-(stop - start) // PIECE_FRAMES) + 1).round().astype(int).tolist()
    for first, last in itertools.pairwise(edges):
        yield _Piece(person=person, start=first, stop=last, first=start, cut=cut)


def _faces(points: Points) -> _Cut:
    boxes = face_boxes(points)
    return lambda rgb, at: speaker_view(face_square(rgb, boxes[at]))


def _mouths(points: Points, crop: CropPath) -> _Cut:
    corners = mouth_corners(crop.to_crop(points))

    def cut(rgb: _Picture, at: int) -> _Picture:
        return mouth_view(head_crop(rgb, crop.centre_px[at], float(crop.side_px[at])), corners[at])

    return cut


def _watch(
    video: Path, pieces: Sequence[_Piece], steps_s: NDArray[np.float64], progress: Progress | None
) -> Iterator[_Piece]:
    """Each piece when its last picture has passed; its views are forgotten after that."""
    waiting = deque(sorted(pieces, key=lambda piece: piece.start))
    shown = np.zeros(len(steps_s), bool)
    for piece in pieces:
        shown[piece.start : piece.stop] = True
    steps = np.flatnonzero(shown)
    growing: list[_Piece] = []
    for step, rgb in zip(steps.tolist(), read_at(video, steps_s[steps]), strict=True):
        while waiting and waiting[0].start == step:
            growing.append(waiting.popleft())
        for piece in growing:
            piece.views.append(piece.cut(rgb, step - piece.first))
        for piece in [piece for piece in growing if piece.stop == step + 1]:
            yield piece
            piece.views.clear()
            growing.remove(piece)
        if progress is not None:
            progress("speakers", step + 1, len(steps_s))


class _Sound:
    """The sound of a video, of which as much is held as one piece may want."""

    def __init__(self, video: Path) -> None:
        self._blocks = stream_audio(video, rate_hz=SAMPLE_RATE_HZ)
        self._held = deque[NDArray[np.float32]]()
        self._start = self._stop = 0

    def cut(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples of frames `[start, stop)`, which never end before an earlier call's; silence beyond the end."""
        first, last = start * _SAMPLES_PER_FRAME, stop * _SAMPLES_PER_FRAME
        while self._stop < last and (block := next(self._blocks, None)) is not None:
            self._held.append(block)
            self._stop += len(block)
            while self._held and self._start + len(self._held[0]) <= last - PIECE_FRAMES * _SAMPLES_PER_FRAME:
                self._start += len(self._held.popleft())
        wave = np.concatenate([np.zeros(0, np.float32), *self._held])[first - self._start : last - self._start]
        return np.pad(wave, (0, last - first - len(wave)))
