"""Where what is seen around the mask lies in another picture of the same person: clothes move, and so does the square.

A head from another moment is bent into the mask. Its shoulders and the room behind it join those outside only if the
bend begins, along the mask's border, where the other picture shows what lies there.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from contextalk.core.geometry import CROP_PX
from contextalk.faces.crop import head_mask

Picture = NDArray[np.uint8]
Grey = NDArray[Any]
"""(H, W) float."""

_NUM_PLACES = 32

_FAR_PX = 28
"""As far as the border is looked for; a dark suit (grey within 15 levels) is told apart to about 18 px only."""

_PATCH_PX = 16
"""Half the side of the patch compared; of it only what lies outside the mask."""

_LEVEL = 2
"""The search is of pictures shrunk by this, and refined in whole ones."""

_NEAR_PX = 3
"""Reach of the refinement."""

_RELUCTANCE = 0.5
"""Squared levels a squared px of the crop: a patch that looks the same everywhere stays where it is."""

_UNLIKE = 20.0
"""Root mean square difference of grey from which on a patch is something else: a picture may show another room."""

_ALONG = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
"""How much neighbouring places on the border have to say: straight edges tell one direction only."""

_INSIDE = head_mask().astype(bool)


def _places() -> NDArray[np.float64]:
    """(32, 2) crop px, evenly along the mask's outline."""
    outlines, _ = cv2.findContours(_INSIDE.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)[:, 0].astype(np.float64) + 0.5
    closed = np.concatenate([outline, outline[:1]])
    length = np.concatenate([[0.0], np.linalg.norm(np.diff(closed, axis=0), axis=1).cumsum()])
    at = np.linspace(0, length[-1], _NUM_PLACES, endpoint=False)
    return np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], axis=1)


BORDER = _places()
"""(32, 2) crop px on the mask's outline."""


def find_border(masked: Picture, other: Picture) -> NDArray[np.float64]:
    """Where the places of `BORDER` lie in another picture.

    Args:
        masked: (256, 256, 3) head crop, what lies in its mask is not looked at.
        other: (256, 256, 3) head crop of the same person at another time.

    Returns:
        (32, 2) crop px.
    """
    grey, room = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in (masked, other))
    nowhere = np.zeros_like(BORDER)
    coarse = _search(_shrunk(grey), _shrunk(room), _SMALL_OUTSIDE, BORDER / _LEVEL, nowhere, _FAR_PX // _LEVEL)
    return BORDER + _search(grey, room, _OUTSIDE, BORDER, _LEVEL * coarse, _NEAR_PX)


def _search(
    masked: Grey, other: Grey, outside: Grey, places: NDArray[Any], given: NDArray[Any], reach: int
) -> NDArray[np.float64]:
    """Where patches look most alike within `reach` of the moves given: (32, 2) moves in px of these pictures."""
    step = CROP_PX / len(masked)
    half = round(_PATCH_PX / step)
    margin = half + reach + round(_FAR_PX / step)
    padded, room = (np.pad(picture, margin, mode="edge") for picture in (masked, other))
    seen = np.pad(outside, margin)
    starts, moves = np.floor(places).astype(int) + margin, given.astype(int)
    costs = np.stack(
        [
            _differences(
                _patch(padded, start, half), _patch(room, start + move, half + reach), _patch(seen, start, half)
            )
            for start, move in zip(starts, moves, strict=True)
        ]
    )
    costs = convolve1d(np.minimum(costs, _UNLIKE**2), _ALONG, axis=0, mode="wrap")
    steps = np.arange(-reach, reach + 1)
    across, down = ((moves[:, axis, None] + steps) * step for axis in (0, 1))
    costs += _RELUCTANCE * (across[:, None, :] ** 2 + down[:, :, None] ** 2)
    row, column = np.divmod(costs.reshape(len(places), -1).argmin(axis=1), len(steps))
    return moves + np.stack([steps[column], steps[row]], axis=1).astype(np.float64)


def _differences(patch: Grey, area: Grey, seen: Grey) -> Grey:
    """Mean squared difference, over what is seen of a patch, at every place of an area: (2 reach + 1, 2 reach + 1)."""
    return np.asarray(
        cv2.matchTemplate(area, patch, cv2.TM_SQDIFF, mask=seen) / max(float(seen.sum()), 1.0), np.float32
    )


def _patch(picture: Grey, centre: NDArray[np.int64], half: int) -> Grey:
    x, y = centre
    return picture[y - half : y + half + 1, x - half : x + half + 1]


def _shrunk(picture: Grey) -> Grey:
    size = (CROP_PX // _LEVEL, CROP_PX // _LEVEL)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


_OUTSIDE = (~_INSIDE).astype(np.float32)
_SMALL_OUTSIDE = (_shrunk(_OUTSIDE) == 1).astype(np.float32)
