"""What the people of a scene look like and how much of them there is: what is compared with other scenes, and shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contextalk.core.records import Analysis, Scene, Track
from contextalk.faces.appearance import Encoder
from contextalk.faces.speaking import SURE
from contextalk.faces.views import head_crop
from contextalk.media.video import read_at

THUMB_PX = 144
NUM_HEADS = 8
"""Pictures of each person: a seek in the file each, so that nothing is decoded a third time."""

_HEAD_OVER_BOX, _RISE = 1.9, 0.12  # the 68 points end at the brows: the head needs this much more, upwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """One person of one scene.

    Attributes:
        track: Index in the scene's analysis.
        seen_s: Seconds with a face.
        speaking_s: Seconds of them in which the person probably speaks.
        look: (D,) float32, mean of an encoder's unit vectors, of length 1.
        beside: Indices of those seen in one frame with this person, who therefore are others.
        times_s: (N,) when this person's pictures were taken, increasing.
    """

    track: int
    seen_s: float
    speaking_s: float
    look: NDArray[np.float32]
    beside: frozenset[int]
    times_s: NDArray[np.float64]


def take_portraits(analysis: Analysis, encoder: Encoder) -> Iterator[tuple[Portrait, NDArray[np.uint8]]]:
    """Everybody in a scene, in order of index, each with (N, THUMB_PX, THUMB_PX, 3) pictures of the head.

    Raises:
        MediaError: The video cannot be read any more.
    """
    seen = [track for track in analysis.tracks if track.landmarks.valid.any()]
    for track in seen:
        yield _take(analysis, track, seen, encoder)


def _take(
    analysis: Analysis, track: Track, everybody: Sequence[Track], encoder: Encoder
) -> tuple[Portrait, NDArray[np.uint8]]:
    times_s, valid = analysis.scene.times_s, track.landmarks.valid
    frames = facing_frames(track)
    # One call a picture: `read_at` decodes all that lies between the first and the last time of a call.
    pictures = [next(read_at(analysis.scene.path, times_s[[frame]])) for frame in frames]
    looks = [encoder.encode(rgb, track.landmarks.points[frame]) for rgb, frame in zip(pictures, frames, strict=True)]
    mean = np.mean(looks, axis=0)
    portrait = Portrait(
        track=track.index,
        seen_s=seconds(analysis.scene, valid),
        speaking_s=seconds(analysis.scene, valid & (track.speaking > SURE)),
        look=(mean / np.linalg.norm(mean)).astype(np.float32),
        beside=frozenset(
            other.index for other in everybody if other is not track and (other.landmarks.valid & valid).any()
        ),
        times_s=times_s[frames],
    )
    heads = [thumbnail(rgb, track.box_px[frame]) for rgb, frame in zip(pictures, frames, strict=True)]
    return portrait, np.stack(heads)


def facing_frames(track: Track) -> NDArray[np.int64]:
    """(N,) frames spread over those in which the person is seen, of each stretch the one seen most from the front."""
    seen = np.flatnonzero(track.landmarks.valid)
    turned_deg = np.abs(track.landmarks.head_pose[:, :2]).sum(axis=1)
    turned_deg = np.where(np.isfinite(turned_deg), turned_deg, np.inf)
    stretches = np.array_split(seen, min(NUM_HEADS, len(seen)))
    return np.array([stretch[np.argmin(turned_deg[stretch])] for stretch in stretches], np.int64)


def seconds(scene: Scene, frames: NDArray[np.bool_]) -> float:
    """How long the (F,) chosen frames of a scene are shown together."""
    lasts_s = np.diff(scene.times_s, append=scene.duration_s)
    return float(lasts_s[frames].sum())


def thumbnail(rgb: NDArray[np.uint8], box_px: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(THUMB_PX, THUMB_PX, 3) the head whose 68 points have the (4,) box x0 y0 x1 y1 in a picture."""
    x0, y0, x1, y1 = box_px
    side_px = float(max(x1 - x0, y1 - y0)) * _HEAD_OVER_BOX
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2 - _RISE * side_px], np.float32)
    head = Image.fromarray(head_crop(rgb, centre, side_px))
    return np.asarray(head.resize((THUMB_PX, THUMB_PX), Image.Resampling.LANCZOS))
