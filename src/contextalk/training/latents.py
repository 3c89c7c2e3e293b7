"""Latent cache: a dataset's clips through a frozen codec, once, keyed by the codec's weights."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from contextalk.core.errors import DatasetError
from contextalk.core.records import Progress
from contextalk.core.time import WINDOW_FRAMES
from contextalk.dataset.clips import Clip
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.faces.lips import lip_pictures
from contextalk.faces.others import describe_others
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.codec import Codec, Domain
from contextalk.models.pictures import Frames, encode_pictures
from contextalk.training.clip_workers import map_clips
from contextalk.training.identities import KnownHead, bent_heads, moment_of, spare_identities
from contextalk.training.pictures import clip_pictures

_FORMAT = 8
"""Raised when a clip's tensors change: older caches are then left aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentClip:
    """One clip as the generating networks learn it.

    Attributes:
        key, person, split: As in the dataset.
        face, masked, drawing, scene: (F, 16, 16, 16) float16 latents of head crop, masked crop, drawing and scene view.
        bent: (F, 16, 16, 16) float16 latents of an identity from outside the window, bent to the landmarks and laid
            into the masked crop.
        mel: (F, 80, 16) float16.
        place: (F, 3) float32.
        others: (F, 3, 7) float32, who is around the target.
        points: (F, 70, 2) float32 crop px.
        lips: (F, 16, 16) uint8 truth of the lip reference.
    """

    key: str
    person: str
    split: str
    face: Tensor
    masked: Tensor
    bent: Tensor
    drawing: Tensor
    scene: Tensor
    mel: Tensor
    place: Tensor
    others: Tensor
    points: Tensor
    lips: Tensor

    def __len__(self) -> int:
        return len(self.face)


