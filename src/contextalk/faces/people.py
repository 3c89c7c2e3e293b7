"""From faces of frames to people of a scene: tracks inside shots, and the same people across cuts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from contextalk.core.records import NUM_POINTS, Landmarks, Scene, Shot
from contextalk.faces.appearance import FARTHEST_SAME, distance
from contextalk.faces.backends import Person
from contextalk.faces.blocks import FaceBlock
from contextalk.faces.pose import head_pose
from contextalk.faces.tracking import link

_Places = list[tuple[int, int]]
"""Frames of the scene and which of each frame's faces, increasing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """One track in one shot: where its faces lie, and their mean look."""

    places: _Places
    look: NDArray[np.float32]


def gather_people(blocks: Sequence[FaceBlock], scene: Scene, shots: Sequence[Shot]) -> list[Person]:
    """People of a scene from the faces of its frames.

    Inside a shot, tracks go by position; across a cut, by appearance alone (positions change), one person at most once
    a shot. Frames in a gap stay invalid: nothing is invented.

    Args:
        blocks: Tile the frames; gone through thrice, one at a time.
        scene: The frames' times.
        shots: Tile the frames.
    """
    tracks = _link_shots(blocks, scene, shots)
    looks = _mean_looks(blocks, [places for shot in tracks for places in shot], len(scene.times_s))
    people: list[list[_Stretch]] = []
    for shot in tracks:
        stretches = [_Stretch(places=places, look=looks.pop(0)) for places in shot]
        for person, stretch in _recognise(people, stretches):
            if person is None:
                people.append([stretch])
            else:
                person.append(stretch)
    return _fill(blocks, people, scene)


def _link_shots(blocks: Sequence[FaceBlock], scene: Scene, shots: Sequence[Shot]) -> list[list[_Places]]:
    """Tracks of every shot."""
    boxes: list[NDArray[np.float64]] = []
    for block in blocks:
        low, high = block.points.min(axis=1, initial=np.inf), block.points.max(axis=1, initial=-np.inf)
        both = np.concatenate([low, high], axis=1).astype(np.float64)
        boxes += [both[rows] for _, rows in block.rows()]
    found: list[list[_Places]] = []
    for shot in shots:
        frames = slice(shot.start, shot.stop)
        tracks = link(boxes[frames], scene.times_s[frames])
        found.append([[(shot.start + at, face) for at, face in zip(t.frames, t.faces, strict=True)] for t in tracks])
    return found


def _mean_looks(blocks: Sequence[FaceBlock], tracks: Sequence[_Places], num_frames: int) -> list[NDArray[np.float32]]:
    """Mean look of each track."""
    if not tracks:
        return []
    owners = _owners(tracks, num_frames)
    total: NDArray[np.float64] | None = None
    for block in blocks:
        for frame, rows in block.rows():
            for face, track in owners[frame]:
                look = block.looks[rows.start + face]
                total = np.zeros((len(tracks), len(look))) if total is None else total
                total[track] += look
    assert total is not None, "a track has a face"
    return list((total / np.linalg.norm(total, axis=1, keepdims=True)).astype(np.float32))


def _owners(tracks: Sequence[_Places], num_frames: int) -> list[list[tuple[int, int]]]:
    """For every frame: (face, index of its track)."""
    owners: list[list[tuple[int, int]]] = [[] for _ in range(num_frames)]
    for index, places in enumerate(tracks):
        for frame, face in places:
            owners[frame].append((face, index))
    return owners


def _recognise(people: list[list[_Stretch]], stretches: list[_Stretch]) -> list[tuple[list[_Stretch] | None, _Stretch]]:
    """(person or None for a new one, track) for every track of a shot."""
    known: dict[int, list[_Stretch]] = {}
    if people and stretches:
        apart = np.array([[min(distance(s.look, t.look) for s in person) for t in stretches] for person in people])
        for row, column in zip(*linear_sum_assignment(apart), strict=True):
            if apart[row, column] <= FARTHEST_SAME:
                known[int(column)] = people[int(row)]
    return [(known.get(index), stretch) for index, stretch in enumerate(stretches)]


def _fill(blocks: Sequence[FaceBlock], people: list[list[_Stretch]], scene: Scene) -> list[Person]:
    """The landmarks of everybody, one row per frame."""
    frames = len(scene.times_s)
    points = [np.full((frames, NUM_POINTS, 2), np.nan, np.float32) for _ in people]
    pupils = [np.full((frames, 2, 2), np.nan, np.float32) for _ in people]
    owners = _owners([[place for stretch in person for place in stretch.places] for person in people], frames)
    for block in blocks:
        for frame, rows in block.rows():
            for face, person in owners[frame]:
                points[person][frame] = block.points[rows.start + face]
                pupils[person][frame] = block.pupils[rows.start + face]
    return [_person(*both, scene) for both in zip(points, pupils, strict=True)]


def _person(points: NDArray[np.float32], pupils: NDArray[np.float32], scene: Scene) -> Person:
    landmarks = Landmarks(
        points=points,
        pupils=pupils,
        head_pose=head_pose(points, scene.size_px),
        valid=np.asarray(np.isfinite(points).all(axis=(1, 2))),
        times_s=scene.times_s,
        size_px=scene.size_px,
    )
    return Person(landmarks=landmarks)
