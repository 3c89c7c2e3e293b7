"""Looking for hands around faces while the frames of a scene pass by.

Pictures are looked at a few times a second; where one of them shows a hand, so is every frame around it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.faces.backends import SeenFace
from contextalk.faces.detection import overlap
from contextalk.faces.hands import HandFinder, hands_version, why_no_hands
from contextalk.media.video import Picture

LOOK_EVERY_S = 0.2
"""From one look to the next where no hand is: every hand is met that stays for this and a frame. Half a frame less
counts (`hand_tracks.py: SHORTEST_S`), and of such some are missed."""

SQUARE_GROWTH = 3.5
"""Side of the square that is looked at over the longer side of the face's box (brows to chin): the mask and half a
hand around it."""

HIDDEN_S = 2.0
"""Where a face was seen last is looked at for so long: a hand may hide it. Where none was seen since the watch began it
may be anywhere, and for so long the whole picture is looked at."""

_MOST_HELD = 8
"""Pictures between two looks, which are kept: of 4K eight have 200 MB."""

_SAME_TIME_S = 0.002
"""Times of frames are rounded, to thousandths in some containers."""

_SAME_HAND = 0.5
_REGION_PX = 640
"""Regions of larger heads are shrunk to this: the networks see 192 and 224 px."""


def watch_version() -> str:
    """Name and version of what looks for hands here, part of keys of what was seen; empty without its models.

    To be raised when a constant above or how they are used changes.
    """
    return "" if why_no_hands() else f"{hands_version()}, watch-2/{LOOK_EVERY_S:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHand:
    """One hand in one frame.

    Attributes:
        frame: Of the scene.
        joints: (21, 2) scene px.
        presence: In [0, 1].
    """

    frame: int
    joints: NDArray[np.float64]
    presence: float


@dataclass(slots=True)
class HandWatch:
    """Frames between two looks are held until it is known whether a hand is near."""

    find: HandFinder
    _found: list[SeenHand] = field(default_factory=list[SeenHand])
    _held: list[tuple[Picture, list[NDArray[np.float64]]]] = field(
        default_factory=list[tuple[Picture, list[NDArray[np.float64]]]]
    )
    _squares: list[tuple[float, NDArray[np.float64]]] = field(default_factory=list[tuple[float, NDArray[np.float64]]])
    _began_s: float | None = None
    _looked_s: float = -math.inf
    _met: bool = False
    _near: bool = False

    def see(self, picture: Picture, faces: Sequence[SeenFace]) -> None:
        """Take the next frame. Cuts are not asked for: a hand that moves fast looks like one, and hides the face."""
        if self._began_s is None:
            self._began_s = picture.time_s
        self._follow(picture.time_s, faces)
        squares = [square for _, square in self._squares]
        if not self._met and picture.time_s - self._began_s < HIDDEN_S:
            squares = [_whole(picture.rgb)]
        self._held.append((picture, squares))
        due = picture.time_s - self._looked_s >= LOOK_EVERY_S - _SAME_TIME_S
        if due or len(self._held) >= _MOST_HELD:
            self._look()
            self._looked_s = picture.time_s

    def finish(self) -> list[SeenHand]:
        """All that was found, by frame."""
        self._look()
        return self._found

    def _follow(self, time_s: float, faces: Sequence[SeenFace]) -> None:
        """Squares around the faces, and where one was that is not seen now."""
        seen = [(time_s, _square(face)) for face in faces]
        self._met = self._met or bool(seen)
        gone = [
            (last, old)
            for last, old in self._squares
            if time_s - last <= HIDDEN_S + _SAME_TIME_S and not any(_holds(square, old[:2]) for _, square in seen)
        ]
        self._squares = seen + gone

    def _look(self) -> None:
        """Look at the last frame held; at the others if it shows a hand, or the frame before them did."""
        if not self._held:
            return
        found = self._hands(*self._held.pop())
        if found or self._near:
            for before in self._held:
                self._found += self._hands(*before)
        self._found += found
        self._held, self._near = [], bool(found)

    def _hands(self, picture: Picture, squares: Sequence[NDArray[np.float64]]) -> list[SeenHand]:
        hands = [hand for square in squares for hand in _Region.cut(picture.rgb, square).hands(self.find)]
        return [
            SeenHand(frame=picture.index, joints=joints, presence=presence) for joints, presence in _distinct(hands)
        ]


@dataclass(frozen=True, slots=True)
class _Region:
    """Part of a picture, shrunk where it is large."""

    rgb: NDArray[np.uint8]
    origin: NDArray[np.float64]
    step: NDArray[np.float64]

    @staticmethod
    def cut(rgb: NDArray[np.uint8], square: NDArray[np.float64]) -> "_Region":
        """(3,) centre x, y and side, scene px; what lies beyond the picture is left out."""
        size = np.array(rgb.shape[1::-1])
        low = np.clip(np.floor(square[:2] - square[2] / 2), 0, size - 1).astype(int)
        high = np.clip(np.ceil(square[:2] + square[2] / 2), low + 1, size).astype(int)
        part = rgb[low[1] : high[1], low[0] : high[0]]
        shrink = min(1.0, _REGION_PX / max(part.shape[:2]))
        shape = tuple(max(1, round(length * shrink)) for length in part.shape[1::-1])
        shown = cv2.resize(part, shape, interpolation=cv2.INTER_AREA) if shrink < 1 else part
        step = np.array(part.shape[1::-1]) / np.array(shown.shape[1::-1])
        return _Region(np.asarray(shown, np.uint8), low.astype(np.float64), step)

    def hands(self, find: HandFinder) -> list[tuple[NDArray[np.float64], float]]:
        """Joints in scene px, and presence."""
        return [(hand.joints * self.step + self.origin, hand.presence) for hand in find(self.rgb)]


def hand_boxes(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 4) around (N, 21, 2)."""
    return np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1).astype(np.float64)


def _square(face: SeenFace) -> NDArray[np.float64]:
    """(3,) centre and side of what is looked at around a face, scene px."""
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    return np.array([*(low + high) / 2, SQUARE_GROWTH * float((high - low).max())])


def _whole(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = rgb.shape[:2]
    return np.array([width / 2, height / 2, max(width, height)])


def _holds(square: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    """Whether the face in the middle of a square is the one that was at `point`."""
    return bool(np.abs(square[:2] - point).max() < square[2] / SQUARE_GROWTH)


def _distinct(hands: Sequence[tuple[NDArray[np.float64], float]]) -> list[tuple[NDArray[np.float64], float]]:
    """Squares of two people who sit side by side show the same hand."""
    kept: list[tuple[NDArray[np.float64], float]] = []
    for joints, presence in sorted(hands, key=lambda hand: -hand[1]):
        known = [hand_boxes(other[None]) for other, _ in kept]
        if not known or overlap(hand_boxes(joints[None]), np.concatenate(known)).max() <= _SAME_HAND:
            kept.append((joints, presence))
    return kept
