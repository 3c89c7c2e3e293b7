"""Where the pictures of the target come from: a picture, a video of the person, or the scene itself."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from contextalk.core.choices import Progress
from contextalk.core.errors import MediaError, TargetError
from contextalk.core.geometry import CropPath, Points
from contextalk.core.records import Landmarks, Shot
from contextalk.faces.analysis import analyse
from contextalk.faces.annotations import picture_sidecar
from contextalk.faces.crop import crop_path
from contextalk.faces.eyes import eyes_open
from contextalk.faces.lending import EYES, MOUTH, varied
from contextalk.faces.matte import person_matte
from contextalk.faces.targets import choose_target, identity_square
from contextalk.faces.views import head_crop
from contextalk.generation.identity import Identity, IdentityHead, fine_size
from contextalk.media.video import probe, read_these

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


def identity_from_file(path: Path, progress: Progress | None = None) -> Identity:
    """Pictures from elsewhere: the largest face of a picture or video, or whose landmarks lie beside it.

    Args:
        path: ME.png, or a video, whose person has mouths and closed eyes to lend; `picture_sidecar` says of whom.
        progress: Told how far a video's faces are found.

    Raises:
        MediaError: It is neither picture nor video.
        TargetError: It shows no face, or the landmarks are those of another picture.
        ContextalkError: The landmarks cannot be read.
    """
    beside = picture_sidecar(path)
    written = None if beside is None else Landmarks.load(beside)
    try:
        with Image.open(path) as picture:
            rgb = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        try:
            probe(path)
        except MediaError:
            raise MediaError(f"identity {path} is no picture or video that can be read: {error}") from error
        return _identity_from_video(path, written, progress)
    points, crop = identity_square(rgb, f"identity picture {path}", landmarks=written)
    head = _head(rgb, crop, 0, points, fine_size(float(crop.side_px[0])))
    return Identity(heads=(replace(head, matte=person_matte(head.picture, points)),), times_s=(None,))


def _identity_from_video(path: Path, written: Landmarks | None, progress: Progress | None) -> Identity:
    shots: Sequence[Shot] = [Shot(start=0, stop=len(probe(path).times_s))]
    if written is None:
        analysis = analyse(path, progress=progress)
        shots, written = analysis.shots, choose_target(analysis, "largest").landmarks
    if len(written) != shots[-1].stop or not written.valid.any():
        raise TargetError(
            f"the landmarks beside identity {path} are {len(written)} faces, {int(written.valid.sum())} of them valid, "
            f"wanted one for each of its {shots[-1].stop} frames"
        )
    seen = identity_from_scene(path, written, crop_path(written, shots), np.ones(len(written), bool))
    heads = tuple(replace(head, matte=person_matte(head.picture, head.points)) for head in seen.heads)
    return Identity(
        heads=heads, times_s=(None,) * len(heads), lenders=seen.lenders, lender_times_s=(None,) * len(seen.lenders)
    )


def identity_from_scene(scene: Path, landmarks: Landmarks, crop: CropPath, generated: NDArray[np.bool_]) -> Identity:
    """The target's own head in the scene: the most frontal whole one with open eyes, some in other poses, and lenders.

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
