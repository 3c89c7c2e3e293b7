"""What a metric may look at: one clip as a method shows it, beside how it truly was."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath, Points
from contextalk.core.records import Landmarks


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A head over time.

    Attributes:
        heads: (F, 256, 256, 3) uint8 RGB head crops, always cut along the reference's crop path.
        points: (F, 68, 2) float32 crop px, read off `heads` by the estimator; NaN where it finds no face.
        pupils: (F, 2, 2) float32 crop px, image-left eye first; NaN unknown.
        head_pose: (F, 3) float32 degrees yaw, pitch, roll as `core.records.Landmarks` signs them, from `points`.
    """

    heads: NDArray[np.uint8]
    points: Points
    pupils: Points
    head_pose: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Who the target talks to and what they do: known of synthetic scenes, and of real ones where it was annotated.

    Attributes:
        towards_addressee: (F,) −1 the addressee is to image left of the target, 1 to image right, 0 nobody addressed.
        towards_speaker: (F,) the same for whoever else speaks while the target is silent, 0 nobody.
        yaw_wanted_deg: (F,) true head yaw; NaN unknown.
        gaze_wanted: (F, 3) true gaze, unit vector in camera axes (x right, y down, z into the scene); NaN unknown.
        twin: Name of the clip that differs in the addressee alone, None without one.
    """

    towards_addressee: NDArray[np.int8]
    towards_speaker: NDArray[np.int8]
    yaw_wanted_deg: NDArray[np.float32]
    gaze_wanted: NDArray[np.float32]
    twin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One clip of one method.

    Attributes:
        name: Of the clip, the same for every method.
        times_s: (F,) frame times of the scene.
        seen: The head as the method shows it.
        truth: The head of the reference, read off its pixels by the same estimator.
        given: Exact landmarks of the reference in crop px where they are known (synthetic scenes), else None.
        saved: Landmarks the method saved beside its video, scene px, at `times_s`; None if it saved none.
        speaking: (F,) bool, whether the target truly speaks.
        joins: (F,) bool, whether a window's first new frame is here.
        crop: The head's square, scene px.
        wave: (S,) float32 in [−1, 1], the driving audio, 16 kHz.
        around: The conversation, None where unknown.
        video: The generated video.
        reference: The real one.
    """

    name: str
    times_s: NDArray[np.float64]
    seen: Shown
    truth: Shown
    given: Points | None
    saved: Landmarks | None
    speaking: NDArray[np.bool_]
    joins: NDArray[np.bool_]
    crop: CropPath
    wave: NDArray[np.float32]
    around: Around | None
    video: Path
    reference: Path
