from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame

from contextalk.core.geometry import CropPath
from contextalk.faces.crop import head_mask, scene_mask
from contextalk.generation.compositor import _lay, composite, feather, join_colour, stored_mask, stored_to_display
from contextalk.media.colour import Colour, planes_to_rgb
from contextalk.media.planes import plane_views
from contextalk.media.source import SourceFormat

STORED = (160, 120)


def make_format(
    pix_fmt: str = "yuv420p",
    rotation_deg: int = 0,
    sample_aspect: Fraction = Fraction(1),
    stored: tuple[int, int] = STORED,
) -> SourceFormat:
    colour = Colour(
        pix_fmt=pix_fmt, matrix=0 if pix_fmt == "gbrp" else 1, full_range=pix_fmt == "gbrp", tags=(1, 1, 1, 1)
    )
    return SourceFormat(stored_px=stored, sample_aspect=sample_aspect, rotation_deg=rotation_deg, colour=colour)


def make_frame(source: SourceFormat, low: int = 60, high: int = 180) -> VideoFrame:
    frame = VideoFrame(*source.stored_px, source.colour.pix_fmt)
    random = np.random.default_rng(0)
    for plane in plane_views(frame):
        plane[...] = random.integers(low, high, plane.shape)
    return frame


def masks_of_planes(mask: np.ndarray, source: SourceFormat) -> list[np.ndarray]:
    """Where each plane may change: chroma only where all its luma is inside; apart from the compositor."""
    stored = stored_mask(mask, source) > 0
    x, y = source.colour.shrink
    height, width = stored.shape
    chroma = np.ones((-(-height // y), -(-width // x)), bool)
    for row, column in zip(*np.nonzero(~stored), strict=True):
        chroma[row // y, column // x] = False
    return [stored, chroma, chroma]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gbrp", "gray"])
def test_nothing_outside_the_mask_changes(pix_fmt: str, rotation_deg: int):
    source = make_format(pix_fmt, rotation_deg)
    frame = make_frame(source)
    before = [plane.copy() for plane in plane_views(frame)]
    centre, side = np.array([70.3, 61.8]), 77.0
    mask = scene_mask(source.size_px, centre, side)
    composite(frame, source, mask, np.full((256, 256, 3), 250, np.uint8), centre, side)
    for old, new, inside in zip(before, plane_views(frame), masks_of_planes(mask, source), strict=False):
        assert np.array_equal(old[~inside], new[~inside])
        # All but the feather's weakest rows: there a weight below half a level changes nothing.
        assert (old != new)[inside].mean() > 0.8


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gbrp", "gray"])
@pytest.mark.parametrize("sample_aspect", [Fraction(1), Fraction(16, 11)])
def test_what_is_kept_makes_the_mask_smaller(pix_fmt: str, rotation_deg: int, sample_aspect: Fraction):
    source = make_format(pix_fmt, rotation_deg, sample_aspect)
    frame = make_frame(source)
    before = [plane.copy() for plane in plane_views(frame)]
    centre, side = np.array([60.3, 61.8]), 77.0
    mask = scene_mask(source.size_px, centre, side)
    kept = np.zeros_like(mask)
    kept[55:90, 45:58] = 255
    composite(frame, source, mask, np.full((256, 256, 3), 250, np.uint8), centre, side, kept)
    smaller = np.where(kept > 0, np.uint8(0), mask)
    assert (smaller != mask).any()
    for old, new, inside in zip(before, plane_views(frame), masks_of_planes(smaller, source), strict=False):
        assert np.array_equal(old[~inside], new[~inside])
        assert (old != new)[inside].mean() > 0.75


def test_the_blend_around_what_is_kept_is_narrow():
    source = make_format("gray")
    frame, whole = make_frame(source, 60, 61), make_frame(source, 60, 61)
    centre, side = np.array([80.0, 60.0]), 110.0
    mask = scene_mask(source.size_px, centre, side)
    kept = np.zeros_like(mask)
    kept[:, 60:72] = 255
    for target, left in ((frame, kept), (whole, None)):
        composite(target, source, mask, np.full((256, 256, 3), 250, np.uint8), centre, side, left)
    row, full = (plane_views(target)[0][60] for target in (frame, whole))
    assert (row[60:72] == 60).all()
    assert row[80] == full[80] > 200  # 2 % of 110 px are over
    assert (np.diff(row[71:76].astype(int)) >= 0).all()


def test_a_head_that_is_wholly_hidden_changes_nothing():
    source = make_format()
    frame = make_frame(source)
    before = [plane.copy() for plane in plane_views(frame)]
    centre, side = np.array([70.0, 60.0]), 77.0
    mask = scene_mask(source.size_px, centre, side)
    composite(frame, source, mask, np.full((256, 256, 3), 250, np.uint8), centre, side, np.full_like(mask, 255))
    assert all(np.array_equal(*planes) for planes in zip(before, plane_views(frame), strict=True))


@pytest.mark.parametrize("stored", [(161, 121), (159, 120)])
def test_odd_sizes_keep_their_last_chroma_samples(stored: tuple[int, int]):
    source = make_format(stored=stored)
    frame = make_frame(source)
    before = [plane.copy() for plane in plane_views(frame)]
    centre, side = np.array([130.0, 100.0]), 90.0
    mask = scene_mask(source.size_px, centre, side)
    composite(frame, source, mask, np.full((256, 256, 3), 10, np.uint8), centre, side)
    for old, new, inside in zip(before, plane_views(frame), masks_of_planes(mask, source), strict=True):
        assert np.array_equal(old[~inside], new[~inside])
        assert (old != new)[inside].mean() > 0.8


def test_a_mask_outside_the_picture_changes_nothing():
    source = make_format()
    frame = make_frame(source)
    before = [plane.copy() for plane in plane_views(frame)]
    mask = np.zeros((120, 160), np.uint8)
    composite(frame, source, mask, np.zeros((256, 256, 3), np.uint8), np.array([80.0, 60.0]), 50.0)
    assert all(np.array_equal(*pair) for pair in zip(before, plane_views(frame), strict=True))


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("side", [60.0, 256.0, 300.0])
def test_a_head_lands_upright_where_its_crop_is(rotation_deg: int, side: float):
    stored = (480, 360)
    source = make_format("yuv444p", rotation_deg, stored=stored)
    frame = make_frame(source, low=100, high=101)
    head = np.full((256, 256, 3), 60, np.uint8)
    head[100:140, 140:180] = 230  # a square off the middle, up to the right
    centre = np.array(source.size_px) / 2 + 0.4
    composite(frame, source, scene_mask(source.size_px, centre, side), head, centre, side)
    rgb = np.rot90(planes_to_rgb(plane_views(frame), source.colour), -rotation_deg // 90)
    bright = np.clip(rgb[..., 1] - 130, 0, None)
    rows, columns = np.mgrid[: bright.shape[0], : bright.shape[1]] + 0.5
    seen = [np.average(columns, weights=bright), np.average(rows, weights=bright)]
    path = CropPath(centre_px=centre[None].astype(np.float32), side_px=np.array([side], np.float32))
    wanted = path.to_scene(np.array([[[160.0, 120.0]]], np.float32))[0, 0]
    # A tenth of a pixel: rounding, and the clip at 130 cuts soft edges; half a pixel would be a wrong centre.
    assert seen == pytest.approx(wanted, abs=0.1)


def test_oblong_pixels_are_laid_with_their_shape():
    source = make_format("yuv444p", sample_aspect=Fraction(2))
    frame = make_frame(source, low=100, high=101)
    mask = scene_mask(source.size_px, np.array([160.0, 60.0]), 100.0)
    composite(frame, source, mask, np.full((256, 256, 3), 255, np.uint8), np.array([160.0, 60.0]), 100.0)
    rows, columns = np.nonzero(plane_views(frame)[0] > 102)
    # The shape is 196 x 214 crop px; a stored column is two scene px, and the feather begins faintly.
    assert np.ptp(columns) * 2 == pytest.approx(np.ptp(rows) * 196 / 214, abs=5)
    assert columns.mean() + 0.5 == pytest.approx(80, abs=0.5)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_the_affine_agrees_with_turning_the_picture(rotation_deg: int):
    source = make_format(rotation_deg=rotation_deg)
    stored = np.zeros((120, 160))
    stored[13, 41] = 1
    row, column = np.argwhere(np.rot90(stored, -rotation_deg // 90))[0]
    assert stored_to_display(source) @ [41.5, 13.5, 1] == pytest.approx([column + 0.5, row + 0.5])


def test_feather_rises_from_the_border_and_ignores_the_pictures_edge():
    mask = np.zeros((40, 40), np.uint8)
    mask[:, :20] = 255
    weight = feather(mask, 8)
    assert (weight[:, 20:] == 0).all()
    assert (np.diff(weight[20, 12:20]) < 0).all()
    assert (weight[:, :12] == 1).all()


def test_a_colour_cast_is_taken_out():
    scene = np.random.default_rng(0).integers(80, 120, (256, 256, 3)).astype(np.uint8)
    head = np.clip(scene + np.array([12, -9, 5]), 0, 255).astype(np.uint8)
    joined = join_colour(head, scene, head_mask() > 0)
    # The difference is the same everywhere, so its normalised convolution is exact up to float32.
    assert np.abs(joined - scene).max() < 0.01


def test_a_finer_head_is_joined_as_the_crop_is():
    scene = np.random.default_rng(0).integers(80, 120, (256, 256, 3)).astype(np.uint8)
    fine = np.repeat(np.repeat(scene, 3, axis=0), 3, axis=1) - np.array([12, -9, 5])
    joined = join_colour(fine.clip(0, 255).astype(np.uint8), scene, head_mask() > 0)
    assert joined.shape == (768, 768, 3)
    assert np.abs(joined[1::3, 1::3] - scene).max() < 0.5


def test_a_finer_head_lies_where_the_crop_does():
    """A spot of the head comes to the same place of the scene, sharper."""
    spots = []
    for size in (256, 768):
        unit = size / 256
        y, x = (np.mgrid[0:size, 0:size] + 0.5) / unit
        head = np.repeat((220 * np.exp(-((x - 150) ** 2 + (y - 110) ** 2) / 8))[..., None], 3, axis=2)
        source = make_format(stored=(800, 600))
        patch = _lay(head, source, np.array([400.0, 300.0]), 700.0, (0, 0, 800, 600))[..., 0]
        rows, columns = np.mgrid[0:600, 0:800] + 0.5
        spots.append([(patch * columns).sum() / patch.sum(), (patch * rows).sum() / patch.sum()])
    np.testing.assert_allclose(spots[0], [400 + (150 - 128) * 700 / 256, 300 + (110 - 128) * 700 / 256], atol=0.1)
    np.testing.assert_allclose(spots[1], spots[0], atol=0.1)


def test_a_local_difference_stays_near_its_border():
    scene = np.full((256, 256, 3), 100, np.uint8)
    head = scene.copy()
    head[:, 128:] -= 20
    joined = join_colour(head, scene, head_mask() > 0)
    inside_right, inside_left = joined[121, 220, 0], joined[121, 36, 0]
    assert inside_right == pytest.approx(100, abs=3)  # a fifth and less of the difference remains
    assert inside_left == pytest.approx(100, abs=3)


@pytest.mark.parametrize("size", [256, 512])
def test_a_head_from_another_room_keeps_its_colour(size: int):
    """Its surroundings are another picture, and tell nothing of its light."""
    inside = head_mask() > 0
    scene = np.full((256, 256, 3), 200, np.uint8)
    head = np.where(inside[..., None], np.uint8(120), np.uint8(40)).repeat(3, axis=2)
    head = np.repeat(np.repeat(head, size // 256, axis=0), size // 256, axis=1)
    joined = join_colour(head, scene, inside)
    assert np.abs(joined[size // 2, size // 2] - 120).max() < 1
    # Where a tenth of the ring shows the same room in another light, a third of that light is believed.
    head[: round(0.22 * size)] = 180
    assert 0 < joined_shift(head, scene, inside) < 20


def joined_shift(head: np.ndarray, scene: np.ndarray, inside: np.ndarray) -> float:
    middle = len(head) // 2
    return float(join_colour(head, scene, inside)[middle, middle, 0] - head[middle, middle, 0])


def test_a_mask_that_fills_the_crop_leaves_the_head_alone():
    head = np.full((256, 256, 3), 77, np.uint8)
    assert (join_colour(head, np.zeros_like(head), np.ones((256, 256), bool)) == 77).all()
