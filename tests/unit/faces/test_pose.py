"""Pose against the rotations that made the points."""

import numpy as np

from contextalk.faces.pose import fit_head, head_pose, rotation_matrix
from faces_kit import exact_points

SIZE_PX = (960, 540)


def poses(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform([-50, -25, -25], [50, 25, 25], (count, 3))


def test_pose_scale_and_centre_come_back() -> None:
    angles, scale = poses(200), np.linspace(0.3, 3.0, 200)
    centre = np.random.default_rng(1).uniform(0, 900, (200, 2))
    fit = fit_head(exact_points(angles, scale, centre))
    # float32 points a thousand px from the origin carry 6e-5 px, on heads of 30 px and more.
    np.testing.assert_allclose(fit.angles_deg, angles, atol=0.05)
    np.testing.assert_allclose(fit.scale, scale, rtol=1e-3)
    np.testing.assert_allclose(fit.centre_px, centre, atol=0.05)


def test_signs_are_those_of_the_contract() -> None:
    def nose_and_chin(angles: list[float]) -> tuple[np.ndarray, np.ndarray]:
        points = exact_points(np.array([angles]), np.ones(1), np.zeros((1, 2)))[0]
        return points[30], points[8]

    assert nose_and_chin([20, 0, 0])[0][0] > 0, "yaw > 0 brings the nose to image right"
    assert nose_and_chin([0, 20, 0])[0][1] < nose_and_chin([0, 0, 0])[0][1], "pitch > 0 lifts it"
    assert nose_and_chin([0, 0, 20])[1][0] < 0, "clockwise as seen brings the chin to image left"


def test_an_open_mouth_and_raised_brows_are_no_pose() -> None:
    points = exact_points(np.zeros((1, 3)), np.ones(1), np.zeros((1, 2)))
    points[:, 4:13, 1] += 15
    points[:, 48:, 1] += 8
    points[:, 17:27, 1] -= 6
    # Brows 6 mm up are a quarter of the points that count; Huber leaves them less than that share of a degree per mm.
    assert np.abs(head_pose(points, SIZE_PX)).max() < 4.0


def test_a_frame_without_a_face_has_no_pose() -> None:
    points = exact_points(poses(3), np.ones(3), np.zeros((3, 2)))
    points[1, 5] = np.nan
    found = head_pose(points, SIZE_PX)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


def test_rotations_are_rotations() -> None:
    turn = rotation_matrix(poses(50))
    np.testing.assert_allclose(turn @ turn.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turn.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turn), 1.0, atol=1e-12)
