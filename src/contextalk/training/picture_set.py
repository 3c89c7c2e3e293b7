"""Pictures the codec learns from: a few frames of every clip, held in memory as bytes."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.core.geometry import CROP_PX, LATENT_CELLS
from contextalk.core.records import Progress
from contextalk.dataset.clips import Clip
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.models.codec import DOMAINS, Domain
from contextalk.models.machine import CPU, keep, move
from contextalk.models.pictures import pixels_of
from contextalk.training.clip_workers import map_clips
from contextalk.training.pictures import clip_pictures, picture_weights

_SHARES: dict[Domain, float] = {"face": 0.5, "drawing": 0.25, "scene": 0.25}
_MASKED_SHARE = 0.25
"""How many of the face pictures are masked head crops."""

_DRAWN_WEIGHT = 4.0
"""Extra weight of what is drawn on black: plain L1 collapses thin drawings to black."""

PATCH_PX = 128
"""Side of what the codec learns on: it is convolutional, and a patch where something is to be seen teaches more per
second than a whole picture of wall or of black."""

_MAX_FRAMES = 6_000
_HELD_OUT = 32


class PictureSet:
    """Frames of every clip of a dataset, evenly spaced, at most `_MAX_FRAMES` (about 4 GB)."""

    def __init__(
        self,
        dataset: Path,
        *,
        draws_pupils: bool,
        judge_share: float = 0.0,
        device: torch.device = CPU,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> None:
        """Read the pictures, by `workers` processes, and keep them where batches are wanted, if they fit there."""
        self.device = device
        self.held_out: dict[Domain, Tensor] = {}
        clips = list(_read_some(dataset, draws_pupils, judge_share, workers, progress))
        training = [pictures for split, pictures in clips if split == "train"]
        held_out = [pictures for split, pictures in clips if split == "val"] or training[-1:]
        if not training:
            raise DatasetError(f"{dataset} has no clip in its training split")
        stacked = {name: torch.cat([pictures[name] for pictures in training]) for name in training[0]}
        self._points = stacked.pop("points")
        self.pictures = keep(stacked, device)
        for domain in DOMAINS:
            frames = torch.cat([pictures[domain] for pictures in held_out])
            chosen = torch.linspace(0, len(frames) - 1, min(_HELD_OUT, len(frames))).long()
            self.held_out[domain] = pixels_of(move(frames[chosen], device))

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` patches of all domains, (N, 3, 128, 128) in [−1, 1], and weights (N, 1, 128, 128)."""
        pixels: list[Tensor] = []
        weights: list[Tensor] = []
        for domain, share in _SHARES.items():
            number = max(1, round(count * share))
            chosen = torch.randint(len(self.pictures["face"]), (number,), generator=generator)
            masked = round(number * _MASKED_SHARE) if domain == "face" else 0
            frames = torch.cat([self._take("masked", chosen[:masked]), self._take(domain, chosen[masked:])])
            whole = pixels_of(frames)
            wanted = self._weights(domain, whole, chosen, masked)
            corners = _corners(domain, number, generator)
            pixels.append(_patches(whole, corners))
            weights.append(_patches(wanted, corners))
        return torch.cat(pixels), torch.cat(weights)

    def sample(self, domain: Domain, count: int) -> Tensor:
        """Evenly spaced training pictures of a domain; a quarter of the faces masked, as the networks will see them."""
        total = len(self.pictures[domain])
        chosen = torch.linspace(0, total - 1, min(count, total)).long()
        pictures = self._take(domain, chosen)
        if domain == "face":
            pictures = torch.cat([pictures, self._take("masked", chosen[::4])])
        return pixels_of(pictures)

    def _take(self, name: str, chosen: Tensor) -> Tensor:
        stored = self.pictures[name]
        return move(stored[move(chosen, stored.device)], self.device)

    def _weights(self, domain: Domain, pixels: Tensor, chosen: Tensor, masked: int) -> Tensor:
        plain = torch.ones(len(pixels), 1, CROP_PX, CROP_PX, device=pixels.device)
        if domain == "drawing":
            lit = (pixels.amax(dim=1, keepdim=True) > -0.8).float()
            return 1 + _DRAWN_WEIGHT * functional.max_pool2d(lit, 9, 1, 4)
        if domain == "face":
            fine = move(torch.from_numpy(picture_weights(self._points[chosen[masked:]].numpy())), pixels.device)[
                :, None
            ]
            plain[masked:] = functional.interpolate(fine, size=(CROP_PX, CROP_PX), mode="bilinear")
        return plain


def _corners(domain: Domain, count: int, generator: torch.Generator) -> Tensor:
    """(N, 2) upper left corners, on latent cells: anywhere in a scene view, about the middle of a head or drawing."""
    low, high = (0, CROP_PX - PATCH_PX) if domain == "scene" else (32, 112)
    cell = CROP_PX // LATENT_CELLS
    return torch.randint(low // cell, high // cell + 1, (count, 2), generator=generator) * cell


def _patches(pictures: Tensor, corners: Tensor) -> Tensor:
    return torch.stack(
        [
            picture[:, int(y) : int(y) + PATCH_PX, int(x) : int(x) + PATCH_PX]
            for picture, (x, y) in zip(pictures, corners, strict=True)
        ]
    )


def _read_some(
    dataset: Path, draws_pupils: bool, judge_share: float, workers: int, progress: Progress | None
) -> list[tuple[str, dict[str, Tensor]]]:
    rows = [
        row
        for row in read_manifest(dataset).to_pylist()
        if row["shard"] and not (row["split"] == "train" and is_kept_for_judges(row["key"], judge_share))
    ]
    total = sum(row["num_frames"] for row in rows)
    every = max(1, -(-total // _MAX_FRAMES))
    kept = []
    act = partial(_some, every=every, draws_pupils=draws_pupils)
    read = map_clips(dataset, dict.fromkeys(row["key"] for row in rows), act, workers=workers)
    for done, (split, pictures) in enumerate(read, start=1):
        kept.append((split, {name: torch.from_numpy(value) for name, value in pictures.items()}))
        if progress is not None:
            progress("pictures", done, len(rows))
    return kept


def _some(clip: Clip, _: None, *, every: int, draws_pupils: bool) -> tuple[str, dict[str, NDArray[Any]]]:
    """The split of a clip, and pictures of some of its frames: arrays, as tensors would travel by open files."""
    pictures = clip_pictures(
        clip, slice(every // 2 if every < len(clip) else 0, None, every), draws_pupils=draws_pupils
    )
    frames: dict[str, NDArray[Any]] = {
        "face": pictures.head,
        "masked": pictures.masked,
        "drawing": pictures.drawing,
        "scene": pictures.scene,
    }
    frames["points"] = pictures.points
    return clip.split, {name: np.ascontiguousarray(value) for name, value in frames.items()}
