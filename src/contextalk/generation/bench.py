"""How fast a bundle generates: windows of both stages as `generate` calls them, without reading and writing video."""

from collections.abc import Callable
from itertools import count

import numpy as np
import torch

from contextalk.core.geometry import CROP_PX
from contextalk.core.records import OTHERS_SHAPE
from contextalk.core.time import RATE_HZ, WINDOW_FRAMES
from contextalk.diffusion.samplers import sample
from contextalk.faces.head_model import head_points
from contextalk.faces.warp import lay_heads
from contextalk.generation.identity import IdentityHead
from contextalk.generation.pipeline import Shown, Told
from contextalk.generation.stages import Drawing, Stage1, Stage2
from contextalk.media.drawing import draw_faces
from contextalk.models.bundle import Bundle
from contextalk.models.codec import latent_shape
from contextalk.models.conditions import Condition
from contextalk.models.machine import describe
from contextalk.models.pictures import inference
from contextalk.models.speed import forget_peak_memory, peak_memory_mb, seconds_each

_NEW_FRAMES = WINDOW_FRAMES - 1


def measure_generation(
    bundle: Bundle, drawing: Drawing, *, streams: int, at_least_s: float, compile_mode: str | None
) -> dict[str, float | str]:
    """Time both stages on noise for pictures.

    Args:
        bundle: On its device; its weights do not matter.
        drawing: Solver and steps.
        streams: Windows that stage 2's network and decoder draw at once in the last figure.
        at_least_s: How long for each figure.
        compile_mode: Of `torch.compile`, for the generating networks; None: eager.
    """
    for network in bundle.networks.values():
        if compile_mode is not None:
            network.compile(mode=compile_mode)
    device = bundle.device
    forget_peak_memory(device)
    stage_1, stage_2 = _windows(bundle, drawing)
    first_s = seconds_each(lambda: (stage_1(1), stage_2(1)), device, at_least_s=at_least_s)
    landmarks_s = seconds_each(lambda: stage_1(WINDOW_FRAMES), device, at_least_s=at_least_s)
    heads_s = seconds_each(lambda: stage_2(WINDOW_FRAMES), device, at_least_s=at_least_s)
    many_s = seconds_each(_many(bundle, drawing, streams), device, at_least_s=at_least_s)
    one_fps = _NEW_FRAMES / (landmarks_s + heads_s)
    return {
        "device": describe(device),
        "sampler": drawing.sampler,
        "steps": float(drawing.num_steps),
        "compiled": compile_mode or "no",
        "ms to the first frame": 1000 * first_s,
        "ms a window, stage 1": 1000 * landmarks_s,
        "ms a window, stage 2": 1000 * heads_s,
        "frames/s, one stream": one_fps,
        "times real time": one_fps / RATE_HZ,
        f"heads/s, {streams} streams, network and decoder": streams * _NEW_FRAMES / many_s,
        "peak memory MB": peak_memory_mb(device),
    }


def _windows(bundle: Bundle, drawing: Drawing) -> tuple[Callable[[int], object], Callable[[int], object]]:
    """Stage 1 and stage 2 on a window of F frames, F = 1 without a carried frame."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (WINDOW_FRAMES, CROP_PX, CROP_PX, 3), dtype=np.uint8)
    mel = random.normal(size=(WINDOW_FRAMES, 80, 16)).astype(np.float32)
    place = np.full((WINDOW_FRAMES, 3), 0.5, np.float32)
    others = np.zeros((WINDOW_FRAMES, *OTHERS_SHAPE), np.float32)
    face = _face()
    faces = np.repeat(face[None], WINDOW_FRAMES, axis=0)
    head = IdentityHead(picture=pictures[0], points=face)
    carried = torch.zeros(latent_shape(1, 1)[2:])
    landmarks, heads = Stage1(bundle, drawing), Stage2(bundle, drawing)
    seeds = count()

    def stage_1(frames: int) -> object:
        before = None if frames == 1 else (face[:68], face[68:])
        told = Told(
            mel=mel[:frames],
            others=others[:frames],
            scene_view=pictures[:frames],
            place=place[:frames],
            identity_head=pictures[0],
        )
        return landmarks.window(told, before, next(seeds))

    def stage_2(frames: int) -> object:
        drawn = draw_faces(faces[:frames], draws_pupils=bundle.card.models.draws_pupils)
        before = None if frames == 1 else carried
        shown = Shown(
            drawing=drawn,
            masked_crop=pictures[:frames],
            points=faces[:frames],
            times_s=np.arange(frames) / RATE_HZ,
            mel=mel[:frames],
            lip_mel=mel[:frames],
            identity=head,
            bent=lay_heads(pictures[:frames], head.picture, face, faces[:frames]) if "bent" in heads.wants else None,
        )
        return heads.window(shown, before, next(seeds))

    return stage_1, stage_2


def _many(bundle: Bundle, drawing: Drawing, streams: int) -> Callable[[], object]:
    """Stage 2's solver and decoder on windows of many streams at once: what a server would batch."""
    network, models, device = bundle.network("face", "sequence"), bundle.card.models, bundle.device
    shape = latent_shape(streams, WINDOW_FRAMES)
    noise = torch.randn(shape, device=device)
    condition = Condition(
        hints=tuple(torch.randn(shape, device=device) for _ in models.face_hints),
        lips=torch.zeros(streams, WINDOW_FRAMES, 1, 16, 16, device=device),
        identity=torch.randn(shape, device=device)[:, 0],
    )

    def act() -> object:
        with inference(device):
            latents = sample(
                lambda noisy, time: network(noisy, time, condition, first_is_clean=True),
                models.process,
                noise,
                sampler=drawing.sampler,
                num_steps=drawing.num_steps,
                carried=noise[:, 0],
                generator=torch.Generator().manual_seed(0),
            )
            return bundle.codec.decode(latents.float(), "face")

    return act


def _face() -> np.ndarray:
    """(70, 2) crop px of the generic head seen from the front."""
    points = head_points()[:, :2]
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    points = points * (0.45 * CROP_PX / np.ptp(points[:, 1])) + CROP_PX / 2
    pupils = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])
    return np.concatenate([points, pupils]).astype(np.float32)
