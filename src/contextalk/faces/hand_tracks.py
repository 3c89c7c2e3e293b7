"""Hands in front of people over a scene: looked for around heads, followed from frame to frame, kept if they stay.

Pictures are looked at every few frames; where one of them shows a hand, so is every frame around it. A hand that is
wrong leaves a hole in a generated head, so it must be sure and last.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks, Progress, Scene, Shot
from contextalk.faces import cache
from contextalk.faces.detection import overlap
from contextalk.faces.hands import NUM_JOINTS, HandFinder, hands_version
from contextalk.faces.tracking import link
from contextalk.media.video import Picture, read_frames

LOOK_EVERY = 3
"""Frames from one look to the next where no hand is: at 25 fps a hand that stays for an eighth of a second is met."""

SQUARE_GROWTH = 3.5
"""Side of the square that is looked at over the longer side of the face's box (brows to chin): the mask and half a
hand around it."""

SURE_PRESENCE = 0.8
"""Median presence from which a hand counts."""

SHORTEST_S = 0.2
"""A hand seen for less does not count."""

LONGEST_BRIDGE_S = 0.2
"""Through gaps up to this a hand goes on in a straight line: hands blur when they move."""

_SAME_HAND = 0.5
_REGION_PX = 640
"""Regions of larger heads are shrunk to this: the networks see 192 and 224 px."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHands:
    """All that was taken for a hand, before anything is asked of it.

    Attributes:
        frames: (N,) int64, scene frames, increasing.
        joints: (N, 21, 2) float32 scene px.
        presence: (N,) float32 in [0, 1].
    """

    frames: NDArray[np.int64]
    joints: NDArray[np.float32]
    presence: NDArray[np.float32]


def find_hands(
    scene: Scene,
    shots: Sequence[Shot],
    people: Sequence[Landmarks],
    *,
    every: int = LOOK_EVERY,
    work_dir: Path | None = None,
    progress: Progress | None = None,
) -> HandTracks:
    """Look for hands around the heads of some people, in one more decode, or take what was seen from the cache.

    An interrupted look begins anew.

    Args:
        scene: The video.
        shots: Tile the frames; a head is looked at in all frames of a shot that shows it, for the hand that hides it.
        people: Around whose heads; one row per frame.
        every: Frames from one look to the next, ≥ 1.
        work_dir: Where it is kept; None: the user's cache folder.
        progress: Called with ("hands", done, total) frames.

    Raises:
        ContextalkError: The models are not installed.
        MediaError: The video cannot be read.
    """
    name = hands_version()
    folder = cache.default_folder() if work_dir is None else work_dir
    path = folder / f"{cache.stage_key(scene.path, name, {'every': every, 'people': _digest(people, shots)})}.npz"
    stored = cache.load_arrays(path)
    if stored is None:
        seen = look_for_hands(scene, shots, people, every=every, progress=progress)
        cache.store_arrays(path, {name: getattr(seen, name) for name in SeenHands.__dataclass_fields__})
    else:
        seen = SeenHands(**stored)
    return lasting(seen, scene, shots, name)


def look_for_hands(
    scene: Scene,
    shots: Sequence[Shot],
    people: Sequence[Landmarks],
    *,
    every: int = LOOK_EVERY,
    progress: Progress | None = None,
) -> SeenHands:
    """All that looks like a hand around heads; arguments and errors as in `find_hands`."""
    find = HandFinder()
    squares = [_squares(person, shots) for person in people]
    looks = [_Look(find, every) for _ in people]
    begins = {shot.start for shot in shots}
    ends = {shot.stop - 1 for shot in shots}
    seen: dict[int, list[_Seen]] = {}
    for picture in _pictures(scene, squares):
        for look, square in zip(looks, squares, strict=True):
            if picture.index in begins:
                look.start()
            if np.isfinite(square[picture.index]).all():
                for hand in look.see(picture, square[picture.index], last=picture.index in ends):
                    seen.setdefault(hand.frame, []).append(hand)
        if progress is not None:
            progress("hands", picture.index + 1, len(scene.times_s))
    hands = [hand for frame in sorted(seen) for hand in _distinct(seen[frame])]
    return SeenHands(
        frames=np.array([hand.frame for hand in hands], np.int64),
        joints=np.array([hand.joints for hand in hands], np.float32).reshape(-1, NUM_JOINTS, 2),
        presence=np.array([hand.presence for hand in hands], np.float32),
    )


def lasting(seen: SeenHands, scene: Scene, shots: Sequence[Shot], name: str) -> HandTracks:
    """Of what was seen the hands that are sure and stay, with short gaps filled.

    Args:
        seen: By `look_for_hands`.
        scene: For the times.
        shots: No hand goes on over a cut.
        name: Of what found them.
    """
    frames: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    joints: list[NDArray[np.float32]] = [np.zeros((0, NUM_JOINTS, 2), np.float32)]
    for shot in shots:
        rows = [np.flatnonzero(seen.frames == frame) for frame in range(shot.start, shot.stop)]
        if not any(map(len, rows)):
            continue
        boxes = [_boxes(seen.joints[found]) for found in rows]
        times_s = scene.times_s[shot.start : shot.stop]
        frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
        for track in link(boxes, times_s, shortest_s=SHORTEST_S):
            chosen = np.array([rows[at][hand] for at, hand in zip(track.frames, track.faces, strict=True)])
            lasts = len(chosen) * frame_s >= SHORTEST_S and len(chosen) > 1
            if lasts and np.median(seen.presence[chosen]) >= SURE_PRESENCE:
                bridged = _bridge(np.array(track.frames), seen.joints[chosen], times_s)
                frames.append(bridged[0] + shot.start)
                joints.append(bridged[1])
    every, places = np.concatenate(frames), np.concatenate(joints)
    order = np.argsort(every, kind="stable")
    return HandTracks(name=name, frames=every[order], joints=places[order])


