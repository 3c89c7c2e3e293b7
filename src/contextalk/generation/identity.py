"""The pictures that say who the target is."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from contextalk.core.errors import MediaError
from contextalk.core.geometry import CROP_PX, CropPath, Points
from contextalk.core.records import Landmarks, mouth_opening
from contextalk.faces.annotations import picture_sidecar
from contextalk.faces.eyes import eyes_open
from contextalk.faces.lending import EYES, MOUTH, POSE, misfits, varied
from contextalk.faces.matte import person_matte
from contextalk.faces.mouth_insides import WIDE_ENOUGH
from contextalk.faces.targets import identity_square
from contextalk.faces.views import head_crop
from contextalk.media.video import read_these

Picture = NDArray[np.uint8]

SPARE_DISTANCE_S = 1.0
"""How far the second picture is taken from the first, where the scene lasts: no window holds both."""

_MOST_HEADS = 6
_OTHER_POSE_DEG = 8.0
"""A further picture is worth keeping from this turn of the head on: less needs to be bent."""

_EYES_OPEN, _EYES_CLOSED = 0.75, 90.0
"""Eyes less open than this share of the usual (`eyes_open`) cannot be bent open: they count as so many degrees."""

_UNKNOWN_TURN_DEG = 360.0
"""Worse than yaw and pitch can be together."""

_MOST_MOUTHS, _MOST_BLINKS = 24, 6
"""Pictures with mouths, and with closed eyes, to be lent."""

_STRETCHES, _STRETCH_FRAMES = 6, 250
"""Of a long scene they are taken from so many stretches: each is decoded as a whole, and a minute shows all mouths."""

_BLINKING = 0.6
"""Share of the usual below which an eye is closed enough to be lent."""

_FINEST = 4
"""Times the crop's 256 px that a fine picture has at most: a head of 4K seen closely."""

_SLACK = 0.25
"""Share of the crop that a square may be larger before its own pixels are worth bending."""

_LOYALTY = 0.03
"""A head is left for another that fits the pose better by this share of a face's size: between two that fit alike a
person would change hair and light from window to window."""

_MIRROR_PENALTY = 0.1
"""A head in the mirror parts its hair on the wrong side: it must fit the pose better by this share of a face's size."""

_MIRRORED_POINTS = np.r_[
    16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1
]
_MIRRORED = np.r_[_MIRRORED_POINTS, 69, 68]
"""Where each of the 68 points and two pupils is found in the mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityHead:
    """A head of the target.

    Attributes:
        picture: (256, 256, 3) uint8 RGB head crop.
        points: (70, 2) float32 crop px: 68 landmarks and both pupils, these NaN where unknown.
        fine: (S, S, 3), the same from the scene's own pixels; None where the crop has them all.
        lenders: The same person with other mouths and closed eyes, to be lent.
        matte: (256, 256) share of each pixel that is the person, of a picture from elsewhere; None where what is around
            the head is around it in the scene, too.
    """

    picture: Picture
    points: Points
    fine: Picture | None = None
    lenders: "tuple[IdentityHead, ...]" = ()
    matte: NDArray[np.float32] | None = None

    @property
    def shows_inside(self) -> bool:
        """Whether a mouth is known that shows teeth or tongue."""
        return any(mouth_opening(one.points) >= WIDE_ENOUGH for one in (self, *self.lenders))

    def mirrored(self) -> "IdentityHead":
        """The head in a mirror: turned as far the other way."""
        return replace(
            self,
            picture=np.ascontiguousarray(self.picture[:, ::-1]),
            points=_mirrored(self.points),
            fine=None if self.fine is None else np.ascontiguousarray(self.fine[:, ::-1]),
            lenders=tuple(lender.mirrored() for lender in self.lenders),
            matte=None if self.matte is None else np.ascontiguousarray(self.matte[:, ::-1]),
        )


class Choice(NamedTuple):
    """Which picture a window takes.

    Attributes:
        head: Index of the head.
        mirrored: Whether it is seen in the mirror.
    """

    head: int
    mirrored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Heads of the target.

    Attributes:
        heads: The most frontal one with open eyes first, then others in other poses.
        times_s: When in the scene each was taken; None for a picture that the user gave.
        lenders: Heads with mouths and closed eyes unlike each other, to be lent.
        lender_times_s: When each of these was taken.
        stranger: Unlike all that the bundle was taught on.
    """

    heads: tuple[IdentityHead, ...]
    times_s: tuple[float | None, ...]
    lenders: tuple[IdentityHead, ...] = ()
    lender_times_s: tuple[float, ...] = ()
    stranger: bool = False

    def choose(self, start_s: float, stop_s: float, wanted: Points | None, before: Choice | None = None) -> Choice:
        """Of the heads that were not taken inside a window (where all were, the last) the one nearest in pose.

        Args:
            start_s: First frame of the window.
            stop_s: Last frame.
            wanted: (F, 70, 2) landmarks to be drawn: of the heads, and of them in the mirror where that is clearly
                nearer, the one nearest in pose. None: the first head.
            before: What the window before took: kept unless another is clearly nearer.
        """
        own = _inside(self.times_s, start_s, stop_s)
        free = [index for index, taken in enumerate(own) if not taken] or [len(own) - 1]
        if wanted is None:
            return Choice(free[0])
        return _nearest({index: self.heads[index].points for index in free}, wanted.mean(axis=0), before)

    def is_free(self, choice: Choice, start_s: float, stop_s: float) -> bool:
        """Whether the chosen picture was not taken inside a window."""
        return not any(_inside([self.times_s[choice.head]], start_s, stop_s))

    def head(self, choice: Choice, start_s: float, stop_s: float) -> IdentityHead:
        """The chosen head, with the lenders that were not taken inside a window."""
        own = _inside(self.lender_times_s, start_s, stop_s)
        lenders = tuple(lender for lender, taken in zip(self.lenders, own, strict=True) if not taken)
        head = replace(self.heads[choice.head], lenders=lenders)
        return head.mirrored() if choice.mirrored else head

    def as_fine_as(self, side_px: float) -> "Identity":
        """The same with pictures no finer than a square of so many scene px can show."""
        size = fine_size(side_px)

        def limited(fine: Picture | None) -> Picture | None:
            if fine is None or size is None:
                return None
            if len(fine) <= size:
                return fine
            return np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA), np.uint8)

        heads, lenders = (
            tuple(replace(head, fine=limited(head.fine)) for head in pictures)
            for pictures in (self.heads, self.lenders)
        )
        return replace(self, heads=heads, lenders=lenders)

    def has_own_head(self, start_s: float, stop_s: float) -> bool:
        """Whether a window from the first to the second time is drawn with a head from inside it: there is no other."""
        return all(_inside(self.times_s, start_s, stop_s))


