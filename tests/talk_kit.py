"""Talks as synth writes them, without its drawing: a target in the middle and a listener at a side."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import Landmarks
from generation_kit import make_audio, make_scene

LEFT, RIGHT = -1, 1


def write_talk(
    folder: Path, side: int, *, frames: int = 30, seed: int = 1, person: int = 9, held_out: bool = True
) -> Path:
    """A scene folder; the target, person 0, speaks in its first two thirds to the listener, person 1, at a side."""
    time_s = np.arange(frames * 640) / 16000
    make_scene(folder, ticks=range(frames), wave=(0.3 * np.sin(2 * np.pi * 140 * time_s)).astype(np.float32))
    target = Landmarks.load(folder / "landmarks-0.npz")
    away = np.array([60.0 * side, 0], np.float32)
    listener = replace(target, points=target.points + away, pupils=target.pupils + away)
    listener.save(folder / "landmarks-1.npz")
    speaking = np.arange(frames) < 2 * frames // 3
    zeros = np.zeros(frames)
    arrays: dict[str, NDArray[np.generic]] = {"times_s": target.times_s}
    for number, (shown, talks) in enumerate(((target, speaking), (listener, ~speaking))):
        yaw = np.full(frames, 25.0 * side * (-1 if number else 1)) + np.linspace(-1, 1, frames)
        arrays |= {
            f"landmarks_{number}": shown.points,
            f"head_pose_{number}": np.stack([yaw, zeros, zeros], axis=1).astype(np.float32),
            f"gaze_{number}": np.stack([np.sin(np.deg2rad(yaw)), zeros, -np.cos(np.deg2rad(yaw))], axis=1),
            f"speaking_{number}": talks,
            f"addressee_{number}": np.where(talks, 1 - number, -1),
            f"valid_{number}": np.ones(frames, bool),
        }
        make_audio(folder / f"speaker-{number}.wav", frames / 25)
    np.savez(folder / "labels.npz", allow_pickle=False, **arrays)
    script = {
        "seed": seed,
        "main": 0,
        "held_out": held_out,
        "frames": frames,
        "cast": [{"person": person}, {"person": person + 1}],
        "turns": [
            {"speaker": 0, "addressee": 1, "start_s": 0, "stop_s": frames / 37.5, "text": "bin blue at f two now"},
            {"speaker": 1, "addressee": 0, "start_s": frames / 37.5, "stop_s": frames / 25, "text": "good day"},
        ],
    }
    (folder / "scene.json").write_text(json.dumps(script))
    return folder


def write_twins(footage: Path, count: int, *, frames: int = 30) -> list[Path]:
    """`count` talks with their twins, each of another person."""
    scenes = []
    for number in range(count):
        for name, side in ((f"scene-{number:04d}", LEFT), (f"scene-{number:04d}-twin", RIGHT)):
            scenes.append(write_talk(footage / name, side, frames=frames, seed=number, person=20 + 2 * number))
    return scenes
