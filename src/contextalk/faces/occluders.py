"""What is in front of a person: hands, and heads of others that are nearer. What covers a head stays the scene's.

A microphone, a cup or a sheet of paper is found by nothing here: whoever has a network that tells such things from a
head gives it as a `Segmenter`, and what it says is taken instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, CropPath
from contextalk.core.records import Landmarks, Progress, Scene, Shot
from contextalk.faces.crop import hair_outline, head_mask
from contextalk.faces.hand_tracks import LOOK_EVERY, HandTracks, find_hands
from contextalk.faces.hands import draw_hand, why_no_hands
from contextalk.faces.pose import fit_head

NEARER = 1.15
"""Of two heads that meet, the one larger by this in the shot is in front; people differ by less, and if both are as
large, nothing tells."""

LEAST_MEETING = 0.02
"""Share of the target's outline that another head's must cover to be in front of it."""

_HEAD_MASK = head_mask() > 0

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
            points: (68, 2) landmarks that are drawn in it, crop px.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Occluders:
    """What is in front of one person, frame by frame.

    Attributes:
        hands: Of anybody, that count; None: hands were not looked for.
        why_no_hands: In one line, where they were not.
        heads: (F, K, 84, 2) float32 scene px, points around the head of each of the K others; NaN where it is not in
            front.
    """

    hands: HandTracks | None
    why_no_hands: str
    heads: NDArray[np.float32]

    @property
    def looked_for(self) -> str:
        """What was looked for, for a column or a report."""
        return "heads" if self.hands is None else "hands, heads"

    @property
    def name(self) -> str:
        """What finds it, with its version."""
        return "heads-1" if self.hands is None else f"heads-1, {self.hands.name}"

    def frames(self) -> NDArray[np.int64]:
        """Frames in which there is something, which need not reach the target."""
        heads = np.flatnonzero(np.isfinite(self.heads).any(axis=(1, 2, 3)))
        return heads if self.hands is None else np.union1d(heads, self.hands.frames)

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
        for outline in self.heads[frame]:
            if np.isfinite(outline).all():
                hull = cv2.convexHull(((outline - origin_px) * scale).astype(np.float32))
                cv2.fillConvexPoly(mask, np.rint(hull - 0.5).astype(np.int32), 255)
        if self.hands is not None:
            for joints in self.hands.at(frame):
                draw_hand(mask, (joints - origin_px) * scale)


def find_occluders(
    scene: Scene,
    shots: Sequence[Shot],
    people: Sequence[Landmarks],
    targets: Sequence[int],
    *,
    every: int = LOOK_EVERY,
    work_dir: Path | None = None,
    progress: Progress | None = None,
) -> list[Occluders]:
    """What is in front of each target; hands are left out, and that is said, where their models are not installed.

    Args:
        scene: The video; decoded once more for hands, if that was not done before.
        shots: Tile the frames.
        people: Everybody, one row per frame.
        targets: Which of them are targets.
        every: Frames from one look for hands to the next, ≥ 1.
        work_dir: Where what was seen is kept; None: the user's cache folder.
        progress: Called with ("hands", done, total) frames.

    Raises:
        MediaError: The video cannot be read.
    """
    why, hands = why_no_hands(), None
    if not why:
        wanted = [people[target] for target in targets]
        hands = find_hands(scene, shots, wanted, every=every, work_dir=work_dir, progress=progress)
    return [
        Occluders(
            hands=hands,
            why_no_hands=why,
            heads=heads_in_front(people[target], [*people[:target], *people[target + 1 :]], shots),
        )
        for target in targets
    ]


def heads_in_front(target: Landmarks, others: Sequence[Landmarks], shots: Sequence[Shot]) -> NDArray[np.float32]:
    """(F, K, 84, 2) outlines of others' heads where they are in front of the target's, NaN elsewhere.

    In front is who meets the target's head and is the larger of the two in the shot, or is seen where the target was
    seen last and no longer is.
    """
    outlines = np.full((len(target), len(others), 84, 2), np.nan, np.float32)
    if not others:
        return outlines
    own, own_scale = _outlines(target)
    for index, other in enumerate(others):
        theirs, scale = _outlines(other)
        for shot in shots:
            rows = slice(shot.start, shot.stop)
            if not (target.valid[rows].any() and other.valid[rows].any()):
                continue
            larger = np.nanmedian(scale[rows]) >= NEARER * np.nanmedian(own_scale[rows])
            last = None
            for frame in range(shot.start, shot.stop):
                last = own[frame] if target.valid[frame] else last
                hidden = not target.valid[frame]
                if last is None or not other.valid[frame] or not (larger or hidden):
                    continue
                if _meeting(last, theirs[frame]) >= LEAST_MEETING:
                    outlines[frame, index] = theirs[frame]
    return outlines


def _outlines(person: Landmarks) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """(F, 84, 2) points around the head with its hair, and (F,) its size in px per millimetre; NaN where unseen."""
    points = np.where(person.valid[:, None, None], person.points, np.nan)
    fit = fit_head(points)
    return np.concatenate([points, hair_outline(fit)], axis=1).astype(np.float32), fit.scale


def _meeting(own: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Share of the first outline inside the second."""
    if (own.max(axis=0) < other.min(axis=0)).any() or (other.max(axis=0) < own.min(axis=0)).any():
        return 0.0
    hull = cv2.convexHull(own)
    shared, _ = cv2.intersectConvexConvex(hull, cv2.convexHull(other))
    return float(shared) / max(float(cv2.contourArea(hull)), 1e-6)
