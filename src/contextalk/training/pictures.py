"""Clips as the networks see them: four pictures a frame, and the points drawn in one of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.dataset.clips import Clip
from contextalk.faces.views import masked_crop, scene_view_from_resized
from contextalk.media.drawing import draw_sequence
from contextalk.models.pictures import Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPictures:
    """The four pictures of each frame, and the points.

    Attributes:
        head, masked, drawing, scene: (F, 256, 256, 3) uint8 RGB; the scene has the target hidden.
        points: (F, 70, 2) float32 crop px: 68 landmarks and two pupils; an unknown pupil stands in its eye's middle.
    """

    head: Frames
    masked: Frames
    drawing: Frames
    scene: Frames
    points: Points


def clip_pictures(clip: Clip, frames: slice = slice(None), *, draws_pupils: bool) -> ClipPictures:
    """What the networks see of some frames of a clip."""
    landmarks, crop = clip.landmarks[frames], clip.crop[frames]
    points, pupils = crop.to_crop(landmarks.points), crop.to_crop(landmarks.pupils)
    drawn_pupils = pupils if draws_pupils else np.full_like(pupils, np.nan)
    head = clip.head[frames]
    return ClipPictures(
        head=head,
        masked=np.stack([masked_crop(picture) for picture in head]),
        drawing=draw_sequence(points, drawn_pupils),
        scene=np.stack(
            [
                scene_view_from_resized(view, landmarks.size_px, centre, float(side))
                for view, centre, side in zip(clip.scene[frames], crop.centre_px, crop.side_px, strict=True)
            ]
        ),
        points=np.concatenate([points, fill_pupils(points, pupils)], axis=1),
    )


def fill_pupils(points: Points, pupils: Points) -> Points:
    """Pupils (F, 2, 2) with the unknown ones put in the middle of their eyes."""
    middles = np.stack([points[:, 36:42].mean(axis=1), points[:, 42:48].mean(axis=1)], axis=1)
    return np.where(np.isnan(pupils), middles, pupils).astype(np.float32)


def picture_weights(points: Points) -> NDArray[np.float32]:
    """(F, 64, 64) weights of a head crop's cells of 4 px in the codec's loss: 1, up to 4 at mouth and eyes."""
    cells = 64
    axis = (np.arange(cells) + 0.5) * (CROP_PX / cells)
    weights = np.ones((len(points), cells, cells), np.float32)
    for part, reach in ((slice(48, 68), 18.0), (slice(36, 42), 12.0), (slice(42, 48), 12.0)):
        centre = points[:, part].mean(axis=1)
        squared = (axis[None, None, :] - centre[:, 0, None, None]) ** 2 + (
            axis[None, :, None] - centre[:, 1, None, None]
        ) ** 2
        weights += 3 * np.exp(-squared / (2 * reach**2)).astype(np.float32)
    return weights
