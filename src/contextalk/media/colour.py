"""Between the Y'CbCr planes of a video and RGB: one pair of exactly inverse conversions (ITU-R BT.601, 709, 2020).

Reading goes through FFmpeg's scaler, which is fast; `rgb_to_planes` inverts it, and `planes_to_rgb` is what both are
tested against.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from contextalk.core.errors import MediaError
from contextalk.media.planes import bit_depth, planar_name

UNSPECIFIED = 2
"""ITU-T H.273's code for a colour property nobody wrote down."""

FULL_RANGE = 2
LIMITED_RANGE = 1

BT709 = 1
"""H.273's code of BT.709 as matrix, primaries and transfer."""

SCALING = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
"""Bit-exact on every processor, chroma at full width, so that `rgb_to_planes` inverts it.
Bicubic is ten times closer in chroma (0.02 of a level instead of 0.2) at twice the time."""

WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Weights of red and blue in luma by H.273 matrix code."""

HD_WIDTH, SD_HEIGHT = 1280, 576
"""Where a file is silent, players take BT.709 from this width or above this height, BT.601 below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """Pixel format of planes and the meaning of their values.

    Attributes:
        pix_fmt: Planar format as FFmpeg names it.
        matrix: H.273 code to convert with, never unspecified; 0 is RGB.
        full_range: Whether luma spans all values, not 16 to 235 (of 8 bits).
        tags: (matrix, range, primaries, transfer) as the file states them, for the output to repeat; 2 where it is
            silent. An unstated range of Y'CbCr is limited; RGB states neither matrix nor range.
    """

    pix_fmt: str
    matrix: int
    full_range: bool
    tags: tuple[int, int, int, int]

    @property
    def bits(self) -> int:
        """Bits of a sample."""
        return bit_depth(self.pix_fmt)

    @property
    def shrink(self) -> tuple[int, int]:
        """(x, y): how many columns and rows of luma share one chroma sample."""
        if not self.pix_fmt.startswith("yuv"):
            return 1, 1
        layout = VideoFormat(self.pix_fmt, 16, 16)
        return 16 // layout.chroma_width(), 16 // layout.chroma_height()


def colour_of(frame: VideoFrame, path: Path) -> Colour:
    """How to read a decoded picture.

    Raises:
        MediaError: A pixel format or a colour matrix that is not known here.
    """
    pix_fmt = planar_name(frame.format.name, path)
    is_rgb = pix_fmt.startswith("gbrp")
    # FFmpeg reads grey as full range whatever its label says, and so must the inverse.
    always_full = pix_fmt.startswith(("gbrp", "gray")) or frame.format.name.startswith("yuvj")
    full_range = always_full or frame.color_range == FULL_RANGE
    matrix = 0 if is_rgb else int(frame.colorspace)
    if not is_rgb and matrix == UNSPECIFIED:
        matrix = 1 if frame.width >= HD_WIDTH or frame.height > SD_HEIGHT else 6
    if not is_rgb and matrix not in WEIGHTS:
        raise MediaError(f"{path} has colour matrix {matrix}, wanted one of {sorted(WEIGHTS)} (ITU-T H.273)")
    value_range = 0 if is_rgb else FULL_RANGE if full_range else LIMITED_RANGE
    stated_matrix = UNSPECIFIED if is_rgb else int(frame.colorspace)
    tags = (stated_matrix, value_range, int(frame.color_primaries), int(frame.color_trc))
    return Colour(pix_fmt=pix_fmt, matrix=matrix, full_range=full_range, tags=tags)


def rgb_to_planes(rgb: NDArray[Any], colour: Colour) -> tuple[NDArray[Any], ...]:
    """A patch of RGB as planes, in the order and type of `plane_views`.

    Args:
        rgb: (H, W, 3) in [0, 255], any real type, in the stored orientation and scale. Its upper left corner lies on a
            chroma sample of the picture (multiples of `colour.shrink`).
        colour: Of the picture.

    Returns:
        Rounded samples; chroma planes are (ceil(H / y), ceil(W / x)).
    """
    red, green, blue = (rgb[..., channel].astype(np.float32) / 255 for channel in range(3))
    if colour.matrix == 0:
        return tuple(_quantise(plane, 0.0, float(2**colour.bits - 1), colour.bits) for plane in (green, blue, red))
    weight_red, weight_blue = WEIGHTS[colour.matrix]
    luma = weight_red * red + (1 - weight_red - weight_blue) * green + weight_blue * blue
    luma_offset, luma_scale, chroma_offset, chroma_scale = _levels(colour)
    planes = [_quantise(luma, luma_offset, luma_scale, colour.bits)]
    if colour.pix_fmt.startswith("gray"):
        return (planes[0],)
    for primary, weight in ((blue, weight_blue), (red, weight_red)):
        chroma = _shrink((primary - luma) / (2 * (1 - weight)), *colour.shrink)
        planes.append(_quantise(chroma, chroma_offset, chroma_scale, colour.bits))
    return tuple(planes)


def planes_to_rgb(planes: tuple[NDArray[Any], ...], colour: Colour) -> NDArray[np.float32]:
    """Planes as RGB (H, W, 3) in [0, 255], float32, not clipped; chroma samples are repeated."""
    if colour.matrix == 0:
        green, blue, red = (plane.astype(np.float32) / (2**colour.bits - 1) for plane in planes)
        return np.stack([red, green, blue], axis=-1) * np.float32(255)
    luma_offset, luma_scale, chroma_offset, chroma_scale = _levels(colour)
    luma = (planes[0].astype(np.float32) - luma_offset) / luma_scale
    if colour.pix_fmt.startswith("gray"):
        return np.stack([luma] * 3, axis=-1) * np.float32(255)
    x, y = colour.shrink
    height, width = luma.shape
    grown = [plane.repeat(y, axis=0).repeat(x, axis=1)[:height, :width] for plane in planes[1:]]
    blue_difference, red_difference = ((plane.astype(np.float32) - chroma_offset) / chroma_scale for plane in grown)
    weight_red, weight_blue = WEIGHTS[colour.matrix]
    red = luma + 2 * (1 - weight_red) * red_difference
    blue = luma + 2 * (1 - weight_blue) * blue_difference
    green = (luma - weight_red * red - weight_blue * blue) / (1 - weight_red - weight_blue)
    return (np.stack([red, green, blue], axis=-1) * 255).astype(np.float32)


def _levels(colour: Colour) -> tuple[float, float, float, float]:
    """(luma offset, luma scale, chroma offset, chroma scale) in samples for values in [0, 1] and [-0.5, 0.5]."""
    unit = float(2 ** (colour.bits - 8))
    if colour.full_range:
        top = float(2**colour.bits - 1)
        return 0.0, top, 128 * unit, top
    return 16 * unit, 219 * unit, 128 * unit, 224 * unit


def _quantise(plane: NDArray[np.floating], offset: float, scale: float, bits: int) -> NDArray[Any]:
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.clip(np.rint(plane * scale + offset), 0, 2**bits - 1).astype(dtype)


def _shrink(plane: NDArray[np.floating], x: int, y: int) -> NDArray[np.floating]:
    """Mean of the y by x luma places of each chroma sample; a last, partial one repeats the edge."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % y), (0, -width % x)), mode="edge")
    return padded.reshape(padded.shape[0] // y, y, padded.shape[1] // x, x).mean(axis=(1, 3))
