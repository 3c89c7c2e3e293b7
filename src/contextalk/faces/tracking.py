"""Faces of single frames → people: boxes matched by overlap with where each track should be by now."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from contextalk.faces.detection import overlap

LEAST_OVERLAP = 0.2
"""Intersection over union with the predicted box for a face to go on a track."""

LONGEST_GAP_S = 1.0
"""A track unseen for longer has ended; inside, it keeps moving as it did, ever slower."""

SHORTEST_TRACK_S = 0.5
LEAST_TRACK_SHARE = 0.3
"""A track seen for less than this time *and* for less than this share of its shot is spurious (a picture on a wall that
the detector sees now and then, a hand) and is dropped."""

_GAP_DAMPING_S = 0.3


class BoxFilter:
    """Kalman filter of constant velocity for centre (px) and log size of a box.

    Noise and acceleration are relative to the box, so one gain serves all four, whatever their unit.
    """

    ACCELERATION = 4.0
    """Standard deviation, box sizes per s²."""

    NOISE = 0.02
    """Standard deviation of what is seen, box sizes."""

    def __init__(self, box_px: NDArray[np.float64], time_s: float) -> None:
        self._state = np.stack([_to_state(box_px), np.zeros(4)])
        self._covariance = np.diag([self.NOISE**2, 1.0])
        self._time_s = time_s

    def predict(self, time_s: float) -> NDArray[np.float64]:
        """(4,) the box expected at a later time."""
        return _to_box(self._state[0] + self._state[1] * self._coasting(time_s - self._time_s))

    def update(self, box_px: NDArray[np.float64], time_s: float) -> None:
        """Take what was seen."""
        gap_s = time_s - self._time_s
        move = np.array([[1.0, gap_s], [0.0, 1.0]])
        drive = np.array([gap_s**2 / 2, gap_s]) * self.ACCELERATION
        predicted = np.stack([_to_state(self.predict(time_s)), self._state[1]])
        covariance = move @ self._covariance @ move.T + np.outer(drive, drive)
        gain = covariance[:, 0] / (covariance[0, 0] + self.NOISE**2)
        self._state = predicted + gain[:, None] * (_to_state(box_px) - predicted[0])
        self._covariance = covariance - np.outer(gain, covariance[0])
        self._time_s = time_s

    @staticmethod
    def _coasting(gap_s: float) -> float:
        # Through a gap the speed fades: heads stop, they do not leave the scene in a straight line.
        return _GAP_DAMPING_S * (1 - float(np.exp(-gap_s / _GAP_DAMPING_S)))


@dataclass(slots=True, kw_only=True)
class TrackedFace:
    """A track while it grows.

    Attributes:
        filter: Where the box is and goes.
        frames: Frames with a face, increasing.
        faces: Index of the face among those of the frame.
    """

    filter: BoxFilter
    frames: list[int] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)


def link(
    boxes_px: Sequence[NDArray[np.float64]], times_s: NDArray[np.float64], *, shortest_s: float = SHORTEST_TRACK_S
) -> list[TrackedFace]:
    """Tracks of one shot, spurious ones dropped.

    Args:
        boxes_px: For each frame (N, 4) x0 y0 x1 y1.
        times_s: (F,) frame times.
        shortest_s: Seconds for which a track must be seen, where it is not seen in most of the shot.
    """
    tracks: list[TrackedFace] = []
    for frame, boxes in enumerate(boxes_px):
        time_s = float(times_s[frame])
        open_tracks = [t for t in tracks if time_s - times_s[t.frames[-1]] <= LONGEST_GAP_S]
        for track, face in _match(open_tracks, boxes, time_s, len(boxes)):
            if track is None:
                track = TrackedFace(filter=BoxFilter(boxes[face], time_s))
                tracks.append(track)
            else:
                track.filter.update(boxes[face], time_s)
            track.frames.append(frame)
            track.faces.append(face)
    frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else SHORTEST_TRACK_S
    return [track for track in tracks if not _is_spurious(len(track.frames), len(times_s), frame_s, shortest_s)]


def _is_spurious(num_seen: int, num_frames: int, frame_s: float, shortest_s: float) -> bool:
    return num_seen * frame_s < shortest_s and num_seen < LEAST_TRACK_SHARE * num_frames


def _match(
    tracks: list[TrackedFace], boxes: NDArray[np.float64], time_s: float, num_faces: int
) -> list[tuple[TrackedFace | None, int]]:
    """(track or None for a new one, face) for every face of a frame."""
    pairs: dict[int, TrackedFace] = {}
    if tracks and num_faces:
        expected = np.stack([track.filter.predict(time_s) for track in tracks])
        shared = overlap(expected, boxes)
        for row, column in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[row, column] >= LEAST_OVERLAP:
                pairs[int(column)] = tracks[int(row)]
    return [(pairs.get(face), face) for face in range(num_faces)]


def _to_state(box_px: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.maximum(box_px[2:] - box_px[:2], 1e-3)
    return np.concatenate([(box_px[:2] + box_px[2:]) / 2, np.log(size)])


def _to_box(state: NDArray[np.float64]) -> NDArray[np.float64]:
    half = np.exp(state[2:]) / 2
    return np.concatenate([state[:2] - half, state[:2] + half])
