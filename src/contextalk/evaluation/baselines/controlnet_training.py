"""Teaching the two controls on a dataset of ours; Stable Diffusion itself stays as published (Zhang et al. 2023)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.core.records import Progress
from contextalk.dataset.clips import Clip, read_clips
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.evaluation.baselines.controlnet_models import ControlCard, SceneControlNet
from contextalk.faces.views import scene_view_from_resized
from contextalk.media.drawing import draw_landmarks
from contextalk.models.pictures import Frames

STEPS = 230_000
"""The paper's (Sec. 5.2)."""

TRAINER = "trainer.pt"
_POOL, _FRAMES_A_CLIP = 2048, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """How long and how fast.

    Attributes:
        steps: Optimiser steps in all.
        batch: Pictures a step.
        learning_rate: Of AdamW; the usual one of ControlNet.
        save_every: Steps between saves.
        seed: Root of all randomness.
        judge_share: Share of the training clips that teach judges and are not looked at, as in `TrainConfig`.
    """

    steps: int = STEPS
    batch: int = 8
    learning_rate: float = 1e-5
    save_every: int = 1000
    seed: int = 0
    judge_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A frame: the head (256, 256, 3) and what the controls see of it, uint8."""

    head: Frames
    scene: Frames
    drawing: Frames


def train_controlnet(
    models: SceneControlNet, dataset: Path, output: Path, lessons: Lessons, progress: Progress | None = None
) -> float:
    """Train both controls on the training split; stopped and called again, it goes on after the last save.

    Args:
        models: As `SceneControlNet.load(base, None, …)` gives them.
        dataset: Written by `contextalk prepare`.
        output: Folder of the controls; `ControlNet` reads it.
        lessons: How long.
        progress: Told steps done.

    Returns:
        Mean error of the last hundred steps.

    Raises:
        DatasetError: No dataset, or no clip to train on.
    """
    output.mkdir(parents=True, exist_ok=True)
    trained = torch.nn.ModuleDict(models.controls).train()
    optimiser = torch.optim.AdamW(trained.parameters(), lr=lessons.learning_rate)
    done = _resume(output, trained, optimiser, models.device)
    # The data goes on with other draws than an uninterrupted run would see: passes are streamed, not indexed.
    examples = stream(dataset, np.random.default_rng([lessons.seed, done]), lessons.judge_share)
    errors: list[float] = []
    for step in range(done, lessons.steps):
        generator = torch.Generator().manual_seed(lessons.seed * 2**31 + step)
        error = denoising_error(models, [next(examples) for _ in range(lessons.batch)], generator)
        optimiser.zero_grad()
        error.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        errors.append(float(error.detach()))
        if (step + 1) % lessons.save_every == 0 or step + 1 == lessons.steps:
            _save(output, models, trained, optimiser, step + 1, lessons.batch)
        if progress is not None:
            progress("controls", step + 1, lessons.steps)
    trained.eval()
    return float(np.mean(errors[-100:])) if errors else float("nan")


def denoising_error(models: SceneControlNet, examples: list[Example], generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted noise at random times."""
    clean = models.encode(np.stack([example.head for example in examples]), generator)
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    steps = models.scheduler.config.num_train_timesteps
    time = torch.randint(steps, (len(clean),), generator=generator).to(clean.device)
    views = {
        "scene": models.views(np.stack([example.scene for example in examples])),
        "drawing": models.views(np.stack([example.drawing for example in examples])),
    }
    predicted = models.predict(models.scheduler.add_noise(clean, noise, time), time, views)
    return functional.mse_loss(predicted.float(), noise)


def stream(dataset: Path, random: np.random.Generator, judge_share: float = 0.0) -> Iterator[Example]:
    """Frames of the training split without end, mixed over the clips read last; none of a clip that teaches judges.

    Raises:
        DatasetError: No clip is left.
    """
    pool: list[Example] = []
    while True:
        seen = 0
        for clip in read_clips(dataset, "train"):
            if is_kept_for_judges(clip.key, judge_share):
                continue
            for frame in random.choice(len(clip), min(_FRAMES_A_CLIP, len(clip)), replace=False):
                seen += 1
                pool.append(example_of(clip, int(frame)))
                if len(pool) > _POOL:
                    yield pool.pop(int(random.integers(len(pool))))
        if not seen:
            raise DatasetError(f"{dataset} has no clip to train on")
        # A small dataset never fills the pool: what one pass gave is used up before the next.
        kept = _POOL // 2 if seen > _POOL // 2 else 0
        while len(pool) > kept:
            yield pool.pop(int(random.integers(len(pool))))


def example_of(clip: Clip, frame: int) -> Example:
    """What head, scene view and drawing of a frame look like, as generation shows them."""
    crop = clip.crop[frame : frame + 1]
    points = crop.to_crop(clip.landmarks.points[frame : frame + 1])[0]
    pupils = crop.to_crop(clip.landmarks.pupils[frame : frame + 1])[0]
    centre: NDArray[np.floating] = crop.centre_px[0]
    return Example(
        head=clip.head[frame],
        scene=scene_view_from_resized(clip.scene[frame], clip.landmarks.size_px, centre, float(crop.side_px[0])),
        drawing=draw_landmarks(points, pupils),
    )


def _save(
    output: Path,
    models: SceneControlNet,
    trained: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    done: int,
    batch: int,
) -> None:
    part = output / f"{TRAINER}.part"
    torch.save({"controls": trained.state_dict(), "optimiser": optimiser.state_dict(), "done": done}, part)
    part.replace(output / TRAINER)
    models.save_controls(output, ControlCard(seen=done * batch, draws_pupils=True))


def _resume(output: Path, trained: torch.nn.Module, optimiser: torch.optim.Optimizer, device: torch.device) -> int:
    path = output / TRAINER
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True, map_location=device)
    trained.load_state_dict(state["controls"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["done"])
