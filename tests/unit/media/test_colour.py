"""RGB read from planes, put back, gives the planes; the matrices are those of the standards."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from contextalk.core.errors import MediaError
from contextalk.media.colour import Colour, colour_of, planes_to_rgb, rgb_to_planes
from contextalk.media.planes import PLANAR_OF, plane_views, to_planar
from contextalk.media.source import SourceFormat
from contextalk.media.video import frame_to_rgb

PLANAR = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le", "gbrp", "gbrp10le"]


def colour(pix_fmt: str, matrix: int = 1, *, full_range: bool = False) -> Colour:
    is_rgb = pix_fmt.startswith("gbrp")
    return Colour(
        pix_fmt=pix_fmt, matrix=0 if is_rgb else matrix, full_range=full_range or is_rgb, tags=(matrix, 0, 2, 2)
    )


def frame_of(planes: tuple[np.ndarray, ...], pix_fmt: str) -> av.VideoFrame:
    frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], pix_fmt)
    for view, plane in zip(plane_views(frame), planes, strict=True):
        view[...] = plane
    return frame


def smooth_rgb(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return 128 + np.stack([100 * np.sin(x / 9 + y / 13), 90 * np.cos(x / 11), 80 * np.sin(y / 7 + x / 17)], axis=-1)


@pytest.mark.parametrize(
    ("matrix", "full_range", "wanted"),
    [
        (1, False, (63, 102, 240)),
        (6, False, (81, 90, 240)),
        (9, False, (74, 97, 240)),
        (1, True, (54, 99, 255)),
        (6, True, (76, 85, 255)),
    ],
)
def test_pure_red_as_the_standards_print_it(matrix: int, full_range: bool, wanted: tuple[int, int, int]) -> None:
    red = np.full((2, 2, 3), (255.0, 0, 0))
    planes = rgb_to_planes(red, colour("yuv444p", matrix, full_range=full_range))
    assert tuple(int(plane[0, 0]) for plane in planes) == wanted


@pytest.mark.parametrize("pix_fmt", PLANAR)
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("full_range", [False, True])
def test_reading_is_inverted(pix_fmt: str, matrix: int, full_range: bool) -> None:
    kind = colour(pix_fmt, matrix, full_range=full_range)
    planes = rgb_to_planes(smooth_rgb(46, 62), kind)
    form = SourceFormat(stored_px=(62, 46), sample_aspect=Fraction(1), rotation_deg=0, colour=kind)
    rgb = frame_to_rgb(frame_of(planes, pix_fmt), form)
    # 8-bit RGB between: half a level of rounding, and chroma that the scaler has interpolated.
    level = 2 ** (kind.bits - 8)
    for again, plane in zip(rgb_to_planes(rgb, kind), planes, strict=True):
        assert plane.std() > 5
        np.testing.assert_allclose(again.astype(int), plane.astype(int), atol=3 * level)
        assert np.abs(again.astype(int) - plane).mean() < 0.5 * level


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv444p10le", "gbrp", "gray"])
def test_reading_agrees_with_the_matrices(pix_fmt: str) -> None:
    kind = colour(pix_fmt, 6, full_range=pix_fmt == "gray")
    planes = rgb_to_planes(smooth_rgb(46, 62), kind)
    form = SourceFormat(stored_px=(62, 46), sample_aspect=Fraction(1), rotation_deg=0, colour=kind)
    rgb = frame_to_rgb(frame_of(planes, pix_fmt), form)
    # Nothing to interpolate, so rounding to whole levels (and the scaler's 14-bit tables) is all.
    np.testing.assert_allclose(rgb, np.clip(planes_to_rgb(planes, kind), 0, 255), atol=0.75)


def test_odd_sizes_have_rounded_up_chroma() -> None:
    planes = rgb_to_planes(smooth_rgb(7, 9), colour("yuv420p"))
    assert [plane.shape for plane in planes] == [(7, 9), (4, 5), (4, 5)]
    assert planes_to_rgb(planes, colour("yuv420p")).shape == (7, 9, 3)


@pytest.mark.parametrize("packed", sorted(set(PLANAR_OF) - {"pal8"}))
def test_packed_formats_keep_their_values(packed: str) -> None:
    planar = PLANAR_OF[packed]
    rng = np.random.default_rng(0)
    frame = av.VideoFrame(62, 46, planar)
    for view in plane_views(frame):
        view[...] = rng.integers(0, 2 ** colour(planar).bits, view.shape)
    again = to_planar(frame.reformat(format=packed), planar)
    for a, b in zip(plane_views(again), plane_views(frame), strict=True):
        np.testing.assert_array_equal(a, b)


def test_silent_files_are_read_as_players_do() -> None:
    where = Path("scene.mp4")
    assert colour_of(av.VideoFrame(720, 576, "yuv420p"), where).matrix == 6
    assert colour_of(av.VideoFrame(1280, 720, "yuv420p"), where).matrix == 1
    assert colour_of(av.VideoFrame(480, 854, "yuv420p"), where).matrix == 1
    assert colour_of(av.VideoFrame(720, 576, "yuvj420p"), where).full_range


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(MediaError, match="pixel format monob"):
        colour_of(av.VideoFrame(64, 48, "monob"), Path("scene.avi"))
    frame = av.VideoFrame(64, 48, "yuv444p")
    frame.colorspace = 8
    with pytest.raises(MediaError, match="colour matrix 8"):
        colour_of(frame, Path("scene.mp4"))
