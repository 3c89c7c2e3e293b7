"""Features of a face on its skull: what is painted and what is labelled are the same points, in scene px."""

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.brush import spline_matrix
from contextalk.synth.people import Face
from contextalk.synth.skull import Pose, Profile, cloud, compass, jaw_drop, support, surface

Floats = NDArray[np.float64]

_DIRECTIONS = 72


def skull_outline(face: Face, pose: Pose, jaw: Floats) -> Floats:
    """Outline of the skin (F, n, 2)."""
    head = cloud(Profile(face), -face.crown, face.chin)
    moved = jaw_drop(face, np.broadcast_to(head, (len(pose), *head.shape)), jaw)
    return support(pose.project(moved), compass(_DIRECTIONS))


def jaw_line(face: Face, pose: Pose, jaw: Floats) -> Floats:
    """Points 0–16: along the widest line of the jaw, or along the outline where that hides it."""
    profile = Profile(face)
    down = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 17))
    height = 0.04 + (face.chin - 0.04) * np.sqrt(np.clip(1 - down**2, 0, 1)) ** 1.15
    height = np.broadcast_to(height, (len(pose), 17))
    yaw = pose.yaw[:, None]
    left, right = profile.rim(height, yaw, -1), profile.rim(height, yaw, 1)
    wanted = np.where(down < 0, -np.pi / 2, np.pi / 2)
    azimuth = np.clip(wanted, left, right)
    azimuth[:, 8] = 0.0
    return pose.project(jaw_drop(face, profile.at(azimuth, height), jaw))


def eye(face: Face, pose: Pose, side: int, blink: Floats) -> dict[str, Floats]:
    """`open`, `socket`: outlines; `points`: landmarks of the eye on a side (−1 image left, 1 right)."""
    blink = blink[:, None]
    along = np.array([-1.0, -0.42, 0.42, 1.0])
    arch = np.array([0.0, 1.0, 1.0, 0.0])
    x = side * face.eye_spacing + face.eye_width * along
    tilt = -face.eye_tilt * side * along
    upper, lower = tilt - 1.05 * face.eye_height * arch, tilt + 0.75 * face.eye_height * arch
    shut = tilt + 0.55 * face.eye_height * arch
    lid = upper * (1 - blink) + shut * blink
    below = np.broadcast_to(lower, lid.shape) * (1 - 0.25 * blink)
    smooth = spline_matrix(4, 12)
    corners = pose.on_face(face, np.stack([np.broadcast_to(x, lid.shape), lid], axis=-1))
    under = pose.on_face(face, np.stack([np.broadcast_to(x, lid.shape), below], axis=-1))
    wide = pose.on_face(face, np.stack([x, upper], axis=-1))
    ring = np.concatenate([smooth @ corners, (smooth @ under)[:, ::-1]], axis=1)
    socket = np.concatenate([smooth @ wide, (smooth @ under)[:, ::-1]], axis=1)
    points = np.concatenate([corners, under[:, 2:0:-1]], axis=1)
    return {"open": ring, "socket": socket, "points": points}


def pupil(face: Face, pose: Pose, side: int, gaze_deg: tuple[Floats, Floats]) -> Floats:
    """Where an eyeball behind the lids shows its pupil, kept inside the eye."""
    yaw, pitch = (np.radians(angle) for angle in gaze_deg)
    look = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=-1)
    inside = np.einsum("fji,fj->fi", pose.turn, look)
    reach = np.array([face.eye_width - 0.75 * face.iris, 0.35 * face.eye_height])
    offset = reach * np.tanh(0.3 * inside[:, :2] / np.maximum(inside[:, 2:], 0.3) / reach)
    centre = np.array([side * face.eye_spacing, -0.1 * face.eye_height])
    return pose.on_face(face, (centre + offset)[:, None])


def brow(face: Face, pose: Pose, side: int, raised: Floats) -> dict[str, Floats]:
    """`points`: landmarks; `shape`: outline. `raised` (F,) from −1 to 1."""
    raised = raised[:, None]
    along = np.linspace(-1, 1, 5)
    x = side * (face.eye_spacing + 0.02) + 1.25 * face.eye_width * along
    arch = face.brow_arch * (1 - along**2) - 0.04 * (side * along + 1) / 2
    thick = face.brow_thick * np.interp(side * along, [-1, 0, 1], [1.0, 0.95, 0.35])
    y = -face.brow_lift - arch - 0.09 * raised
    middle = pose.on_face(face, np.stack([np.broadcast_to(x, y.shape), y], axis=-1))
    smooth = spline_matrix(5, 12)
    rims = [
        smooth @ pose.on_face(face, np.stack([np.broadcast_to(x, y.shape), y + sign * thick / 2], axis=-1))
        for sign in (-1, 1)
    ]
    return {"points": middle, "shape": np.concatenate([rims[0], rims[1][:, ::-1]], axis=1)}


