"""What is in front of a person: hands, and heads of others, unless they are behind. It stays the scene's.

A microphone, a cup or a sheet of paper is found by nothing here: whoever has a network that tells such things from a
head gives it as a `Segmenter`, and what it says is taken instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, CropPath
from contextalk.core.records import Landmarks, Scene, SeenHands, Shot
from contextalk.faces.crop import HEAD_SHARE, hair_outline, head_mask
from contextalk.faces.hand_tracks import HandTracks, lasting
from contextalk.faces.hand_watch import watch_version
from contextalk.faces.hands import draw_hand, why_no_hands
from contextalk.faces.head_model import HEAD_HEIGHT_MM
from contextalk.faces.pose import HeadFit, fit_head

NEARER = 1.15
"""Of two heads that meet, the one larger by this in the shot is in front; people differ by less, and if both are as
large, nothing tells."""

LEAST_MEETING = 0.02
"""Share of the target's outline inside another head's from which the two meet; with less they are side by side."""

_REACH_MM = 0.6 * HEAD_HEIGHT_MM / HEAD_SHARE
_OTHER_REACH_MM = 160.0
"""From the middles of both heads: farther apart the other is not in the mask, and is not looked at further."""

_HEAD_MASK = head_mask() > 0

_HEADS = "heads-2"
"""With version: to be raised when anything here, or in `hand_tracks.py`, decides otherwise."""

Mask = NDArray[np.uint8]


class Segmenter(Protocol):
    """Tells the pixels of what is in front of a head; `generate` takes any."""

    @property
    def name(self) -> str:
        """Name and version, weights included; part of the key of what was generated."""
        ...

    def in_front(self, head: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(256, 256), true where something in front of the head is seen.

        Args:
            head: (256, 256, 3) RGB head crop of the scene.
            points: (68, 2) landmarks of the head as seen in it, crop px; NaN where the face is hidden.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOutlines:
    """Heads of others, frame by frame.

    Attributes:
        frames: (N,) int64, scene frames, increasing; a frame with two heads is there twice.
        points: (N, 84, 2) float32 scene px: the 68 landmarks and the outline of skull and hair.
    """

    frames: NDArray[np.int64]
    points: NDArray[np.float32]

    def at(self, frame: int) -> NDArray[np.float32]:
        """(K, 84, 2) the heads of a frame."""
        first, last = np.searchsorted(self.frames, [frame, frame + 1])
        return self.points[first:last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occluders:
    """What is in front of one person, frame by frame.

    Attributes:
        hands: Of anybody, that count; None: hands were not looked for.
        why_no_hands: In one line, where they were not.
        heads: Of others, that are not behind.
    """

    hands: HandTracks | None
    why_no_hands: str
    heads: HeadOutlines

    @property
    def looked_for(self) -> str:
        """What was looked for, for a column or a report."""
        return "heads" if self.hands is None else "hands, heads"

    @property
    def name(self) -> str:
        """What finds it, with its version."""
        return _HEADS if self.hands is None else f"{_HEADS}, {self.hands.name}"

    def frames(self) -> NDArray[np.int64]:
        """Frames in which there is something, which need not reach the target."""
        return np.union1d(self.heads.frames, [] if self.hands is None else self.hands.frames).astype(np.int64)

    def mask(self, frame: int, size_px: tuple[int, int]) -> Mask:
        """(H, W), 255 where something in front is, for a scene of `size_px` (width, height)."""
        mask = np.zeros(size_px[::-1], np.uint8)
        self._draw(mask, frame, np.zeros(2), 1.0)
        return mask

    def covered(self, crop: CropPath) -> NDArray[np.float32]:
        """(F,) share of the fixed mask in the square of each frame that something covers."""
        shares = np.zeros(len(crop), np.float32)
        for frame in self.frames().tolist():
            centre, side = crop.centre_px[frame], float(crop.side_px[frame])
            if np.isfinite(side):
                mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
                self._draw(mask, frame, centre - side / 2, CROP_PX / side)
                shares[frame] = (mask[_HEAD_MASK] > 0).mean()
        return shares

    def _draw(self, mask: Mask, frame: int, origin_px: NDArray[np.floating], scale: float) -> None:
        for outline in self.heads.at(frame):
            hull = cv2.convexHull(((outline - origin_px) * scale).astype(np.float32))
            cv2.fillConvexPoly(mask, np.rint(hull - 0.5).astype(np.int32), 255)
        if self.hands is not None:
            for joints in self.hands.at(frame):
                draw_hand(mask, (joints - origin_px) * scale)


def looked_for_by() -> str:
    """Name and version of what can be looked for here: part of keys of what depends on it."""
    return ", ".join(filter(None, (_HEADS, watch_version())))


def find_occluders(
    scene: Scene,
    shots: Sequence[Shot],
    people: Sequence[Landmarks],
    targets: Sequence[int],
    hands: SeenHands | None,
) -> list[Occluders]:
    """What is in front of each target; hands are left out, and that is said, where they were not looked for.

    Args:
        scene: For its times.
        shots: Tile the frames.
        people: Everybody, one row per frame.
        targets: Which of them are targets.
        hands: Of the scene's `Analysis`.
    """
    why = "" if hands is not None else why_no_hands() or "they were not looked for in what was known of the scene"
    tracks = None if hands is None else lasting(hands, scene, shots)
    everybody = [FittedPerson.of(person) for person in people]
    return [
        Occluders(
            hands=tracks,
            why_no_hands=why,
            heads=heads_in_front(everybody[target], [*everybody[:target], *everybody[target + 1 :]], shots),
        )
        for target in targets
    ]


@dataclass(frozen=True, slots=True)
class FittedPerson:
    """Somebody's landmarks, one row per frame, and the head fitted to them."""

    landmarks: Landmarks
    fit: HeadFit

    @staticmethod
    def of(landmarks: Landmarks) -> "FittedPerson":
        """Fit it to the frames in which the face is seen."""
        return FittedPerson(landmarks, fit_head(_seen(landmarks)))