def _inside(times_s: Sequence[float | None], start_s: float, stop_s: float) -> list[bool]:
    return [time_s is not None and start_s <= time_s <= stop_s for time_s in times_s]


def _nearest(faces: dict[int, Points], wanted: Points, kept: Choice | None) -> Choice:
    """Of some (70, 2) faces, and of them in the mirror, the one nearest in pose, with some favour for one."""
    known = {Choice(index): points for index, points in faces.items()}
    known |= {Choice(index, mirrored=True): _mirrored(points) for index, points in faces.items()}
    apart = misfits(np.stack([*known.values()]), wanted[None], POSE)[0]
    costs = {
        choice: misfit + _MIRROR_PENALTY * choice.mirrored - _LOYALTY * (choice == kept)
        for choice, misfit in zip(known, apart.tolist(), strict=True)
    }
    return min(costs, key=lambda choice: costs[choice])


def _mirrored(points: Points) -> Points:
    """(70, 2) crop px in the mirror."""
    return points[_MIRRORED] * np.array([-1, 1], np.float32) + np.array([CROP_PX, 0], np.float32)


def identity_from_file(path: Path) -> Identity:
    """The head of the largest face in a picture, or of the one whose landmarks lie beside it (`picture_sidecar`).

    Raises:
        MediaError: It is no picture.
        TargetError: It shows no face, or the landmarks are those of another picture.
        ContextalkError: The landmarks cannot be read.
    """
    try:
        with Image.open(path) as picture:
            rgb = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise MediaError(f"identity {path} is no picture that can be read, wanted PNG or JPEG") from error
    beside = picture_sidecar(path)
    written = None if beside is None else Landmarks.load(beside)
    points, crop = identity_square(rgb, f"identity picture {path}", landmarks=written)
    head = _head(rgb, crop, 0, points, fine_size(float(crop.side_px[0])))
    return Identity(heads=(replace(head, matte=person_matte(head.picture, points)),), times_s=(None,))