def codec_key(codec: Codec) -> str:
    """Names the cache of a codec: 16 hex digits over its weights and statistics."""
    digest = hashlib.sha256()
    for name, value in sorted(codec.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenClip:
    """One clip before the codec, as arrays: tensors would travel between processes by open files.

    Attributes:
        key: As in the dataset.
        pictures: (F, 256, 256, 3) uint8 by the name of the latent they become.
        rest: What else a `LatentClip` has.
    """

    key: str
    pictures: dict[str, Frames]
    rest: dict[str, NDArray[Any]]


def cached_latents(
    dataset: Path,
    codec: Codec,
    cache: Path,
    *,
    draws_pupils: bool,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[LatentClip]:
    """All clips of a dataset as latents; what is not in the cache yet is made and added.

    Args:
        dataset: Folder written by `prepare`.
        codec: Trained codec with its statistics set, on the device that shall encode.
        cache: Folder; a clip is a file of its own, written whole or not at all.
        draws_pupils: How drawings are made.
        workers: Processes that read and draw; this one encodes.
        progress: Called once a clip.

    Raises:
        DatasetError: No clips in the dataset.
    """
    folder = cache / f"{codec_key(codec)}-{'pupils' if draws_pupils else 'plain'}-{_FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    clips: list[LatentClip] = []
    rows, files = list_clips(dataset)
    missing = [key for key in rows if not (folder / files[key]).is_file()]
    if missing:
        known = spare_identities(dataset, rows, workers=workers)
        lenders = {key: known.get(rows[key], ()) for key in missing}
        seen = map_clips(dataset, lenders, partial(see_clip, draws_pupils=draws_pupils), workers=workers)
        for done, clip in enumerate(seen, start=1):
            write_clip(folder / files[clip.key], encode_clip(clip, codec))
            if progress is not None:
                progress("latents", done, len(missing))
    for key, (person, split) in rows.items():
        clips.append(LatentClip(key=key, person=person, split=split, **load_file(folder / files[key])))
    if not clips:
        raise DatasetError(f"{dataset} has no clips to train on; its manifest says why each was rejected")
    return clips


_DOMAINS: dict[str, Domain] = {
    "face": "face",
    "masked": "face",
    "bent": "face",
    "drawing": "drawing",
    "scene": "scene",
}
"""What the pictures of a clip show."""


def see_clip(clip: Clip, identities: Sequence[KnownHead], *, draws_pupils: bool) -> SeenClip:
    """Draw what the networks see of a clip.

    Args:
        clip: The clip.
        identities: Heads of the person from several clips.
        draws_pupils: How drawings are made.
    """
    seen = clip_pictures(clip, draws_pupils=draws_pupils)
    return SeenClip(
        key=clip.key,
        pictures={
            "face": seen.head,
            "masked": seen.masked,
            "bent": bent_heads(clip.key, seen, identities, moment_of(clip)),
            "drawing": seen.drawing,
            "scene": seen.scene,
        },
        rest={
            "mel": mel_chunks(mel_spectrogram(clip.wave), len(clip)).astype(np.float16),
            "place": clip.crop.place(clip.landmarks.size_px),
            "others": describe_others(clip.others, clip.crop),
            "points": seen.points,
            "lips": lip_pictures(seen.head, seen.points),
        },
    )


def encode_clip(clip: SeenClip, codec: Codec) -> dict[str, Tensor]:
    """The tensors of a `LatentClip`, on the CPU."""
    latents = {
        name: encode_pictures(codec, frames, _DOMAINS[name]).half().cpu() for name, frames in clip.pictures.items()
    }
    return {**latents, **{name: torch.from_numpy(value) for name, value in clip.rest.items()}}


def list_clips(dataset: Path) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Kept clips: key → (person, split), and key → file in the cache.

    A shard's name tells content and parameters of its source: a clip prepared anew is another file.
    """
    from contextalk.dataset.manifest import read_manifest

    kept = [row for row in read_manifest(dataset).to_pylist() if row["shard"]]
    shards = {row["key"]: hashlib.sha256(row["shard"].encode()).hexdigest()[:8] for row in kept}
    return (
        {row["key"]: (row["person"], row["split"]) for row in kept},
        {key: f"{key}-{shard}.safetensors" for key, shard in shards.items()},
    )


def write_clip(path: Path, tensors: dict[str, Tensor]) -> None:
    """A clip's file in a cache, whole or not at all."""
    part = path.with_suffix(".part")
    save_file({name: value.contiguous() for name, value in tensors.items()}, part)
    part.replace(path)


def split_clips(clips: Iterable[LatentClip], judge_share: float = 0.0) -> tuple[list[LatentClip], list[LatentClip]]:
    """(training, validation) clips that windows can be drawn from.

    A clip shorter than a window is left out, and one of a person who has no frame outside it in the same split: there
    would be no identity.
    A dataset too small for validation clips is watched on its last training clip.

    Raises:
        DatasetError: No clip for training is left.
    """
    given = list(clips)
    whole = [clip for clip in given if len(clip) >= WINDOW_FRAMES]
    taught = [clip for clip in whole if clip.split != "train" or not is_kept_for_judges(clip.key, judge_share)]
    frames = Counter[tuple[str, str]]()
    for clip in taught:
        frames[clip.person, clip.split] += len(clip)
    everything = [clip for clip in taught if frames[clip.person, clip.split] > WINDOW_FRAMES]
    training = [clip for clip in everything if clip.split == "train"]
    held_out = [clip for clip in everything if clip.split == "val"]
    if not training:
        raise DatasetError(
            f"none of the dataset's {len(given)} clips is in the training split and longer than {WINDOW_FRAMES} frames"
        )
    return training, held_out or training[-1:]


def stack_frames(clips: list[LatentClip], name: str) -> Tensor:
    """One tensor of all clips' frames, in order."""
    return torch.cat([getattr(clip, name) for clip in clips])


def clip_starts(clips: list[LatentClip]) -> np.ndarray:
    """Where each clip begins in `stack_frames`, and the end."""
    return np.cumsum([0, *(len(clip) for clip in clips)])
