"""How hard synthetic footage is: what can be had without looking at the scene, or without listening to words."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import TWIN
from contextalk.media.audio import read_audio
from contextalk.synth.scene import RATE_HZ
from contextalk.synth.speech import RATE_HZ as SAMPLE_RATE_HZ

Floats = NDArray[np.float64]

YAW_WANTED_DEG = 15.0
"""Predicting the mean must miss the speaker's yaw by at least this (median)."""

SIDE_WANTED = 0.60
"""A model that never sees the scene may get the addressee's side right in at most this share."""

LOUDNESS_WANTED = 0.5
"""Loudness alone may correlate with mouth opening by at most this."""

_FOLDS = 5
_FEWEST_SIDES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """The difficulty of a folder of scenes; twins are not counted, they would balance the sides by construction.

    Attributes:
        scenes: Scenes read.
        both_sides: Share whose main speaker has people on both sides.
        yaw_miss_deg: Median |yaw − mean yaw| of main speakers while they speak.
        side_blind: Share of turns whose side a logistic model of the speaker's place gets right, on unseen scenes.
        loudness: Largest |correlation| of level (linear or dB) with mouth opening while the main speaker speaks.
        loudness_all: The same over all frames, pauses included.
    """

    scenes: int
    both_sides: float
    yaw_miss_deg: float
    side_blind: float
    loudness: float
    loudness_all: float

    @property
    def holds(self) -> bool:
        """Whether the footage is hard enough."""
        return (
            self.yaw_miss_deg >= YAW_WANTED_DEG and self.side_blind <= SIDE_WANTED and self.loudness <= LOUDNESS_WANTED
        )

    def as_dict(self) -> dict[str, float | int]:
        """For JSON."""
        return asdict(self)

    def table(self) -> str:
        """For people."""
        rows = (
            ("scenes (without twins)", f"{self.scenes}", ""),
            ("people on both sides of the speaker", f"{self.both_sides:.0%}", "about half"),
            ("yaw missed by predicting the mean", f"{self.yaw_miss_deg:.1f}°", f"≥ {YAW_WANTED_DEG:g}°"),
            ("side right without seeing the scene", f"{self.side_blind:.0%}", f"≤ {SIDE_WANTED:.0%}"),
            ("loudness × mouth opening, speaking", f"{self.loudness:.2f}", f"≤ {LOUDNESS_WANTED:g}"),
            ("loudness × mouth opening, all frames", f"{self.loudness_all:.2f}", ""),
        )
        return "\n".join(f"{name:<38}{value:>8}   {wanted}".rstrip() for name, value, wanted in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    both_sides: bool
    yaw: Floats
    opening: Floats
    level: Floats
    speaking: NDArray[np.bool_]
    places: Floats
    sides: NDArray[np.int64]


def report(folder: Path) -> Floors:
    """Measure a folder that `write_scenes` wrote.

    Raises:
        ContextalkError: There are fewer scenes in it than the side floor needs.
    """
    found = sorted(p.parent for p in folder.glob("scene-*/scene.json") if not p.parent.name.endswith(TWIN))
    scenes = [_read(path) for path in found]
    turns = sum(len(scene.sides) for scene in scenes)
    if turns < _FEWEST_SIDES:
        raise ContextalkError(
            f"{folder} holds {turns} turns of main speakers, wanted at least {_FEWEST_SIDES} for the report"
        )
    speaking = np.concatenate([scene.speaking for scene in scenes])
    yaw = np.concatenate([scene.yaw for scene in scenes])[speaking]
    opening, level = (np.concatenate([getattr(scene, name) for scene in scenes]) for name in ("opening", "level"))
    return Floors(
        scenes=len(scenes),
        both_sides=float(np.mean([scene.both_sides for scene in scenes])),
        yaw_miss_deg=float(np.median(np.abs(yaw - yaw.mean()))),
        side_blind=side_blind([scene.places for scene in scenes], [scene.sides for scene in scenes]),
        loudness=_loudness(level[speaking], opening[speaking]),
        loudness_all=_loudness(level, opening),
    )


def _read(path: Path) -> _Scene:
    script = json.loads((path / "scene.json").read_text())
    main, cast = script["main"], script["cast"]
    with np.load(path / "labels.npz") as stored:
        labels = {key: stored[f"{key}_{main}"] for key in ("head_pose", "mouth_open", "speaking", "head_box")}
    x0, y0, x1, y1 = labels["head_box"].T
    place = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, y1 - y0], axis=1)
    turns = [turn for turn in script["turns"] if turn["speaker"] == main]
    spans = [slice(int(turn["start_s"] * RATE_HZ), max(int(turn["stop_s"] * RATE_HZ), 1)) for turn in turns]
    return _Scene(
        both_sides=0 < main < len(cast) - 1,
        yaw=labels["head_pose"][:, 0].astype(np.float64),
        opening=labels["mouth_open"].astype(np.float64),
        level=_level(read_audio(path / f"speaker-{main}.wav"), len(place)),
        speaking=labels["speaking"].astype(bool),
        places=np.stack([place[span].mean(axis=0) for span in spans]),
        sides=np.array([1 if cast[turn["addressee"]]["x"] > cast[main]["x"] else -1 for turn in turns]),
    )


def _level(wave: NDArray[np.float32], frames: int) -> Floats:
    """(F,) root mean square over the frame and half a frame on both sides."""
    step = SAMPLE_RATE_HZ // RATE_HZ
    power = np.convolve(np.square(wave.astype(np.float64)), np.full(2 * step, 0.5 / step), mode="same")
    return np.sqrt(np.maximum(np.interp(np.arange(frames) * step, np.arange(len(power)), power), 0))


def _loudness(level: Floats, opening: Floats) -> float:
    decibel = 20 * np.log10(np.maximum(level, 1e-3))
    return float(max(abs(np.corrcoef(measure, opening)[0, 1]) for measure in (level, decibel)))


def side_blind(places: Sequence[Floats], sides: Sequence[NDArray[np.int64]]) -> float:
    """Accuracy of a logistic model of side (−1, 1) on place, each scene judged by a model that never saw it.

    Args:
        places: Per scene (turns, 3): head centre x, y and height, px.
        sides: Per scene (turns,).
    """
    scene_of = np.repeat(np.arange(len(sides)), [len(s) for s in sides])
    place, side = np.concatenate(places), np.concatenate(sides)
    scaled = (place - place.mean(axis=0)) / (place.std(axis=0) + 1e-9)
    x = scaled[:, :1]
    features = np.concatenate([np.ones_like(x), scaled, x**2, x**3], axis=1)
    right = np.zeros(len(side), bool)
    for fold in range(_FOLDS):
        test = scene_of % _FOLDS == fold
        weights = _logistic(features[~test], side[~test])
        right[test] = np.sign(features[test] @ weights) == side[test]
    return float(right.mean())


def _logistic(features: Floats, side: NDArray[np.int64], ridge: float = 1.0) -> Floats:
    """Weights of a ridge logistic regression by Newton's method; sides are −1 and 1."""
    weights = np.zeros(features.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (chance - (side + 1) / 2) + ridge * weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + ridge * np.eye(len(weights))
        weights = weights - np.linalg.solve(curve, slope)
    return weights
