"""The cast: a continuous space of people, and the one person that a seed names."""

import colorsys
from dataclasses import dataclass

import numpy as np

TRAIN_PEOPLE = range(600)
"""Seeds of people that training may see."""

HELD_OUT_PEOPLE = range(10_000, 12_000)
"""Seeds of people for evaluation; never used for training."""

HAIR_FAMILIES = ("bald", "crop", "parted", "quiff", "fringe", "bob", "long", "afro", "bun", "curls")
"""Hair shapes between which the continuous hair parameters are drawn."""

Colour = tuple[float, float, float]
"""Red, green, blue in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Proportions in head units: 1 is half the width of a mean head; y is down from the line of the eyes."""

    width: float
    crown: float
    chin: float
    jaw_square: float
    cheek: float
    eye_spacing: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    iris: float
    brow_lift: float
    brow_thick: float
    brow_arch: float
    nose_length: float
    nose_width: float
    nose_out: float
    mouth_y: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    smile: float
    ear: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hair:
    """A family and where in it: thickness on top and at the sides, how far it hangs (y), how the hairline runs."""

    family: str
    top: float
    side: float
    length: float
    hairline: float
    part: float
    waves: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Colours, hair on the face, glasses and clothes. `glasses`: 0 none, 1 round … 2 square."""

    skin: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    glasses: float
    frame: Colour
    beard: float
    moustache: float
    top: Colour
    inner: Colour
    neckline: str
    pattern: str
    earring: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the cast.

    Attributes:
        seed: The number that names them.
        face: Proportions.
        hair: Hair.
        looks: Colours and things worn.
        shoulders: Half width of the shoulders, head units.
        voice: espeak voice with variant.
        pitch: espeak pitch, 0–99.
        rate_wpm: Words a minute.
    """

    seed: int
    face: Face
    hair: Hair
    looks: Looks
    shoulders: float
    voice: str
    pitch: int
    rate_wpm: int


