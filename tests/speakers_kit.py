"""A scene in which the mouth that moves and the face that is bright are two people's, and a network for the bright."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from contextalk.core.records import Landmarks
from contextalk.core.time import SAMPLE_RATE_HZ
from contextalk.media.video import write_video
from contextalk.models.light_asd import LightAsd
from faces_kit import animate

SIZE_PX = (320, 180)
FRAMES = 75
BRIGHT_X, TALKER_X = 80.0, 240.0
DARK, BRIGHT = 30, 220


def person(seed: int, x: float, *, talks: bool, frames: int = FRAMES) -> Landmarks:
    """Somebody 50 px high; who does not talk is still."""
    made = animate(seed, frames)
    points = made.points if talks else np.repeat(made.points[:1], frames, axis=0)
    middle, height = points.mean(axis=(0, 1)), np.ptp(points[..., 1])
    return replace(made, points=((points - middle) * (50 / height) + [x, 90]).astype(np.float32), size_px=SIZE_PX)


def voice(frames: int = FRAMES) -> NDArray[np.float32]:
    """(S,) loud noise from 0.6 s to 2.4 s, faint before and after."""
    times_s = np.arange(frames * SAMPLE_RATE_HZ // 25) / SAMPLE_RATE_HZ
    loud = np.where((times_s > 0.6) & (times_s < 2.4), 0.2, 0.0005)
    return (np.random.default_rng(0).normal(size=len(times_s)) * loud).astype(np.float32)


def write_scene(folder: Path) -> Path:
    """`scene.mp4` with `landmarks-0.npz` (bright and still, left) and `-1` (dark, with a mouth that moves, right)."""
    picture = np.random.default_rng(0).integers(0, 20, (SIZE_PX[1], SIZE_PX[0], 3), np.uint8) + np.uint8(DARK)
    picture[:, : SIZE_PX[0] // 2] += np.uint8(BRIGHT - DARK)
    path = folder / "scene.mp4"
    write_video(path, [picture] * FRAMES, wave=voice())
    person(1, BRIGHT_X, talks=False).save(folder / "landmarks-0.npz")
    person(2, TALKER_X, talks=True).save(folder / "landmarks-1.npz")
    return path


def bright_faces_speak() -> dict[str, torch.Tensor]:
    """Tensors as the published file has them, set by hand: log odds of a bright face about 10, of a dark one −10."""
    state = {name: torch.zeros_like(value) for name, value in LightAsd().state_dict().items()}
    for name, value in state.items():
        if name.endswith("running_var") or (".bn_" in name and name.endswith(".weight")):
            value.fill_(1)
    for block in (1, 2, 3):
        # The middle of each kernel, first channel to first: what is there, if it is brighter than the mean.
        for layer, middle in (("s_3", (0, 1, 1)), ("t_3", (1, 0, 0)), ("last", (0, 0, 0))):
            state[f"model.visualEncoder.block{block}.{layer}.weight"][(0, 0, *middle)] = 1
    for way in ("gru_forward", "gru_backward"):
        # Gates are r, z, n: nothing is kept of the past, and what comes in passes as tanh.
        state[f"model.GRU.{way}.bias_ih_l0"][128:256] = -20
        state[f"model.GRU.{way}.weight_ih_l0"][256, 0] = 1
    state["lossAV.FC.weight"][1, 0] = 40
    state["lossAV.FC.bias"][1] = -10
    return state | {"lossV.FC.weight": torch.zeros(2, 128), "lossV.FC.bias": torch.zeros(2)}