def identity_from_scene(scene: Path, landmarks: Landmarks, crop: CropPath, generated: NDArray[np.bool_]) -> Identity:
    """The target's own head in the scene: the most frontal whole one with open eyes, and some in other poses.

    Frames that are not generated come first; where there are none, a second picture serves the windows that hold the
    first. Where the face is not seen long enough for that, its first and last head serve: only a window that holds
    every frame in which it is seen is left with its own.

    Args:
        scene: The video.
        landmarks: The target's, one row per frame; at least one valid.
        crop: The head's square, one row per frame.
        generated: (F,) frames that will be regenerated.
    """
    penalty = _penalty(landmarks, crop, generated)
    # A head whose pose is not known is taken last.
    turned = np.nan_to_num(np.abs(landmarks.head_pose[:, :2]).sum(axis=1), nan=_UNKNOWN_TURN_DEG)
    closed = eyes_open(landmarks) < _EYES_OPEN
    score = np.where(landmarks.valid, penalty + turned + _EYES_CLOSED * closed, np.inf)
    best = int(np.argmin(score))
    frames = [best]
    if generated[best]:
        apart = np.abs(landmarks.times_s - landmarks.times_s[best]) >= SPARE_DISTANCE_S
        seen = np.flatnonzero(landmarks.valid)
        far = np.flatnonzero(apart & landmarks.valid)
        spare = [int(far[np.argmin(score[far])])] if len(far) else seen[[0, -1]].tolist()
        frames += [frame for frame in dict.fromkeys(spare) if frame != best]
    usable = penalty <= penalty[best]
    frames += _other_poses(landmarks.head_pose[:, :2], usable & ~closed, frames, _MOST_HEADS)
    lending = _lenders(landmarks, usable)
    points = crop.to_crop(np.concatenate([landmarks.points, landmarks.pupils], axis=1))
    size = fine_size(float(crop.side_px[generated].max(initial=0)))
    pictures = {
        frame: _head(rgb, crop, frame, points[frame], size) for frame, rgb in _read(scene, sorted({*frames, *lending}))
    }
    heads, lenders = (tuple(pictures[frame] for frame in chosen) for chosen in (frames, lending))
    times_s, lender_times_s = (
        tuple(float(landmarks.times_s[frame]) for frame in chosen) for chosen in (frames, lending)
    )
    return Identity(heads=heads, times_s=times_s, lenders=lenders, lender_times_s=lender_times_s)


def _lenders(landmarks: Landmarks, usable: NDArray[np.bool_]) -> list[int]:
    """Usable frames with mouths, and with closed eyes, unlike each other."""
    known = _in_stretches(usable & landmarks.valid)
    blinking = known & (eyes_open(landmarks) < _BLINKING)
    chosen: list[int] = []
    for part, allowed, most in ((MOUTH, known, _MOST_MOUTHS), (EYES, blinking, _MOST_BLINKS)):
        frames = np.flatnonzero(allowed)
        if len(frames):
            chosen += frames[varied(part, landmarks.points[frames], most)].tolist()
    return list(dict.fromkeys(chosen))


def _in_stretches(usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of many usable frames those in some stretches, spread evenly over them."""
    frames = np.flatnonzero(usable)
    if len(frames) <= _STRETCHES * _STRETCH_FRAMES:
        return usable
    starts = np.linspace(0, len(frames) - _STRETCH_FRAMES, _STRETCHES).astype(int)
    chosen = np.zeros_like(usable)
    chosen[frames[starts[:, None] + np.arange(_STRETCH_FRAMES)]] = True
    return chosen


def _other_poses(pose_deg: NDArray[np.float32], usable: NDArray[np.bool_], chosen: list[int], most: int) -> list[int]:
    """Usable frames besides those chosen, each as far in yaw and pitch from the others as can be, `most` in all."""
    added: list[int] = []
    while len(chosen) + len(added) < most:
        apart = np.linalg.norm(pose_deg[:, None] - pose_deg[[*chosen, *added]], axis=2).min(axis=1)
        apart = np.where(usable & np.isfinite(apart), apart, 0.0)
        if apart.max() < _OTHER_POSE_DEG:
            break
        added.append(int(apart.argmax()))
    return added


def _penalty(landmarks: Landmarks, crop: CropPath, generated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """More than all angles for heads cut by the edge, yet more for frames to be generated; infinite without a face."""
    half = crop.side_px[:, None] / 2
    size = np.array(landmarks.size_px, np.float32)
    cut = ((crop.centre_px < half) | (crop.centre_px > size - half)).any(axis=1)
    return np.where(landmarks.valid, 360.0 * cut + 1000.0 * generated, np.inf)


def fine_size(side_px: float) -> int | None:
    """S of fine pictures for a square of so many scene px; None where 256 are enough."""
    times = min(_FINEST, math.ceil(side_px / CROP_PX - _SLACK))
    return times * CROP_PX if times > 1 else None


def _head(rgb: Picture, crop: CropPath, frame: int, points: Points, fine: int | None) -> IdentityHead:
    centre, side = crop.centre_px[frame], float(crop.side_px[frame])
    return IdentityHead(
        picture=head_crop(rgb, centre, side),
        points=points,
        fine=None if fine is None else head_crop(rgb, centre, side, fine),
    )


def _read(scene: Path, frames: Sequence[int]) -> Iterator[tuple[int, Picture]]:
    for picture in read_these(scene, frames):
        yield picture.index, picture.rgb