_SKIN = (
    np.array(
        [
            [255, 224, 200],
            [250, 208, 176],
            [236, 184, 146],
            [214, 158, 116],
            [178, 121, 82],
            [140, 90, 60],
            [108, 68, 46],
        ]
    )
    / 255
)
_HAIR_HSV = (
    (0.06, 0.5, 0.13),
    (0.07, 0.55, 0.26),
    (0.07, 0.6, 0.4),
    (0.04, 0.72, 0.55),
    (0.12, 0.52, 0.8),
    (0.1, 0.06, 0.66),
    (0.62, 0.25, 0.17),
)
_LOW, _HIGH = ("male", "female")
_VARIANTS = {_LOW: ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"), _HIGH: ("f1", "f2", "f3", "f4")}
_ACCENTS = ("en-us", "en-us", "en-gb-x-rp", "en-gb-scotland")


def person(seed: int) -> Person:
    """The person that a seed names; the same everywhere and for ever."""
    rng = np.random.default_rng([7, seed])
    build = _LOW if rng.random() < 0.5 else _HIGH
    skin = _skin(rng)
    voice = f"{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS[build])}"
    pitch = int(rng.integers(20, 55) if build == _LOW else rng.integers(45, 85))
    return Person(
        seed=seed,
        face=_face(rng, build),
        hair=_hair(rng, build),
        looks=_looks(rng, build, skin),
        shoulders=float(rng.uniform(1.85, 2.2) if build == _LOW else rng.uniform(1.6, 1.85)),
        voice=voice,
        pitch=pitch,
        rate_wpm=int(rng.integers(130, 191)),
    )


def _face(rng: np.random.Generator, build: str) -> Face:
    male = build == _LOW
    between = rng.uniform
    return Face(
        width=between(0.92, 1.1),
        crown=between(1.1, 1.25),
        chin=between(1.1, 1.32) if male else between(1.06, 1.22),
        jaw_square=between(1.9, 2.7) if male else between(1.7, 2.15),
        cheek=between(0.0, 0.08),
        eye_spacing=between(0.38, 0.43),
        eye_width=between(0.205, 0.245),
        eye_height=between(0.11, 0.155) if male else between(0.13, 0.175),
        eye_tilt=between(-0.03, 0.045),
        iris=between(0.095, 0.12),
        brow_lift=between(0.25, 0.32) if male else between(0.28, 0.36),
        brow_thick=between(0.06, 0.1) if male else between(0.035, 0.06),
        brow_arch=between(0.02, 0.1),
        nose_length=between(0.38, 0.5),
        nose_width=between(0.13, 0.2),
        nose_out=between(0.16, 0.32),
        mouth_y=between(0.7, 0.76),
        mouth_width=between(0.33, 0.42),
        lip_upper=between(0.05, 0.08) if male else between(0.07, 0.11),
        lip_lower=between(0.075, 0.11) if male else between(0.095, 0.14),
        smile=between(0.0, 0.5),
        ear=between(0.85, 1.2),
    )


def _hair(rng: np.random.Generator, build: str) -> Hair:
    weights = {
        _LOW: (0.12, 0.24, 0.2, 0.18, 0.08, 0.01, 0.03, 0.06, 0.01, 0.07),
        _HIGH: (0.01, 0.04, 0.08, 0.03, 0.14, 0.22, 0.24, 0.07, 0.1, 0.07),
    }[build]
    family = str(rng.choice(HAIR_FAMILIES, p=weights))
    between = rng.uniform
    top, side, length = {
        "bald": (0.0, 0.0, 0.0),
        "crop": (between(0.07, 0.14), between(0.02, 0.06), 0.45),
        "parted": (between(0.12, 0.22), between(0.05, 0.1), 0.5),
        "quiff": (between(0.2, 0.34), between(0.03, 0.07), 0.45),
        "fringe": (between(0.12, 0.2), between(0.08, 0.13), between(0.5, 0.7)),
        "bob": (between(0.14, 0.22), between(0.14, 0.22), between(0.75, 1.1)),
        "long": (between(0.12, 0.2), between(0.12, 0.2), between(1.3, 1.6)),
        "afro": (between(0.24, 0.36), between(0.2, 0.32), between(0.45, 0.7)),
        "bun": (between(0.08, 0.13), between(0.03, 0.06), 0.45),
        "curls": (between(0.18, 0.26), between(0.12, 0.2), between(0.55, 1.0)),
    }[family]
    return Hair(
        family=family,
        top=top,
        side=side,
        length=length,
        hairline=between(-0.78, -0.62),
        part=between(-1.0, 1.0),
        waves=between(0.0, 1.0),
    )


def _looks(rng: np.random.Generator, build: str, skin: Colour) -> Looks:
    male = build == _LOW
    bearded = male and rng.random() < 0.42
    top = _hsv(rng.uniform(0, 1), rng.uniform(0.25, 0.8), rng.uniform(0.25, 0.9))
    lips_red = _hsv(rng.uniform(-0.03, 0.02), rng.uniform(0.6, 0.75), rng.uniform(0.6, 0.8))
    return Looks(
        skin=skin,
        lips=_mix(skin, lips_red, rng.uniform(0.5, 0.7) if male else rng.uniform(0.65, 1.0)),
        hair=_hair_colour(rng, skin),
        iris=_hsv(*((0.07, 0.6, 0.32), (0.58, 0.6, 0.55), (0.33, 0.4, 0.42), (0.09, 0.4, 0.5))[rng.integers(4)]),
        glasses=float(rng.uniform(1, 2)) if rng.random() < 0.28 else 0.0,
        frame=_hsv(rng.uniform(0, 1), rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.35)),
        beard=float(rng.uniform(0.25, 1)) if bearded and rng.random() < 0.75 else 0.0,
        moustache=float(rng.uniform(0.4, 1)) if bearded and rng.random() < 0.8 else 0.0,
        top=top,
        inner=_mix(top, (1, 1, 1), 0.75) if rng.random() < 0.6 else _hsv(rng.uniform(0, 1), 0.5, 0.8),
        neckline=str(rng.choice(("crew", "vee", "collar", "jacket", "hood"))),
        pattern=str(rng.choice(("plain", "plain", "stripe", "band"))),
        earring=bool(not male and rng.random() < 0.4),
    )


def _skin(rng: np.random.Generator) -> Colour:
    at = rng.uniform(0, len(_SKIN) - 1)
    low = int(at)
    base = _SKIN[low] * (1 - at + low) + _SKIN[min(low + 1, len(_SKIN) - 1)] * (at - low)
    red, green, blue = np.clip(base * rng.uniform(0.97, 1.03, 3), 0, 1)
    return float(red), float(green), float(blue)


def _hair_colour(rng: np.random.Generator, skin: Colour) -> Colour:
    # Dark hair on every skin, the light shades only where it stays apart from the skin.
    choices = len(_HAIR_HSV) if skin[0] > 0.75 else 2
    hue, saturation, value = _HAIR_HSV[rng.integers(choices)]
    return _hsv(hue + rng.normal(0, 0.01), saturation * rng.uniform(0.85, 1.1), value * rng.uniform(0.8, 1.2))


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (a * (1 - share) + b * share for a, b in zip(one, other, strict=True))
    return red, green, blue