def heads_in_front(target: FittedPerson, others: Sequence[FittedPerson], shots: Sequence[Shot]) -> HeadOutlines:
    """Heads of others that reach the target's mask and are not behind the target.

    Not behind is who is beside the target; of two that meet who is the larger in the shot, or is seen where the target
    was seen last and no longer is, if both were ever seen at once: else it may be the target under another number.
    """
    valid, own = target.landmarks.valid, target.fit
    last = _last_seen(valid, shots)
    frames, points = [np.zeros(0, np.int64)], [np.zeros((0, 84, 2), np.float32)]
    for other in others:
        fit = other.fit
        met = bool((valid & other.landmarks.valid).any())
        near = (last >= 0) & other.landmarks.valid & _near(own, fit, last)
        for shot in shots:
            rows = np.flatnonzero(near[shot.start : shot.stop]) + shot.start
            if not len(rows):
                continue
            part = slice(shot.start, shot.stop)
            larger = np.nanmedian(fit.scale[part]) >= NEARER * np.nanmedian(own.scale[part])
            theirs, at_last = _outlines(other, rows), _outlines(target, last[rows])
            meets = _above(LEAST_MEETING, [_meeting(*pair) for pair in zip(at_last, theirs, strict=True)])
            in_front = ~meets | larger | (~valid[rows] & met)
            frames.append(rows[in_front])
            points.append(theirs[in_front])
    every = np.concatenate(frames)
    order = np.argsort(every, kind="stable")
    return HeadOutlines(frames=every[order], points=np.concatenate(points)[order])


def _above(least: float, shares: Sequence[float]) -> NDArray[np.bool_]:
    """From where `least` is reached until a quarter of it is not: heads that hardly meet would flicker."""
    above, now = np.zeros(len(shares), np.bool_), False
    for index, share in enumerate(shares):
        now = share >= (least / 4 if now else least)
        above[index] = now
    return above


def _seen(person: Landmarks) -> NDArray[np.float32]:
    return np.where(person.valid[:, None, None], person.points, np.nan).astype(np.float32)


def _last_seen(valid: NDArray[np.bool_], shots: Sequence[Shot]) -> NDArray[np.int64]:
    """(F,) the last frame of the shot up to each that shows the face; −1 before the first."""
    last = np.where(valid, np.arange(len(valid)), -1)
    for shot in shots:
        last[shot.start : shot.stop] = np.maximum.accumulate(last[shot.start : shot.stop])
    return last


def _near(own: HeadFit, other: HeadFit, last: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(F,) whether the other may reach the mask."""
    apart = np.abs(other.centre_px - own.centre_px[last]).max(axis=1)
    return apart < _REACH_MM * own.scale[last] + _OTHER_REACH_MM * other.scale


def _outlines(person: FittedPerson, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N, 84, 2) points around the head with its hair in some frames."""
    fit = person.fit
    of_rows = HeadFit(rotation=fit.rotation[rows], scale=fit.scale[rows], centre_px=fit.centre_px[rows])
    return np.concatenate([person.landmarks.points[rows], hair_outline(of_rows)], axis=1).astype(np.float32)


def _meeting(own: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Share of the first outline inside the second."""
    hull = cv2.convexHull(own)
    shared, _ = cv2.intersectConvexConvex(hull, cv2.convexHull(other))
    return float(shared) / max(float(cv2.contourArea(hull)), 1e-6)