def nose(face: Face, pose: Pose) -> dict[str, Floats]:
    """`points`: landmarks; `outline`, `line` along the ridge, `nostrils`."""
    end = face.nose_length
    heights = np.array([0.0, 0.33, 0.68, 1.0]) * (end - 0.08)
    out = face.nose_out * np.array([0.08, 0.35, 0.72, 1.0])
    ridge = surface(face, np.stack([np.zeros(4), heights], axis=-1))
    ridge[:, 2] += out
    x = face.nose_width * np.array([-0.8, -0.45, 0.0, 0.45, 0.8])
    base = surface(face, np.stack([x, end + np.array([0.0, 0.03, 0.05, 0.03, 0.0])], axis=-1))
    base[:, 2] += face.nose_out * np.array([0.1, 0.35, 0.55, 0.35, 0.1])
    smooth = spline_matrix(4, 12)
    return {
        "points": pose.project(np.concatenate([ridge, base])),
        "outline": _nose_outline(face, pose, ridge, base),
        "line": smooth @ pose.project(ridge),
        "nostrils": pose.project(base[[1, 3]] + np.array([0, -0.01, 0])),
    }


def _nose_outline(face: Face, pose: Pose, ridge: Floats, base: Floats) -> Floats:
    """Around a tip, two wings and the start of the slope."""
    round_ = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    tip = ridge[3] + np.stack(
        [0.5 * face.nose_width * np.cos(round_), 0.085 * np.sin(round_) + 0.01, 0 * round_], axis=-1
    )
    wings = [
        base[i]
        + np.array([0.03 * s, -0.05, 0])
        + 0.075 * np.stack([np.cos(round_), 0.85 * np.sin(round_), 0 * round_], axis=-1)
        for i, s in ((0, -1), (4, 1))
    ]
    slope = surface(face, np.array([[-0.045, 0.12], [0.045, 0.12]])) + np.array([0, 0, 0.4 * face.nose_out])
    return support(pose.project(np.concatenate([tip, *wings, slope])), compass(40))


def beard_edge(face: Face, pose: Pose) -> Floats:
    """Upper edge of a beard, from image left to right (F, n, 2)."""
    beard = Profile(face).at(np.radians([-88.0, -66, -48]), np.array([0.12, 0.5, 0.62]))
    under = np.array([[-1.25 * face.mouth_width, face.mouth_y - 0.06], [-0.75 * face.mouth_width, face.mouth_y - 0.14]])
    middle = surface(face, np.concatenate([under, (under * np.array([-1, 1]))[::-1]]))
    rim = np.concatenate([beard, middle, (beard * np.array([-1, 1, 1]))[::-1]])
    return spline_matrix(10, 30) @ pose.project(rim)


def lens(face: Face, pose: Pose, side: int, square: float) -> Floats:
    """Rim of a glass of spectacles; `square` from 1 (round) to 2."""
    steps = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 1 / max(square, 1.0)
    x = side * (face.eye_spacing + 0.01) + 0.33 * np.sign(np.cos(steps)) * np.abs(np.cos(steps)) ** power
    y = 0.03 + 0.27 * np.sign(np.sin(steps)) * np.abs(np.sin(steps)) ** power
    return pose.project(surface(face, np.stack([x, y], axis=-1)) + np.array([0, 0, 0.1]))


def temples(face: Face, pose: Pose) -> Floats:
    """Arms of spectacles (F, 2, 2, 2)."""
    hinge = surface(face, np.array([[-0.74, -0.02], [0.74, -0.02]])) + np.array([0, 0, 0.08])
    behind = Profile(face).at(np.radians([-96.0, 96]), np.array([-0.06, -0.06]))
    return pose.project(np.stack([hinge, behind], axis=1).reshape(-1, 3)).reshape(-1, 2, 2, 2)


def ear(face: Face, pose: Pose, side: int) -> Floats:
    """Outline of an ear (F, n, 2)."""
    size = face.ear
    steps = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    centre = Profile(face).at(np.array([side * np.radians(97)]), np.array([0.12]))[0]
    out = np.array([side * 0.6, 0.0, -0.8])
    wide = 0.15 * size * (1 - 0.2 * np.sin(steps)) * np.cos(steps) + 0.07
    tall = 0.26 * size * np.sin(steps)
    return pose.project(centre + wide[:, None] * out + tall[:, None] * np.array([0.0, 1.0, 0.0]))
