"""Hair around the rig's skull: a volume behind, and a front cut out by the hairline."""

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.people import Hair, Person
from contextalk.synth.skull import Pose, Profile, cloud, compass, support

Floats = NDArray[np.float64]

_HANGING = ("bob", "long", "curls")
_BUMPS = {"afro": (17, 0.035), "curls": (13, 0.055)}


def hangs(hair: Hair) -> bool:
    """Whether the hair covers the ears."""
    return hair.family in _HANGING or (hair.family == "afro" and hair.side > 0.24)


def hairline(hair: Hair, azimuth: Floats) -> Floats:
    """Height y of the hairline at azimuths in radians from the nose."""
    angle = np.degrees(azimuth)
    front, nape = hair.hairline, 0.45
    part = 24 * hair.part
    if hair.family in ("bob", "long"):
        sweep = np.abs(angle - part) / np.where(angle > part, 78 - part, 78 + part)
        rise = front - 0.06 + 0.9 * np.clip(sweep, 0, 1.3) ** 2.6
        side = np.clip((np.abs(angle) - 62) / 18, 0, 1)
        return np.maximum(np.minimum(rise, 0.15) * (1 - side) + hair.length * side, front - 0.06)
    if hair.family == "curls":
        side = np.clip((np.abs(angle) - 58) / 26, 0, 1)
        return (front + 0.1 + 0.05 * np.cos(angle / 9)) * (1 - side) + max(hair.length, 0.5) * side
    knots = [-180, -125, -104, -92, -80, -68, -50, -25, 0, 25, 50, 68, 80, 92, 104, 125, 180]
    burn = 0.12 if hair.family != "bun" else -0.2
    temple = front + 0.1
    half = {
        "fringe": [0.3 * front - 0.2, 0.3 * front - 0.2, 0.3 * front - 0.14, -0.16],
        "afro": [front, front + 0.02, front + 0.08, front + 0.3],
        "quiff": [front, front - 0.03, temple - 0.04, temple + 0.12],
        "bun": [front - 0.05, front - 0.02, front + 0.12, front + 0.3],
    }.get(hair.family, [front, front, temple, temple + 0.16])
    right = [*half[1:], burn, -0.02, 0.2, nape, nape]
    left = right[::-1]
    if hair.family == "parted":
        side = 1 if hair.part > 0 else -1
        low, high = [front + 0.16, front + 0.2, -0.2], [front - 0.06, temple - 0.02, temple + 0.16]
        right = [*(low if side > 0 else high), *right[3:]]
        left = [*right[:2:-1], *(high if side > 0 else low)[::-1]]
    return np.interp(angle, knots, [*left, half[0], *right])


def hair_shapes(person: Person, pose: Pose) -> dict[str, Floats]:
    """`hair_back`, `hair_front`, `bun`, `strands`, `crown` of `HeadShapes`, scene px."""
    hair, face = person.hair, person.face
    hang = hair.length if hair.family in _HANGING else 0.35
    volume = Profile(face, grow=hair.side, top=hair.top, hang=hang)
    around = cloud(volume, -(face.crown + hair.top), hang)
    around[:, 2] = np.minimum(around[:, 2], np.where(around[:, 1] > 0.05, 0.1, 9.0))
    if hair.family == "quiff":
        steps = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        tuft = np.stack(
            [0.55 * np.cos(steps) + 0.12 * hair.part, -face.crown - 0.02 + 0.2 * np.sin(steps), 0 * steps + 0.62], -1
        )
        around = np.concatenate([around, tuft])
    projected = pose.project(around)
    centre = pose.project(np.array([[0.0, -0.1, -0.1]]))
    bumps = _BUMPS.get(hair.family)
    outline = _bumpy(support(projected, compass(144 if bumps else 72)), centre, bumps)
    lower = _front_edge(person, pose)
    over = _over_the_top(projected, lower, centre)
    front = np.concatenate([lower, _bumpy(over, centre, bumps)], axis=1)
    crown = pose.project(np.array([[-0.3, -face.crown - 0.3 * hair.top, 0.25]]))
    bun = pose.project(np.array([[0.1 * hair.part, -face.crown - hair.top - 0.12, -0.35]]))
    return {"hair_back": outline, "hair_front": front, "bun": bun, "strands": _strands(person, pose), "crown": crown}


def _front_edge(person: Person, pose: Pose) -> Floats:
    """The hairline from outline to outline, image left to right: (F, n, 2)."""
    hair = person.hair
    thick = 0.35 * hair.side if hair.family not in _HANGING else hair.side
    coat = Profile(person.face, grow=thick, top=0.3 * hair.top, hang=hair.length if hair.family in _HANGING else 0.35)
    yaw = pose.yaw[:, None]
    start, stop = (coat.rim(np.full_like(yaw, 0.2), yaw, side) for side in (-1, 1))
    azimuth = start + (stop - start) * np.linspace(0, 1, 45)
    height = np.stack([hairline(hair, row) for row in azimuth])
    return pose.project(coat.at(azimuth, height))


def _over_the_top(cloud_px: Floats, lower: Floats, centre: Floats) -> Floats:
    """The outline of the volume from the right end of the hairline over the crown to its left end."""

    def angle(point: Floats) -> Floats:
        away = point - centre[:, 0]
        return np.arctan2(away[:, 1], away[:, 0])

    right = angle(lower[:, -1])
    left = angle(lower[:, 0])
    right = np.where(right > np.pi / 2 + 0.3, np.pi / 2, right)
    left = np.where(left > -np.pi / 2, left - 2 * np.pi, left)
    sweep = right[:, None] + (left - right)[:, None] * np.linspace(0, 1, 60)
    return support(cloud_px, np.stack([np.cos(sweep), np.sin(sweep)], axis=-1))


def _bumpy(outline: Floats, centre: Floats, bumps: tuple[int, float] | None) -> Floats:
    if bumps is None:
        return outline
    count, depth = bumps
    away = outline - centre
    angle = np.arctan2(away[..., 1], away[..., 0])
    return centre + away * (1 + depth * (np.abs(np.sin(count * angle / 2)) - 0.35))[..., None]


def _strands(person: Person, pose: Pose) -> Floats:
    """Lines in the hair, from the part outwards along the head: (F, 4, n, 2)."""
    hair = person.hair
    coat = Profile(person.face, grow=0.8 * hair.side, top=0.8 * hair.top, hang=hair.length)
    lines = []
    share = np.linspace(0, 1, 8)
    for start, stop in ((-0.15, -0.75), (-0.5, -1.1), (0.2, 0.7), (0.55, 1.1)):
        azimuth = start + (stop - start) * share + 0.3 * hair.part
        top, end = -person.face.crown - 0.55 * hair.top, hair.hairline + 0.12
        lines.append(pose.project(coat.at(azimuth, top + (end - top) * share**1.5 + 0.06)))
    return np.stack(lines, axis=1)
