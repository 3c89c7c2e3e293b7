"""Guesses of stage 1 for training: what the condition encoders regress, drawn, once for every frame."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from contextalk.core.geometry import CROP_PX
from contextalk.core.records import Progress
from contextalk.media.drawing import draw_faces
from contextalk.models.codec import Codec
from contextalk.models.machine import device_of, keep
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.pictures import encode_pictures, inference
from contextalk.training.objectives.denoising import Lesson
from contextalk.training.windows import Guesses, WindowBatch, WindowSet

_FRAMES_AT_ONCE = 64


def cached_guesses(
    network: MVControlNet,
    lesson: Lesson,
    windows: WindowSet,
    codec: Codec,
    cache: Path,
    *,
    draws_pupils: bool,
    progress: Progress | None = None,
) -> Guesses:
    """Guess and draw every frame of a set, or read what was drawn before.

    Args:
        network: Its condition encoders regress the points; they stay as they are from here on.
        lesson: Says what c_l is.
        windows: The set.
        codec: Encodes the drawings.
        cache: Folder for the result, named by weights and frames.
        draws_pupils: How drawings are made.
        progress: Told of the frames done.
    """
    path = cache / f"guesses-{_key(network, windows)}.safetensors"
    if not path.is_file():
        network.eval()

        def draw(batch: WindowBatch, *, first: bool, stranger: bool = False) -> Tensor:
            with inference(device_of(network)):
                told = lesson.regression(batch, first=first, stranger=stranger)
                points = network.regress_points(told)[:, 0] * CROP_PX
            drawings = draw_faces(points.cpu().numpy(), draws_pupils=draws_pupils)
            return encode_pictures(codec, drawings, "drawing").half().cpu()

        everything = torch.arange(len(windows.clip_of))
        drawn = {
            "first": _fill(windows, windows.begins, lambda batch: draw(batch, first=True), progress),
            "sequence": _fill(windows, everything, lambda batch: draw(batch, first=False), progress),
        }
        if "others" in lesson.modalities:
            drawn["stranger"] = _fill(
                windows, everything, lambda batch: draw(batch, first=False, stranger=True), progress
            )
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save_file(drawn, part)
        part.replace(path)
    stored = keep(load_file(path), windows.device)
    return Guesses(first=stored["first"], sequence=stored["sequence"], stranger=stored.get("stranger"))


def _fill(
    windows: WindowSet, frames: Tensor, draw: Callable[[WindowBatch], Tensor], progress: Progress | None
) -> Tensor:
    made = torch.full(windows.tensors["drawing"].shape, float("nan"), dtype=torch.float16)
    for done, chosen in enumerate(frames.split(_FRAMES_AT_ONCE), start=1):
        made[chosen] = draw(windows.take(chosen, torch.Generator().manual_seed(done), length=1))
        if progress is not None:
            progress("guesses", min(done * _FRAMES_AT_ONCE, len(frames)), len(frames))
    return made


def _key(network: MVControlNet, windows: WindowSet) -> str:
    """16 hex digits over what regresses and the frames' points."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if name.split(".")[0] in network.REGRESSION:
            digest.update(name.encode() + value.float().cpu().contiguous().numpy().tobytes())
    digest.update(windows.tensors["points"].cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
