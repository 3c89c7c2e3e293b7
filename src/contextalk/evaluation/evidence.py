"""What a metric may look at: one clip as a method shows it, beside how it truly was."""

from dataclasses import dataclass, replace
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
        head_pose: (F, 3) float32 degrees yaw, pitch, roll as `core.records.Landmarks` signs them, from `points`; the
            yaw is calibrated where the set's true yaw is known (`calibration.py`).
        gaze_deg: (F, 2) float32 yaw (> 0 to image right) and pitch (> 0 up) of the eyes, from `points` and `pupils`;
            None where no true gaze is known to calibrate it with.
    """

    heads: NDArray[np.uint8]
    points: Points
    pupils: Points
    head_pose: NDArray[np.float32]
    gaze_deg: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Who the target talks to and what they do: known of synthetic scenes, and of real ones where it was annotated.

    Attributes:
        towards_addressee: (F,) −1 the addressee is to image left of the target, 1 to image right, 0 nobody addressed.
        towards_speaker: (F,) the same for whoever speaks to the target while it is silent, 0 nobody.
        addressee_deg: (F,) the yaw at which people of the scene's world face the addressee; NaN nobody addressed or not
            known.
        yaw_wanted_deg: (F,) true head yaw; NaN unknown.
        gaze_wanted: (F, 3) true gaze, unit vector in camera axes (x right, y down, z into the scene); NaN unknown.
        twin: Name of the clip that differs in the addressee alone, None without one.
    """

    towards_addressee: NDArray[np.int8]
    towards_speaker: NDArray[np.int8]
    addressee_deg: NDArray[np.float32]
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
        joins: (F,) bool, whether a window's first new frame is here; a span's very first frame is one too.
        crop: The head's square, scene px.
        wave: (S,) float32 in [−1, 1], the driving audio, 16 kHz.
        around: The conversation, None where unknown.
        video: The generated video; None for fakes, which are heads alone.
        reference: The real one.
        person: Who the target is, to tell one person's clips from others'; None unknown.
        spans: Runs [start, stop) of generated frames; windows start anew at each. None: one run over all frames.
        user_mask: Whether a mask of the user's was filled instead of the fixed shape.
        lossless: Whether the generated video is said to be written without loss.
        text: What the target says; empty unknown.
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
    video: Path | None
    reference: Path
    person: str | None = None
    spans: tuple[tuple[int, int], ...] | None = None
    user_mask: bool = False
    lossless: bool = False
    text: str = ""

    @property
    def wanted(self) -> Points:
        """(F, 68, 2) crop px: exact landmarks where they are known, else those read off the true head."""
        return self.truth.points if self.given is None else self.given

    @property
    def window(self) -> NDArray[np.int64]:
        """(F,) index of each frame's window since the windows last started anew; −1 where nothing was generated."""
        index = np.full(len(self.times_s), -1, np.int64)
        for start, stop in ((0, len(self.times_s)),) if self.spans is None else self.spans:
            begins = self.joins[start:stop].copy()
            begins[0] = False
            index[start:stop] = np.cumsum(begins)
        return index

    @property
    def generated(self) -> NDArray[np.bool_]:
        """(F,) whether a frame was generated; figures look at no other."""
        return self.window >= 0

    def only_window(self, number: int) -> "Evidence":
        """The same clip as if nothing but its windows of this number had been generated."""
        edges = np.flatnonzero(np.diff((self.window == number).astype(np.int8), prepend=0, append=0))
        return replace(self, spans=tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2)))
