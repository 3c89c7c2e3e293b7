"""From faces of frames to people of a scene: tracks inside shots, and the same people across cuts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from contextalk.core.records import NUM_POINTS, Landmarks, Scene, Shot
from contextalk.faces.appearance import FARTHEST_SAME, distance
from contextalk.faces.backends import Person
from contextalk.faces.pose import head_pose
from contextalk.faces.tracking import TrackedFace, link


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFace:
    """One face in one frame.

    Attributes:
        points: (68, 2) scene px.
        pupils: (2, 2) scene px.
        look: Appearance descriptor.
    """

    points: NDArray[np.float64]
    pupils: NDArray[np.float64]
    look: NDArray[np.float32]

    @property
    def box_px(self) -> NDArray[np.float64]:
        """(4,) x0 y0 x1 y1."""
        return np.concatenate([self.points.min(axis=0), self.points.max(axis=0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """One track in one shot: faces by scene frame, and their mean look."""

    faces: dict[int, SeenFace]
    look: NDArray[np.float32]


def gather_people(faces: Sequence[Sequence[SeenFace]], scene: Scene, shots: Sequence[Shot]) -> list[Person]:
    """People of a scene from the faces of each of its frames.

    Inside a shot, tracks go by position; across a cut, by appearance alone (positions change), one person at most once
    a shot. Frames in a gap stay invalid: nothing is invented.
    """
    people: list[list[_Stretch]] = []
    for shot in shots:
        rows = faces[shot.start : shot.stop]
        boxes = [np.array([face.box_px for face in row]).reshape(-1, 4) for row in rows]
        tracks = link(boxes, scene.times_s[shot.start : shot.stop])
        stretches = [_stretch(track, rows, shot.start) for track in tracks]
        for person, stretch in _recognise(people, stretches):
            if person is None:
                people.append([stretch])
            else:
                person.append(stretch)
    return [_person(stretches, scene) for stretches in people]


def _stretch(track: TrackedFace, rows: Sequence[Sequence[SeenFace]], start: int) -> _Stretch:
    seen = {start + frame: rows[frame][face] for frame, face in zip(track.frames, track.faces, strict=True)}
    mean = np.mean([face.look for face in seen.values()], axis=0)
    return _Stretch(faces=seen, look=(mean / np.linalg.norm(mean)).astype(np.float32))


def _recognise(people: list[list[_Stretch]], stretches: list[_Stretch]) -> list[tuple[list[_Stretch] | None, _Stretch]]:
    """(person or None for a new one, track) for every track of a shot."""
    known: dict[int, list[_Stretch]] = {}
    if people and stretches:
        apart = np.array([[min(distance(s.look, t.look) for s in person) for t in stretches] for person in people])
        for row, column in zip(*linear_sum_assignment(apart), strict=True):
            if apart[row, column] <= FARTHEST_SAME:
                known[int(column)] = people[int(row)]
    return [(known.get(index), stretch) for index, stretch in enumerate(stretches)]


def _person(stretches: list[_Stretch], scene: Scene) -> Person:
    frames = len(scene.times_s)
    points = np.full((frames, NUM_POINTS, 2), np.nan, np.float32)
    pupils = np.full((frames, 2, 2), np.nan, np.float32)
    for stretch in stretches:
        for frame, face in stretch.faces.items():
            points[frame], pupils[frame] = face.points, face.pupils
    landmarks = Landmarks(
        points=points,
        pupils=pupils,
        head_pose=head_pose(points, scene.size_px),
        valid=np.asarray(np.isfinite(points).all(axis=(1, 2))),
        times_s=scene.times_s,
        size_px=scene.size_px,
    )
    return Person(landmarks=landmarks)
