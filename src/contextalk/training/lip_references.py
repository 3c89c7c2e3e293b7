"""Lip references of training clips: each from a generator that never saw the clip, ours or Wav2Lip."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from contextalk.core.choices import Progress
from contextalk.core.geometry import LIP_PX
from contextalk.dataset.clips import Clip
from contextalk.generation.lip_references import wav2lip_references
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.lips import LipGenerator
from contextalk.models.machine import keep, move
from contextalk.models.wav2lip import CHUNK_LEAD_S, Wav2Lip
from contextalk.training.clip_workers import map_clips
from contextalk.training.identities import KnownHead, lent_heads, moment_of, spare_identities
from contextalk.training.latents import LatentClip, list_clips, write_clip
from contextalk.training.objectives.lips import fold_of
from contextalk.training.windows import WindowBatch, take_frames

_FORMAT = 1
"""Raised when references come to be drawn otherwise: older caches are then left aside."""

_UNTOLD = 128
"""Grey of a reference where nobody lends a face to draw on: the mean of all references, which tells nothing."""


class FoldedLips:
    """Makes (B, F, 1, 16, 16) references for batches of one window set."""

    def __init__(self, lips: LipGenerator, clips: list[LatentClip], *, fold: int | None = None) -> None:
        """Choose generators.

        Args:
            lips: Trained generators.
            clips: Those of the window set, in its order.
            fold: Use this generator for all; None: for each clip the one kept from it.
        """
        self.lips = lips.eval().requires_grad_(requires_grad=False)
        folds = [fold_of(clip.key, lips.config.folds) if fold is None else fold for clip in clips]
        self.fold_of_frame = torch.cat([torch.full((len(clip),), of) for clip, of in zip(clips, folds, strict=True)])

    def __call__(self, windows: WindowBatch) -> Tensor:
        """References of a batch."""
        folds = move(self.fold_of_frame[windows.frames[:, 0]], windows.mel.device)
        with torch.no_grad():
            drawn = torch.stack(
                [self.lips(windows.mel, windows.identity, fold) for fold in range(len(self.lips.folds))]
            )
        return drawn[folds, torch.arange(len(folds), device=folds.device)].float()


class DrawnLips:
    """Looks up (B, F, 1, 16, 16) references that were drawn beforehand, for batches of one window set."""

    def __init__(self, drawn: dict[str, Tensor], clips: list[LatentClip], device: torch.device) -> None:
        """Stack the references of the set's clips, in its order, (F, 16, 16) uint8 each, where its tensors are."""
        self.drawn = keep({"lips": torch.cat([drawn[clip.key] for clip in clips])}, device)["lips"]

    def __call__(self, windows: WindowBatch) -> Tensor:
        """References of a batch."""
        return take_frames(self.drawn, windows.frames, windows.mel.device)[:, :, None] / 127.5 - 1


def cached_references(
    dataset: Path,
    clips: Sequence[LatentClip],
    network: Wav2Lip,
    cache: Path,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Tensor]:
    """Wav2Lip's references of clips, (F, 16, 16) uint8 by key; what is not in the cache yet is drawn and added.

    The face that speaks is the one that is bent to a clip (`identities.py`): never from a window that the frame can be
    in. Without one the reference is grey.

    Args:
        dataset: Folder written by `prepare`.
        clips: Of it.
        network: Of published weights, on the device that shall draw.
        cache: Folder of these weights; a clip is a file of its own, written whole or not at all.
        workers: Processes that read; this one draws.
        progress: Called once a clip.
    """
    rows, files = list_clips(dataset)
    folder = cache / str(_FORMAT)
    folder.mkdir(parents=True, exist_ok=True)
    missing = sorted({clip.key for clip in clips if not (folder / files[clip.key]).is_file()})
    if missing:
        known = spare_identities(dataset, rows, workers=workers)
        lenders = {key: known.get(rows[key], ()) for key in missing}
        for done, (key, lent, mel) in enumerate(map_clips(dataset, lenders, _hear_clip, workers=workers), start=1):
            drawn = np.full((len(mel), LIP_PX, LIP_PX), _UNTOLD, np.uint8)
            for part, head in lent:
                if head is not None:
                    drawn[part] = wav2lip_references(network, head.picture, head.points, mel[part])
            write_clip(folder / files[key], {"lips": torch.from_numpy(drawn)})
            if progress is not None:
                progress("lip references", done, len(missing))
    return {clip.key: load_file(folder / files[clip.key])["lips"] for clip in clips}


def _hear_clip(
    clip: Clip, identities: Sequence[KnownHead]
) -> tuple[str, list[tuple[slice, KnownHead | None]], NDArray[np.float32]]:
    """Who speaks in each part of a clip, and what."""
    points = clip.crop.to_crop(np.concatenate([clip.landmarks.points, clip.landmarks.pupils], axis=1))
    lent = lent_heads(clip.key, clip.head, points, identities, moment_of(clip))
    return clip.key, lent, mel_chunks(mel_spectrogram(clip.wave), len(clip), lead_s=CHUNK_LEAD_S)
