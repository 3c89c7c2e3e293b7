"""Where a dot of the scene lands in what the networks see."""

import numpy as np
import pytest

from contextalk.core.geometry import CROP_PX, CropPath
from contextalk.faces.crop import head_mask, scene_mask
from contextalk.faces.views import GREY, head_crop, masked_crop, resized_scene, scene_view, scene_view_from_resized

WIDTH, HEIGHT = 960, 540


def dot(at: np.ndarray, radius: float) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    bright = 255 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * radius**2))
    return np.repeat(bright[..., None], 3, axis=2).round().astype(np.uint8)


def centroid(grey: np.ndarray) -> np.ndarray:
    at = np.arange(len(grey)) + 0.5
    return np.array([(grey * at[None]).sum(), (grey * at[:, None]).sum()]) / grey.sum()


@pytest.mark.parametrize("side", [120.0, 256.0, 300.5, 511.0, 700.0])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (13.3, -7.8), (-40.2, 31.6)])
def test_a_dot_lands_where_the_path_says(side: float, shift: tuple[float, float]) -> None:
    at = np.array([470.25, 268.6])
    centre = at + np.array(shift) * side / 256
    path = CropPath(centre_px=centre[None].astype(np.float32), side_px=np.array([side], np.float32))
    crop = head_crop(dot(at, max(3.0, side / 60)), centre, side)
    wanted = path.to_crop(at[None, None].astype(np.float32))[0, 0]
    # OpenCV places samples on 1/32 px; half a pixel off by a wrong convention would show as 0.2 and more.
    np.testing.assert_allclose(centroid(crop[..., 0].astype(float)), wanted, atol=0.1)
    fine = head_crop(dot(at, max(3.0, side / 60)), centre, side, 2 * CROP_PX)[..., 0].astype(float)
    np.testing.assert_allclose(centroid(fine) / 2, wanted, atol=0.1)


def test_a_dot_lands_in_the_scene_view_in_proportion() -> None:
    at = np.array([301.4, 222.2])
    found = centroid(resized_scene(dot(at, 12.0))[..., 0].astype(float))
    np.testing.assert_allclose(found, at * CROP_PX / [WIDTH, HEIGHT], atol=0.1)


def test_fine_texture_turns_grey_when_shrunk_and_does_not_alias() -> None:
    stripes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = head_crop(stripes, np.array([480.0, 270.0]), 520.0)[8:-8, 8:-8].astype(float)
    # Point sampling gives a deviation of 127; area sampling of whole periods leaves the rounding of 2.03 px steps.
    assert crop.std() < 20


def test_the_edge_of_the_scene_goes_on_outside() -> None:
    scene = np.full((HEIGHT, WIDTH, 3), 7, np.uint8)
    scene[:, :3] = 200
    crop = head_crop(scene, np.array([0.0, 270.0]), 256.0)
    assert (crop[:, :120] == 200).all()
    assert head_crop(scene, np.array([-4000.0, -4000.0]), 256.0).shape == (CROP_PX, CROP_PX, 3)


def test_the_masked_crop_shows_nothing_inside_and_all_outside() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (CROP_PX, CROP_PX, 3), np.uint8)
    masked = masked_crop(crop)
    inside = head_mask() > 0
    assert (masked[inside] == GREY).all()
    np.testing.assert_array_equal(masked[~inside], crop[~inside])


def test_no_pixel_of_the_view_holds_any_of_the_target() -> None:
    centre, side = np.array([411.3, 255.7]), 243.0
    scene = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    scene[scene_mask((WIDTH, HEIGHT), centre, side) > 0] = 255
    view = scene_view(scene, centre, side)
    assert set(np.unique(view)) == {0, GREY}


def test_both_ways_to_the_view_agree() -> None:
    scene = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    centre, side = np.array([700.0, 200.0]), 310.0
    again = scene_view_from_resized(resized_scene(scene), (WIDTH, HEIGHT), centre, side)
    np.testing.assert_array_equal(scene_view(scene, centre, side), again)
