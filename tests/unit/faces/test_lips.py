"""The square that lip references are cut from, and the face that Wav2Lip is shown."""

import cv2
import numpy as np
import pytest

from contextalk.faces.lips import cut_face, face_box, lay_faces, lip_pictures
from generation_kit import face_points


def face(angle_deg: float, centre: tuple[float, float]) -> np.ndarray:
    """Points of which only jaw ends, outer eye corners and lips matter, turned about the mouth."""
    points = np.zeros((68, 2), np.float32)
    points[0], points[16] = (-50, -40), (50, -40)
    points[36], points[45] = (-30, -40), (30, -40)
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points[48:60] = np.c_[20 * np.cos(around), 8 * np.sin(around)]
    turn = np.radians(angle_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (points @ rotation.T + np.array(centre)).astype(np.float32)


@pytest.mark.parametrize("angle_deg", [0.0, 25.0, -40.0])
def test_lips_are_centred_and_upright(angle_deg: float):
    points = face(angle_deg, (120.0, 150.0))
    picture = np.full((256, 256, 3), 60, np.uint8)
    turn = np.radians(angle_deg)
    left = np.array([120, 150]) - 14 * np.array([np.cos(turn), np.sin(turn)])
    cv2.circle(picture, np.round(left).astype(int).tolist(), 5, (255, 255, 255), -1)
    cut = lip_pictures(picture[None], points[None])[0].astype(float)
    row, column = np.argwhere(cut > 200).mean(axis=0)
    # 50 px across 16 cells: 14 px left of the middle is 4.5 cells left of 7.5; a cell of slack for the rounded circle.
    assert column == pytest.approx(3.0, abs=1.0)
    assert row == pytest.approx(7.5, abs=1.0)


def test_lips_tell_shape_not_skin():
    points = face(0.0, (128.0, 128.0))
    rng = np.random.default_rng(0)
    pattern = cv2.GaussianBlur(rng.normal(0, 1, (256, 256)), (0, 0), 6)
    pattern *= 20 / pattern.std()
    dark, light = (np.clip(level + gain * pattern, 0, 255).astype(np.uint8) for level, gain in ((70, 1.0), (160, 2.0)))
    first, second = (
        lip_pictures(np.repeat(grey[None, :, :, None], 3, axis=3), points[None])[0] for grey in (dark, light)
    )
    # Twice the contrast on lighter skin is the same reference, up to rounding of the darker picture
    # (half a level of its 20 is about 1.3 of 50) and clipped extremes.
    assert np.abs(first.astype(int) - second.astype(int)).max() <= 4
    assert first.std() > 40


def test_wav2lip_is_shown_a_face_from_ear_to_ear_and_from_the_forehead_to_the_chin():
    points = face_points((128, 140), 120)
    (left, brows), (right, chin) = points.min(axis=0), points.max(axis=0)
    rows, columns = face_box(np.concatenate([points, np.full((2, 2), np.nan, np.float32)]))
    # A quarter of the 120 px from brows to chin above the brows; edges are whole pixels, outwards.
    assert chin - brows == pytest.approx(120, abs=1e-3)
    assert (rows.start, rows.stop) == (np.floor(brows - 30), np.ceil(chin))
    assert (columns.start, columns.stop) == (np.floor(left), np.ceil(right))
    # The lower half, which it does not see, begins above the nostrils: no lip and no jaw below the ears is told.
    middle = (rows.start + rows.stop) / 2
    assert points[36:48, 1].max() < middle < points[31:36, 1].min()


@pytest.mark.parametrize("centre", [(128, 240), (-60, 128), (400, -90)])
def test_a_face_at_the_edge_of_its_crop_is_cut_there(centre: tuple[float, float]):
    head = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    points = face_points(centre, 120)
    face = cut_face(head, points, 96)
    assert face.shape == (96, 96, 3)
    laid = lay_faces(head, points, np.repeat(face[None] // 2, 2, axis=0))
    box = face_box(points)
    assert head[box].size
    changed = (laid != head).any(axis=(0, 3))
    changed[box] = False
    assert not changed.any()


def test_a_face_is_laid_where_it_was_cut():
    y, x = np.mgrid[:256, :256]
    head = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    points = face_points((128, 140), 120)
    laid = lay_faces(head, points, np.stack([cut_face(head, points, 96), np.full((96, 96, 3), 7, np.uint8)]))
    # A slope survives shrinking and growing, but for half a face px (1.6 crop px) at the box's edge, and rounding.
    assert np.abs(laid[0].astype(int) - head).max() <= 2
    assert (laid[1][face_box(points)] == 7).all()
