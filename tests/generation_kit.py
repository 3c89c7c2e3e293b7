"""Small scenes and simple stages for the tests of generation."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.geometry import CROP_PX
from contextalk.core.records import OTHERS_SHAPE, Landmarks
from contextalk.faces.head_model import head_points
from contextalk.generation.pipeline import Face, Pipeline, Shown, Told, Want
from contextalk.media.audio import write_wav
from contextalk.media.planes import plane_views
from contextalk.media.source import open_source

SIZE_PX = (160, 120)


def face_points(centre_px: tuple[float, float], height_px: float) -> NDArray[np.float32]:
    """(68, 2) of the generic head seen from the front, jaw to brow about `height_px`."""
    points = head_points()[:, :2]
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    return (points * (height_px / np.ptp(points[:, 1])) + np.array(centre_px)).astype(np.float32)


def still_landmarks(
    times_s: NDArray[np.float64],
    size_px: tuple[int, int] = SIZE_PX,
    *,
    centre_px: tuple[float, float] | None = None,
    hidden: Sequence[int] = (),
) -> Landmarks:
    """A face that does not move, unseen in the frames `hidden`."""
    centre = centre_px or (size_px[0] * 0.45, size_px[1] * 0.5)
    points = np.repeat(face_points(centre, min(size_px) * 0.3)[None], len(times_s), axis=0)
    pupils = np.stack([points[:, 36:42].mean(axis=1), points[:, 42:48].mean(axis=1)], axis=1)
    valid = np.ones(len(times_s), bool)
    valid[list(hidden)] = False
    points[~valid], pupils[~valid] = np.nan, np.nan
    pose = np.where(valid[:, None], 0.0, np.nan).repeat(3, axis=1).astype(np.float32)
    return Landmarks(points=points, pupils=pupils, head_pose=pose, valid=valid, times_s=times_s, size_px=size_px)


def scene_picture(index: int, size_px: tuple[int, int], shade: int = 0) -> NDArray[np.uint8]:
    """A textured wall with a patch that moves, so that frames differ and shots do not break."""
    width, height = size_px
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([60 + x % 90, 80 + y % 70, 100 + (x + y) % 60], axis=2) + shade
    left = (3 * index) % (width - 12)
    rgb[4:12, left : left + 8] = (200, 40, 40)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def make_scene(
    folder: Path,
    *,
    ticks: Sequence[int] = tuple(range(30)),
    time_base: Fraction = Fraction(1, 25),
    size_px: tuple[int, int] = SIZE_PX,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation_deg: int = 0,
    sample_aspect: Fraction = Fraction(1),
    cut_at: int | None = None,
    wave: NDArray[np.float32] | None = None,
    hidden: Sequence[int] = (),
) -> Path:
    """Write `scene.mp4` and the annotation `landmarks-0.npz` of the one face in it; `size_px` is stored."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scene.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size_px, pix_fmt
        stream.codec_context.time_base = time_base
        stream.codec_context.sample_aspect_ratio = sample_aspect
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        if rotation_deg:
            stream.set_display_rotation(-rotation_deg)
        sound = container.add_stream("aac", rate=16000, layout="mono") if wave is not None else None
        for index, tick in enumerate(ticks):
            shade = 100 if cut_at is not None and index >= cut_at else 0
            frame = av.VideoFrame.from_ndarray(scene_picture(index, size_px, shade), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=1, src_color_range=2, dst_color_range=1)
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None and wave is not None:
            samples = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            samples.sample_rate, samples.time_base, samples.pts = 16000, Fraction(1, 16000), 0
            container.mux(sound.encode(samples))
            container.mux(sound.encode())
    times = (np.array(ticks) - ticks[0]) * float(time_base)
    width, height = round(size_px[0] * sample_aspect), size_px[1]
    shown = (height, width) if rotation_deg in (90, 270) else (width, height)
    still_landmarks(times, shown, hidden=hidden).save(folder / "landmarks-0.npz")
    return path


