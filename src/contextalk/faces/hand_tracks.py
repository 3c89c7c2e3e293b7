"""Hands over a scene: followed from frame to frame, and kept if they stay.

A hand that is wrong leaves a hole in a generated head, so it must be sure and last.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Scene, SeenHands, Shot
from contextalk.faces.hand_watch import hand_boxes
from contextalk.faces.hands import NUM_JOINTS
from contextalk.faces.tracking import link

SURE_PRESENCE = 0.8
"""Median presence from which a hand counts."""

SHORTEST_S = 0.2
"""A hand seen for less does not count."""

LONGEST_BRIDGE_S = 0.2
"""Through gaps up to this a hand goes on in a straight line: hands blur when they move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandTracks:
    """The hands that count, frame by frame.

    Attributes:
        name: What found them, with its version.
        frames: (N,) int64, scene frames, increasing; a frame with two hands is there twice.
        joints: (N, 21, 2) float32 scene px.
    """

    name: str
    frames: NDArray[np.int64]
    joints: NDArray[np.float32]

    def at(self, frame: int) -> NDArray[np.float32]:
        """(K, 21, 2) the hands of a frame."""
        first, last = np.searchsorted(self.frames, [frame, frame + 1])
        return self.joints[first:last]


def lasting(seen: SeenHands, scene: Scene, shots: Sequence[Shot]) -> HandTracks:
    """Of what was seen the hands that are sure and stay, with short gaps filled.

    Args:
        seen: Of `Analysis.hands`.
        scene: For the times.
        shots: No hand goes on over a cut.
    """
    frames: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    joints: list[NDArray[np.float32]] = [np.zeros((0, NUM_JOINTS, 2), np.float32)]
    for shot in shots:
        edges = np.searchsorted(seen.frames, np.arange(shot.start, shot.stop + 1))
        if edges[0] == edges[-1]:
            continue
        rows = [np.arange(first, last) for first, last in itertools.pairwise(edges)]
        boxes = [hand_boxes(seen.joints[found]) for found in rows]
        times_s = scene.times_s[shot.start : shot.stop]
        frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
        shortest_s = SHORTEST_S - frame_s / 2  # sums of frame times are not exact
        for track in link(boxes, times_s, shortest_s=shortest_s):
            chosen = np.array([rows[at][hand] for at, hand in zip(track.frames, track.faces, strict=True)])
            lasts = len(chosen) * frame_s >= shortest_s and len(chosen) > 1
            if lasts and np.median(seen.presence[chosen]) >= SURE_PRESENCE:
                longest_s = LONGEST_BRIDGE_S + frame_s / 2
                bridged = _bridge(np.array(track.frames), seen.joints[chosen], times_s, longest_s)
                frames.append(bridged[0] + shot.start)
                joints.append(bridged[1])
    every, places = np.concatenate(frames), np.concatenate(joints)
    order = np.argsort(every, kind="stable")
    return HandTracks(name=seen.name, frames=every[order], joints=places[order])


def _bridge(
    frames: NDArray[np.int64], joints: NDArray[np.float32], times_s: NDArray[np.float64], longest_s: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of one hand with those of its short gaps."""
    wanted = [int(frames[0])]
    for before, after in zip(frames[:-1].tolist(), frames[1:].tolist(), strict=True):
        short = times_s[after] - times_s[before] <= longest_s
        wanted += range(before + 1, after + 1) if short else [after]
    at_s, known_s = times_s[wanted], times_s[frames]
    flat = joints.reshape(len(joints), -1)
    filled = np.stack([np.interp(at_s, known_s, column) for column in flat.T], axis=1)
    return np.array(wanted, np.int64), filled.reshape(-1, NUM_JOINTS, 2).astype(np.float32)
