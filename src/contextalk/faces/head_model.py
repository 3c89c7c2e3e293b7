"""A generic head: 68 points in three dimensions and the ellipsoid that stands for skull and hair.

Our own round numbers, from plain anthropometry (eyes half-way between chin and crown, outer eye corners 90 mm apart)
and smooth curves; good for a pose within a few degrees, no likeness of anybody.

Millimetres from the head's centre: x to image right, y down, z towards the viewer.
"""

import numpy as np
from numpy.typing import NDArray

HEAD_HEIGHT_MM = 244.0
"""Chin to the top of the hair."""

HAIR_CENTRE_MM = (0.0, -6.0, -30.0)
HAIR_RADII_MM = (98.0, 128.0, 122.0)
"""An ellipsoid that holds skull and most hair, buns and bobs: nothing may stick out of the mask."""


def _jaw() -> NDArray[np.float64]:
    along = np.linspace(-1.0, 1.0, 17)
    x = 70.0 * np.sin(along * np.pi / 2)
    y = 112.0 - 117.0 * np.abs(along) ** 2.2
    z = 86.0 - 80.0 * np.abs(along) ** 1.6
    return np.stack([x, y, z], axis=1)


def _brow(side: int) -> NDArray[np.float64]:
    """Outer to inner end on image left (side −1), inner to outer on image right (side +1)."""
    x = np.linspace(54.0, 13.0, 5)
    y = np.array([-18.0, -27.0, -30.0, -27.0, -22.0])
    z = np.linspace(66.0, 93.0, 5)
    brow = np.stack([side * x, y, z], axis=1)
    return brow if side < 0 else brow[::-1]


def _nose() -> NDArray[np.float64]:
    bridge = np.stack([np.zeros(4), np.linspace(-2.0, 37.0, 4), np.linspace(91.0, 116.0, 4)], axis=1)
    x = np.array([-15.0, -7.5, 0.0, 7.5, 15.0])
    base = np.stack([x, 50.0 - np.abs(x) * 0.2, 101.0 - np.abs(x) * 0.6], axis=1)
    return np.concatenate([bridge, base])


def _eye(side: int) -> NDArray[np.float64]:
    """Image-left corner, two of the upper lid, image-right corner, two of the lower lid."""
    angle = np.deg2rad([180.0, 240.0, 300.0, 0.0, 60.0, 120.0])
    x = 15.0 * np.cos(angle)
    centre_x = side * 30.0
    z = 80.0 - 0.35 * np.abs(centre_x + x)
    z[[0, 3]] -= 1.5
    return np.stack([centre_x + x, 5.5 * np.sin(angle), z], axis=1)


def _mouth(half_width: float, half_height: float, count: int) -> NDArray[np.float64]:
    """A ring from the image-left corner over the upper lip to the right corner and back below."""
    angle = np.pi + np.arange(count) * 2 * np.pi / count
    x = half_width * np.cos(angle)
    return np.stack([x, 74.0 + half_height * np.sin(angle), 98.0 - 0.02 * x**2], axis=1)


def head_points() -> NDArray[np.float64]:
    """(68, 3) points in iBUG order, millimetres."""
    return np.concatenate(
        [
            _jaw(),
            _brow(-1),
            _brow(+1),
            _nose(),
            _eye(-1),
            _eye(+1),
            _mouth(25.0, 9.0, 12),
            _mouth(20.0, 2.0, 8),
        ]
    )
