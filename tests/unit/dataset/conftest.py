"""Tiny footage with known landmarks: discs for heads on a gradient, in the layout that `synth` writes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.core.records import Landmarks
from contextalk.faces.head_model import head_points
from contextalk.media.audio import write_wav
from contextalk.media.video import write_video

SIZE_PX = (320, 180)
SCALE = 0.35  # scene px per mm of the generic head: the 68 points are about 60 px high


def face(centre_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """(F, 68, 2) of a head seen from the front at each of (F, 2) places."""
    return (head_points()[None, :, :2] * SCALE + centre_px[:, None]).astype(np.float32)


def landmarks_at(centre_px: NDArray[np.float64], rate_hz: float = 25.0) -> Landmarks:
    frames = len(centre_px)
    return Landmarks(
        points=face(centre_px),
        pupils=np.repeat(centre_px[:, None], 2, axis=1).astype(np.float32),
        head_pose=np.zeros((frames, 3), np.float32),
        valid=np.ones(frames, bool),
        times_s=np.arange(frames) / rate_hz,
        size_px=SIZE_PX,
    )


def pictures(tracks: list[Landmarks]) -> list[NDArray[np.uint8]]:
    """A frame with an ellipse per person, whose grey counts the frames."""
    width, height = SIZE_PX
    y, x = np.mgrid[:height, :width] + 0.5
    frames: list[NDArray[np.uint8]] = []
    for frame in range(len(tracks[0])):
        rgb = np.stack([x / width * 200, y / height * 200, np.full_like(x, 90)], axis=-1)
        for track in tracks:
            if track.valid[frame]:
                middle = track.points[frame].mean(axis=0)
                rgb[((x - middle[0]) / 32) ** 2 + ((y - middle[1]) / 42) ** 2 < 1] = 40 + 2 * (frame % 100)
        frames.append(rgb.astype(np.uint8))
    return frames


@pytest.fixture
def synth_scene(tmp_path: Path) -> Callable[..., Path]:
    """Write `FOLDER/NAME` as `synth` does: two people, each with a voice; person 1 is the main one."""

    def write(
        name: str, *, folder: str = "scenes", num_frames: int = 50, seed: int = 7, held_out: bool = False
    ) -> Path:
        scene = tmp_path / folder / name
        scene.mkdir(parents=True)
        drift = np.stack([np.linspace(0, 8, num_frames), np.linspace(0, 4, num_frames)], axis=1)
        tracks = [landmarks_at(np.array([x, 85.0]) + drift) for x in (90.0, 220.0)]
        time_s = np.arange(num_frames * 640) / 16_000
        voices = [np.sin(2 * np.pi * hz * time_s).astype(np.float32) * 0.3 for hz in (200, 330)]
        labels: dict[str, NDArray[np.generic]] = {"times_s": tracks[0].times_s}
        for index, (track, voice) in enumerate(zip(tracks, voices, strict=True)):
            track.save(scene / f"landmarks-{index}.npz")
            write_wav(scene / f"speaker-{index}.wav", voice)
            labels[f"speaking_{index}"] = np.full(num_frames, float(index), np.float32)
            labels[f"addressee_{index}"] = np.full(num_frames, 1 - index, np.int64)
        np.savez(scene / "labels.npz", **labels)
        info = {"seed": seed, "main": 1, "held_out": held_out, "cast": [{"person": 11}, {"person": 12}]}
        info["turns"] = [{"speaker": 1, "addressee": 0, "start_s": 0.1, "stop_s": 0.9, "text": "bin blue"}]
        (scene / "scene.json").write_text(json.dumps(info))
        write_video(scene / "scene.mp4", pictures(tracks), crf=6, wave=voices[0] + voices[1])
        return scene

    return write


@pytest.fixture
def real_video(tmp_path: Path) -> Callable[..., Path]:
    """Write a video of one person with a landmarks sidecar; frames in `unseen` have no face."""

    def write(
        name: str,
        *,
        num_frames: int = 50,
        rate_hz: float = 25.0,
        unseen: slice = slice(0, 0),
        wave: bool = True,
        loudness: float = 1.0,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        track = landmarks_at(np.full((num_frames, 2), (150.0, 85.0)), rate_hz)
        track.valid[unseen] = False
        track.points[unseen] = np.nan
        track.save(folder / "landmarks-0.npz")
        hum = np.sin(np.arange(round(num_frames / rate_hz * 16_000)) * 0.1).astype(np.float32) * 0.01
        sound = hum * loudness if wave else None
        write_video(folder / f"{name}.mp4", pictures([track]), rate_hz=rate_hz, crf=6, wave=sound)
        return folder / f"{name}.mp4"

    return write


@pytest.fixture
def talking_film(tmp_path: Path) -> Callable[..., tuple[Path, NDArray[np.float32]]]:
    """Write a film of one still picture whose landmarks say that its mouth opens as loud as is spoken."""

    def write(num_frames: int, *, late_frames: int = 0) -> tuple[Path, NDArray[np.float32]]:
        rng = np.random.default_rng(1)
        opening = np.clip(gaussian_filter1d(rng.normal(size=num_frames), 1.5) * 4, 0, None)
        level = np.interp(np.arange(num_frames * 640) / 640, np.arange(num_frames), opening)
        spoken = (rng.normal(size=num_frames * 640) * (0.002 + 0.05 * level)).astype(np.float32)
        face = landmarks_at(np.full((num_frames, 2), (150.0, 85.0)))
        eyes_px = np.linalg.norm(face.points[0, 36] - face.points[0, 45])
        face.points[:, 60:68, 1] = face.points[:, 60:61, 1]
        face.points[:, 66, 1] += (opening * 0.3 * eyes_px).astype(np.float32)
        folder = tmp_path / "film"
        folder.mkdir()
        face.save(folder / "landmarks-0.npz")
        heard = np.concatenate([np.zeros(late_frames * 640, np.float32), spoken])[: num_frames * 640]
        write_video(folder / "film.mp4", pictures([face[:1]]) * num_frames, wave=heard)
        return folder / "film.mp4", spoken

    return write
