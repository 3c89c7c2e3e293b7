"""Latent cache: a dataset's clips through a frozen codec, once, keyed by the codec's weights."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from contextalk.core.errors import DatasetError
from contextalk.core.records import Progress
from contextalk.core.time import WINDOW_FRAMES
from contextalk.dataset.clips import Clip, read_clips
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.codec import Codec, Domain
from contextalk.models.pictures import Frames, encode_pictures
from contextalk.training.identities import KnownHead, bent_heads, spare_identities
from contextalk.training.pictures import clip_pictures, lip_pictures

_FORMAT = 2
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
    points: Tensor
    lips: Tensor

    def __len__(self) -> int:
        return len(self.face)


def codec_key(codec: Codec) -> str:
    """Names the cache of a codec: 16 hex digits over its weights and statistics."""
    digest = hashlib.sha256()
    for name, value in sorted(codec.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def cached_latents(
    dataset: Path, codec: Codec, cache: Path, *, draws_pupils: bool, progress: Progress | None = None
) -> list[LatentClip]:
    """All clips of a dataset as latents; what is not in the cache yet is made and added.

    Args:
        dataset: Folder written by `prepare`.
        codec: Trained codec with its statistics set.
        cache: Folder; a clip is a file of its own, written whole or not at all.
        draws_pupils: How drawings are made.
        progress: Called once a clip.

    Raises:
        DatasetError: No clips in the dataset.
    """
    folder = cache / f"{codec_key(codec)}-{'pupils' if draws_pupils else 'plain'}-{_FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    clips: list[LatentClip] = []
    rows = _list_clips(dataset)
    missing = [key for key in rows if not (folder / f"{key}.safetensors").is_file()]
    if missing:
        known = spare_identities(dataset, rows)
        for done, clip in enumerate(read_clips(dataset, keys=set(missing)), start=1):
            tensors = encode_clip(clip, codec, known.get(clip.person, ()), draws_pupils=draws_pupils)
            _write(folder / f"{clip.key}.safetensors", tensors)
            if progress is not None:
                progress("latents", done, len(missing))
    for key, (person, split) in rows.items():
        clips.append(LatentClip(key=key, person=person, split=split, **load_file(folder / f"{key}.safetensors")))
    if not clips:
        raise DatasetError(f"{dataset} has no clips to train on; its manifest says why each was rejected")
    return clips


def encode_clip(
    clip: Clip, codec: Codec, identities: Sequence[KnownHead] = (), *, draws_pupils: bool
) -> dict[str, Tensor]:
    """The tensors of a `LatentClip`.

    Args:
        clip: The clip.
        codec: Encodes.
        identities: Heads of the person from several clips; those of this one are not used.
        draws_pupils: How drawings are made.
    """
    seen = clip_pictures(clip, draws_pupils=draws_pupils)
    pictures: dict[str, tuple[Frames, Domain]] = {
        "face": (seen.head, "face"),
        "masked": (seen.masked, "face"),
        "bent": (bent_heads(clip.key, seen, identities), "face"),
        "drawing": (seen.drawing, "drawing"),
        "scene": (seen.scene, "scene"),
    }
    latents = {name: encode_pictures(codec, frames, domain).half() for name, (frames, domain) in pictures.items()}
    return {
        **latents,
        "mel": torch.from_numpy(mel_chunks(mel_spectrogram(clip.wave), len(clip))).half(),
        "place": torch.from_numpy(clip.crop.place(clip.landmarks.size_px)),
        "points": torch.from_numpy(seen.points),
        "lips": torch.from_numpy(lip_pictures(seen.head, seen.points)),
    }


def _list_clips(dataset: Path) -> dict[str, tuple[str, str]]:
    """Kept clips: key → (person, split)."""
    from contextalk.dataset.manifest import read_manifest

    table = read_manifest(dataset).to_pylist()
    return {row["key"]: (row["person"], row["split"]) for row in table if row["shard"]}


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    part = path.with_suffix(".part")
    save_file({name: value.contiguous() for name, value in tensors.items()}, part)
    part.replace(path)


def split_clips(clips: Iterable[LatentClip], judge_share: float = 0.0) -> tuple[list[LatentClip], list[LatentClip]]:
    """(training, validation) clips that windows can be drawn from.

    A clip shorter than a window is left out, and one of a person with no frame outside it: there would be no identity.
    A dataset too small for validation clips is watched on its last training clip.

    Raises:
        DatasetError: No clip for training is left.
    """
    given = list(clips)
    frames = Counter[str]()
    for clip in given:
        frames[clip.person] += len(clip)
    everything = [clip for clip in given if len(clip) >= WINDOW_FRAMES and frames[clip.person] > WINDOW_FRAMES]
    training = [clip for clip in everything if clip.split == "train" and not is_kept_for_judges(clip.key, judge_share)]
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