def _bridge(
    frames: NDArray[np.int64], joints: NDArray[np.float32], times_s: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of one hand with those of its short gaps."""
    wanted = [int(frames[0])]
    for before, after in zip(frames[:-1].tolist(), frames[1:].tolist(), strict=True):
        short = times_s[after] - times_s[before] <= LONGEST_BRIDGE_S
        wanted += range(before + 1, after + 1) if short else [after]
    at_s, known_s = times_s[wanted], times_s[frames]
    flat = joints.reshape(len(joints), -1)
    filled = np.stack([np.interp(at_s, known_s, column) for column in flat.T], axis=1)
    return np.array(wanted, np.int64), filled.reshape(-1, NUM_JOINTS, 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Seen:
    frame: int
    joints: NDArray[np.float64]
    presence: float


@dataclass(slots=True)
class _Look:
    """One head under watch: frames between two looks are held until it is known whether a hand is near."""

    find: HandFinder
    every: int
    held: list[tuple[int, "_Region"]] = field(default_factory=list["tuple[int, _Region]"])
    since: int = 0
    near: bool = False

    def start(self) -> None:
        """A shot begins: nothing from before it holds."""
        self.held, self.since, self.near = [], 0, False

    def see(self, picture: Picture, square: NDArray[np.float64], *, last: bool) -> Iterator[_Seen]:
        """What is found in the next frame and in those that were held for it."""
        region = _Region.cut(picture.rgb, square)
        due = self.since % self.every == 0 or last
        self.since += 1
        if not due:
            self.held.append((picture.index, region))
            return
        found = region.hands(self.find)
        if found or self.near:
            for frame, before in self.held:
                yield from (_Seen(frame, *hand) for hand in before.hands(self.find))
        yield from (_Seen(picture.index, *hand) for hand in found)
        self.held, self.near = [], bool(found)


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
        shown = cv2.resize(part, shape, interpolation=cv2.INTER_AREA) if shrink < 1 else part.copy()
        step = np.array(part.shape[1::-1]) / np.array(shown.shape[1::-1])
        return _Region(np.asarray(shown, np.uint8), low.astype(np.float64), step)

    def hands(self, find: HandFinder) -> list[tuple[NDArray[np.float64], float]]:
        """Joints in scene px, and presence."""
        return [(hand.joints * self.step + self.origin, hand.presence) for hand in find(self.rgb)]


def _pictures(scene: Scene, squares: Sequence[NDArray[np.float64]]) -> Iterator[Picture]:
    """From the first frame with a head to the last; nothing is decoded where there is none."""
    shown = np.zeros(len(scene.times_s), bool)
    for square in squares:
        shown |= np.isfinite(square).all(axis=1)
    rows = np.flatnonzero(shown)
    if len(rows):
        yield from read_frames(scene.path, start=int(rows[0]), stop=int(rows[-1]) + 1)


def _squares(person: Landmarks, shots: Sequence[Shot]) -> NDArray[np.float64]:
    """(F, 3) centre and side around a head, scene px; NaN in shots without it, the last place where it is hidden."""
    points = np.where(person.valid[:, None, None], person.points, np.nan).astype(np.float64)
    low, high = points.min(axis=1), points.max(axis=1)
    square = np.concatenate([(low + high) / 2, SQUARE_GROWTH * (high - low).max(axis=1, keepdims=True)], axis=1)
    for shot in shots:
        rows = square[shot.start : shot.stop]
        seen = np.flatnonzero(np.isfinite(rows).all(axis=1))
        if len(seen):
            last = np.maximum(np.searchsorted(seen, np.arange(len(rows)), side="right") - 1, 0)
            rows[:] = rows[seen[last]]
    return square


def _distinct(hands: Sequence[_Seen]) -> list[_Seen]:
    """Squares of two people who sit side by side show the same hand."""
    kept: list[_Seen] = []
    for hand in sorted(hands, key=lambda hand: -hand.presence):
        known = _boxes(np.array([other.joints for other in kept]).reshape(-1, NUM_JOINTS, 2))
        if not kept or overlap(_boxes(hand.joints[None]), known).max() <= _SAME_HAND:
            kept.append(hand)
    return kept


def _boxes(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 4) around (N, 21, 2)."""
    return np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1).astype(np.float64)


def _digest(people: Sequence[Landmarks], shots: Sequence[Shot]) -> str:
    """Of all that says where is looked."""
    told = hashlib.sha256()
    for person in people:
        told.update(np.ascontiguousarray(person.points).tobytes() + person.valid.tobytes())
    told.update(np.array([(shot.start, shot.stop) for shot in shots], np.int64).tobytes())
    return told.hexdigest()
