"""What is in front of the target and stays the scene's: which pixels of a frame, and how much of the mask that is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CROP_PX
from contextalk.core.records import GenerateRequest, Landmarks
from contextalk.faces.crop import head_mask
from contextalk.faces.occluders import Segmenter
from contextalk.generation.region import Mask, Region

CLEAR = 0.01
"""Share of the mask from which what is in front hides a part of the head: below it is a finger at the border."""

_HEAD_MASK = head_mask() > 0


class Kept:
    """Finds it frame by frame; `shares` says of every frame asked for in which something was kept how much."""

    def __init__(self, region: Region, segmenter: Segmenter | None = None) -> None:
        """Args: a `segmenter` is asked instead of the region's occluders."""
        self._region = region
        self._segmenter = segmenter
        self._covered = None if region.occluders is None else region.occluders.covered(region.crop)
        self.shares: dict[int, float] = {}

    def mask(self, frame: int, crop: NDArray[np.uint8]) -> Mask | None:
        """(H, W), 255 where the scene's picture stays, scene px; None where nothing is in front.

        Args:
            frame: Of the scene.
            crop: (256, 256, 3) the head's square in it.
        """
        if self._segmenter is not None:
            return self._segmented(self._segmenter, frame, crop)
        if self._region.occluders is None or self._covered is None or self._covered[frame] == 0:
            return None
        self.shares[frame] = float(self._covered[frame])
        return self._region.occluders.mask(frame, self._region.scene.size_px)

    @property
    def name(self) -> str:
        """What finds it, with its version; empty where nothing is looked for."""
        if self._segmenter is not None:
            return self._segmenter.name
        return "" if self._region.occluders is None else self._region.occluders.name

    def told(self, request: GenerateRequest) -> dict[str, object]:
        """For the report: the choice, what was looked for by whom, and how much of the mask was kept."""
        found, shares = self._region.occluders, list(self.shares.values())
        return {
            "choice": request.occluders if request.mask is None else "mask",
            "found_by": self.name,
            "hands_not_looked_for": "" if found is None else found.why_no_hands,
            "kept_spans": _spans(sorted(self.shares)),
            "kept_share": round(float(np.mean(shares)), 4) if shares else 0.0,
            "largest_kept_share": round(max(shares, default=0.0), 4),
        }

    def clear(self, landmarks: Landmarks) -> Landmarks:
        """The target's rows without those in which something hides a part of the head, for pictures to bend from.

        Where none is clear those that are clearest; a segmenter was not asked yet, and leaves them all.
        """
        if self._covered is None:
            return landmarks
        least = float(self._covered[landmarks.valid].min(initial=1.0))
        return replace(landmarks, valid=landmarks.valid & (self._covered < least + CLEAR))

    def arrays(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """What was kept in frames [start, stop), for the work folder."""
        own = [(frame, share) for frame, share in self.shares.items() if start <= frame < stop]
        return {"kept": np.array(own, np.float64).reshape(-1, 2)}

    def recall(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Add what an earlier call kept."""
        self.shares |= {int(frame): share for frame, share in arrays["kept"].tolist()}

    def _segmented(self, segmenter: Segmenter, frame: int, crop: NDArray[np.uint8]) -> Mask | None:
        square, seen = self._region.crop, self._region.track
        assert seen is not None, "nobody segments where a user's mask decides"
        row = slice(frame, frame + 1)
        front = segmenter.in_front(crop, square[row].to_crop(seen.points[row])[0])
        if front.shape != (CROP_PX, CROP_PX) or front.dtype != np.bool_:
            raise ContextalkError(
                f"segmenter {segmenter.name} gave {front.dtype} {front.shape}, wanted bool {(CROP_PX, CROP_PX)}"
            )
        if not front[_HEAD_MASK].any():
            return None
        self.shares[frame] = float(front[_HEAD_MASK].mean())
        return _in_scene(front, self._region.scene.size_px, square.centre_px[frame], float(square.side_px[frame]))


def check_segmenter(request: GenerateRequest, segmenter: Segmenter | None) -> None:
    """Refuse one that would not be asked.

    Raises:
        ContextalkError: Occluders are to be ignored, or a user's mask decides.
    """
    if segmenter is not None and request.occluders == "ignore":
        raise ContextalkError(f"segmenter {segmenter.name} with occluders='ignore', wanted 'keep'")
    if segmenter is not None and request.mask is not None:
        raise ContextalkError(f"segmenter {segmenter.name} with a mask, which alone decides; wanted one of them")


def _spans(frames: Sequence[int]) -> list[list[int]]:
    """Runs [start, stop) of increasing frames."""
    edges = np.flatnonzero(np.diff(frames) > 1) + 1
    return [[int(run[0]), int(run[-1]) + 1] for run in np.split(np.array(frames, np.int64), edges) if len(run)]


def _in_scene(
    front: NDArray[np.bool_], size_px: tuple[int, int], centre_px: NDArray[np.floating], side_px: float
) -> Mask:
    scale = CROP_PX / side_px
    # crop px u = (x − centre) · scale + 128; OpenCV counts from pixel centres, hence the halves.
    shift = (0.5 - centre_px) * scale + CROP_PX / 2 - 0.5
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    shares = cv2.warpAffine(front.astype(np.float32), matrix, size_px, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.where(shares >= 0.5, np.uint8(255), np.uint8(0))