def make_audio(path: Path, seconds: float) -> Path:
    """A buzz that comes and goes four times a second."""
    time = np.arange(round(seconds * 16000)) / 16000
    loud = np.maximum(0, np.sin(2 * np.pi * 4 * time))
    write_wav(path, (0.4 * loud * np.sin(2 * np.pi * 140 * time)).astype(np.float32))
    return path


def planes_of(path: Path) -> list[tuple[NDArray[Any], ...]]:
    """The planes of every frame, copied."""
    return [tuple(plane.copy() for plane in plane_views(picture.frame)) for picture in open_source(path)]


@dataclass
class EnergyFaces:
    """Stage 1 without a network: a generic face whose mouth opens with loudness, easing from the carried one."""

    calls: int = 0

    def window(self, told: Told, carried: Face | None, seed: int) -> Face:
        frames, mel = 1 if carried is None else 8, told.mel
        assert (mel.shape, told.others.shape) == ((frames, 80, 16), (frames, *OTHERS_SHAPE))
        if told.scene_view is None:
            assert told.place is told.identity_head is None
        else:
            assert told.scene_view.shape == (frames, CROP_PX, CROP_PX, 3)
            assert told.place is not None
            assert told.place.shape == (frames, 3)
            assert told.identity_head is not None
            assert told.identity_head.shape == (CROP_PX, CROP_PX, 3)
        self.calls += 1
        jitter = np.random.default_rng(seed).normal(0, 0.5, 2).astype(np.float32)
        base = face_points((128, 140), 120)
        points = np.repeat(base[None], frames, axis=0)
        opening = 12 * np.clip((mel.mean(axis=(1, 2)) + 4) / 4, 0, 1)
        points[:, [61, 62, 63]] = points[:, [67, 66, 65]] - np.stack([0 * opening, opening], axis=1)[:, None]
        points += jitter
        if carried is not None:
            points = 0.5 * points + 0.5 * carried[0]
            points[0] = carried[0]
        return points, np.stack([points[:, 36:42].mean(axis=1), points[:, 42:48].mean(axis=1)], axis=1)


@dataclass
class FlatHeads:
    """Stage 2 without a network: a head of one colour that depends on seed, drawing and the carried latent."""

    calls: int = 0
    wants: frozenset[Want] = frozenset()

    def window(self, shown: Shown, carried: Tensor | None, seed: int) -> tuple[NDArray[np.uint8], Tensor]:
        frames, mel = 1 if carried is None else 8, shown.mel
        assert shown.drawing.shape == shown.masked_crop.shape == (frames, CROP_PX, CROP_PX, 3)
        assert shown.drawing.any()
        assert shown.points.shape == (frames, 70, 2)
        assert shown.identity.picture.shape == (CROP_PX, CROP_PX, 3)
        assert shown.identity.points.shape == (70, 2)
        assert (shown.masked_crop[:, 121, 128] == 128).all()
        assert (shown.bent is None) == ("bent" not in self.wants)
        self.calls += 1
        levels = np.random.default_rng(seed).random() + shown.drawing.mean(axis=(1, 2, 3)) / 255
        level = levels + mel.mean(axis=(1, 2)) / 16
        latents = torch.from_numpy(level.astype(np.float32)).reshape(-1, 1, 1, 1).expand(-1, 16, 16, 16).clone()
        if carried is not None:
            latents = 0.5 * latents + 0.5 * carried
            latents[0] = carried
        return decode_flat(latents), latents


def decode_flat(latents: Tensor) -> NDArray[np.uint8]:
    """One colour per latent."""
    level = torch.sigmoid(latents.mean(dim=(1, 2, 3))).numpy()
    colour = np.stack([255 * level, 255 - 255 * level, np.full_like(level, 30)], axis=1)
    return np.broadcast_to(colour[:, None, None].astype(np.uint8), (len(level), CROP_PX, CROP_PX, 3)).copy()


def simple_pipeline() -> Pipeline:
    """Both simple stages."""
    return Pipeline(
        landmarks=EnergyFaces(),
        faces=FlatHeads(),
        decode=decode_flat,
        draws_pupils=True,
        why_not=lambda _: None,
        fingerprint="simple",
        description={"whom": "anybody"},
    )
