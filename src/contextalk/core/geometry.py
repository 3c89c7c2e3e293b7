"""The three frames of reference, and the ways between them.

* **scene px**: display orientation, square pixels, x right, y down, pixel centres at +0.5.
* **crop px**: the head crop, `CROP_PX` a side; the same conventions.
* **latent cells**: `LATENT_CELLS` a side, a cell being `CROP_PX / LATENT_CELLS` crop px.

Beside them a lip reference, `LIP_PX` a side: where it lies in the crop is `faces/lips.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ShapeError

CROP_PX = 256
LATENT_CELLS = 16
LIP_PX = 16

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CropPath:
    """The square of a head in each frame of a video.

    Attributes:
        centre_px: (F, 2) float32, scene px.
        side_px: (F,) float32, scene px, > 0.
    """

    centre_px: NDArray[np.float32]
    side_px: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.centre_px.shape != (len(self.side_px), 2):
            raise ShapeError(f"centre_px {self.centre_px.shape} and side_px {self.side_px.shape} disagree")

    def __len__(self) -> int:
        return len(self.side_px)

    def __getitem__(self, frames: slice | NDArray[np.int64]) -> "CropPath":
        return CropPath(centre_px=self.centre_px[frames], side_px=self.side_px[frames])

    def to_crop(self, points_px: Points) -> Points:
        """Scene px → crop px. `points_px` is (F, ..., 2); NaN stays NaN."""
        centre, side = self._expand(points_px)
        return ((points_px - centre) * (CROP_PX / side) + CROP_PX / 2).astype(np.float32)

    def to_scene(self, points_crop_px: Points) -> Points:
        """Crop px → scene px, the inverse of `to_crop`."""
        centre, side = self._expand(points_crop_px)
        return ((points_crop_px - CROP_PX / 2) * (side / CROP_PX) + centre).astype(np.float32)

    def is_like(self, other: "CropPath") -> bool:
        """Whether it is the same path to half a px, which reports round it to at the least."""
        pairs = ((self.centre_px, other.centre_px), (self.side_px, other.side_px))
        return len(self) == len(other) and all(np.allclose(one, two, rtol=0, atol=0.5) for one, two in pairs)

    def place(self, size_px: tuple[int, int]) -> NDArray[np.float32]:
        """(F, 3): centre x, centre y and side in scene units (width, height and width are 1); the *place* condition."""
        width, height = size_px
        scale = np.array([width, height, width], np.float32)
        return np.concatenate([self.centre_px, self.side_px[:, None]], axis=1) / scale

    def at(self, times_s: NDArray[np.float64], at_s: NDArray[np.float64]) -> "CropPath":
        """The path at other times, linear between frames and held outside them."""
        columns = [np.interp(at_s, times_s, column) for column in (*self.centre_px.T, self.side_px)]
        return CropPath(
            centre_px=np.stack(columns[:2], axis=1).astype(np.float32), side_px=columns[2].astype(np.float32)
        )

    def _expand(self, points: Points) -> tuple[Points, Points]:
        if points.shape[0] != len(self) or points.shape[-1] != 2:
            raise ShapeError(f"points {points.shape} are not (F, ..., 2) with F = {len(self)}")
        trailing = (1,) * (points.ndim - 2)
        return self.centre_px.reshape(-1, *trailing, 2), self.side_px.reshape(-1, *trailing, 1)


def heights(line: Points, columns: NDArray[np.integer | np.floating]) -> NDArray[np.float64]:
    """Rows at which a line of points (n, 2), in px of a picture, passes columns; both counted from pixel centres."""
    order = np.argsort(line[:, 0])
    return np.asarray(np.interp(columns + 0.5, line[order, 0], line[order, 1]), np.float64) - 0.5


def crop_to_cells(points_crop_px: Points) -> Points:
    """Crop px → latent cells."""
    return points_crop_px * np.float32(LATENT_CELLS / CROP_PX)


def cells_to_crop(points_cells: Points) -> Points:
    """Latent cells → crop px."""
    return points_cells * np.float32(CROP_PX / LATENT_CELLS)
