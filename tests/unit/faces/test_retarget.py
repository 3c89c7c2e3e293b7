from dataclasses import replace

import numpy as np
import pytest

from contextalk.core.records import Landmarks
from contextalk.faces.pose import fit_head
from contextalk.faces.retarget import retarget
from faces_kit import animate


def larger(landmarks: Landmarks, factor: float, move_px: tuple[float, float]) -> Landmarks:
    """Another face elsewhere: wider than high by a fifth."""
    stretch = factor * np.array([1.2, 1.0], np.float32)
    points = landmarks.points * stretch + np.array(move_px, np.float32)
    return replace(landmarks, points=points, pupils=landmarks.pupils * stretch + np.array(move_px, np.float32))


@pytest.fixture(scope="module")
def acted() -> Landmarks:
    return animate(1)


@pytest.fixture(scope="module")
def own() -> Landmarks:
    return larger(animate(2), 2.0, (300.0, 100.0))


def test_the_mouth_is_the_actors(acted: Landmarks, own: Landmarks) -> None:
    out = retarget(acted, own, own, alone=True)
    assert np.corrcoef(out.mouth_open, acted.mouth_open)[0, 1] > 0.9
    assert np.corrcoef(own.mouth_open, out.mouth_open)[0, 1] < 0.5


def test_size_and_place_are_the_targets(acted: Landmarks, own: Landmarks) -> None:
    out = retarget(acted, own, own, alone=True)
    ours, theirs = fit_head(out.points), fit_head(own.points)
    # Low-passed, and with the actor's sway: a few per cent of the size, a tenth of the head (of about 244 mm).
    np.testing.assert_allclose(ours.scale, theirs.scale.mean(), rtol=0.15)
    away = np.linalg.norm(ours.centre_px.mean(axis=0) - theirs.centre_px.mean(axis=0))
    assert away < 25 * theirs.scale.mean()


def test_the_shape_is_the_targets_and_not_the_actors(acted: Landmarks, own: Landmarks) -> None:
    def width(face: Landmarks) -> float:
        """Of the face at its ears over eyes to nose, which no speech moves, at the median."""
        across = np.linalg.norm(face.points[:, 16] - face.points[:, 0], axis=1)
        eyes = face.points[:, 36:48].mean(axis=1)
        return float(np.median(across / np.linalg.norm(face.points[:, 33] - eyes, axis=1)))

    out = retarget(acted, own, own, alone=True)
    assert abs(width(out) - width(own)) < 0.3 * abs(width(acted) - width(own))


def test_alone_the_head_stays_about_its_usual_pose_and_in_company_turns(acted: Landmarks, own: Landmarks) -> None:
    turned = replace(acted, points=animate(3).points[: len(acted)])
    usual = np.median(fit_head(own.points).angles_deg[:, 0])
    alone = retarget(turned, own, own, alone=True)
    assert abs(np.median(alone.head_pose[:, 0]) - usual) < 4.0
    company = retarget(turned, own, own, alone=False)
    told = np.median(fit_head(turned.points).angles_deg[:, 0])
    assert np.sign(np.median(company.head_pose[:, 0]) - usual) == np.sign(1.8 * told - usual)


def test_lips_never_cross(acted: Landmarks, own: Landmarks) -> None:
    out = retarget(acted, own, own, alone=True)
    gap = out.points[:, 66, 1] - out.points[:, 62, 1]
    # At rest they touch; a pose that is a little off lets a point slip by two per cent of the eyes' distance.
    assert (gap > -0.02 * np.linalg.norm(out.points[:, 45] - out.points[:, 36], axis=1)).all()
