"""Drawn people dubbed by real ones: what stage 1 learns real speech from.

Voices of synthetic footage are synthetic. A network that has heard no others moves mouths to real speech by chance
(docs/log.md), and real footage alone teaches nobody to turn. So clips are dubbed: the sound is a real sentence's, jaw
and lips move as its speaker's did, everything else is the clip's. Stage 1 sees landmarks and drawings alone, so that
nothing need be filmed again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from contextalk.core.errors import DatasetError
from contextalk.core.geometry import Points
from contextalk.core.records import NUM_POINTS, Progress, mouth_opening
from contextalk.core.time import WINDOW_FRAMES
from contextalk.dataset.clips import Soundtrack, read_soundtracks
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.faces.retarget import lend_mouth
from contextalk.media.drawing import draw_faces
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.codec import Codec
from contextalk.models.pictures import encode_pictures
from contextalk.training.latents import LatentClip, codec_key, list_clips, write_clip

_STILL = 0.004
"""Deviation of the opening, in distances of the outer eye corners, below which a mouth rests: a quiet man who speaks
has 0.017, one who listens 0.0006."""

_FORMAT = 2
"""Raised when a dubbed clip's tensors change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Somebody who speaks.

    Attributes:
        key, person, split: As in the dataset.
        mel: (F, 80, 16) float16.
        points: (F, 68, 2) scene px.
    """

    key: str
    person: str
    split: str
    mel: NDArray[np.float16]
    points: Points

    def __len__(self) -> int:
        return len(self.points)


def read_sentences(dataset: Path, judge_share: float = 0.0) -> list[Sentence]:
    """What is said in a dataset of real speakers: training and validation clips longer than a window whose mouths move.

    Args:
        dataset: Folder written by `prepare`.
        judge_share: Share of its training clips that is kept for judges.

    Raises:
        DatasetError: None does.
    """
    rows, _ = list_clips(dataset)
    wanted = [
        key
        for key, (_, split) in rows.items()
        if split == "val" or (split == "train" and not is_kept_for_judges(key, judge_share))
    ]
    heard = [_hear(track) for track in read_soundtracks(dataset, keys=wanted) if _speaks(track)]
    if not any(sentence.split == "train" for sentence in heard):
        raise DatasetError(f"{dataset} has nobody in its training split who speaks")
    return heard


def _speaks(track: Soundtrack) -> bool:
    return len(track.landmarks) > WINDOW_FRAMES and float(np.std(track.landmarks.mouth_open)) > _STILL


def _hear(track: Soundtrack) -> Sentence:
    return Sentence(
        key=track.key,
        person=track.person,
        split=track.split,
        mel=mel_chunks(mel_spectrogram(track.wave), len(track.landmarks)).astype(np.float16),
        points=track.landmarks.points,
    )


def dub_clips(
    clips: Sequence[LatentClip],
    sentences: Sequence[Sentence],
    codec: Codec,
    cache: Path,
    *,
    draws_pupils: bool,
    seed: int,
    progress: Progress | None = None,
) -> list[LatentClip]:
    """Every sentence said once, by a clip of the list: as much of it as fits, where the mouth is open most.

    What is in the cache is read.

    Args:
        clips: Who is dubbed, all of one split.
        sentences: What is said, of the same split.
        codec: Encodes the drawings.
        cache: Folder; a dubbed clip is a file of its own, written whole or not at all.
        draws_pupils: How drawings are made.
        seed: Decides who says what.
        progress: Called once a sentence.
    """
    folder = cache / f"dubbed-{codec_key(codec)}-{'pupils' if draws_pupils else 'plain'}-{_FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    shares = _shares(clips, sentences)
    order = np.random.default_rng(seed).permutation(len(clips))
    dubbed: list[LatentClip] = []
    for index, sentence in enumerate(sentences):
        clip, share = clips[order[index % len(clips)]], shares[sentence.person]
        path = folder / f"{_name(clip, sentence, share)}.safetensors"
        if not path.is_file():
            made = _dub(clip, sentence, share, codec, draws_pupils=draws_pupils)
            write_clip(path, {name: getattr(made, name) for name in ("mel", "points", "drawing")})
            if progress is not None:
                progress("dubbing", index + 1, len(sentences))
        changed = load_file(path)
        kept = {name: getattr(clip, name)[: len(changed["mel"])] for name in _KEPT}
        dubbed.append(
            LatentClip(key=f"{clip.key}+{sentence.key}", person=clip.person, split=clip.split, **kept, **changed)
        )
    return dubbed


_KEPT = ("face", "masked", "bent", "scene", "place", "others", "lips")


def _dub(clip: LatentClip, sentence: Sentence, share: float, codec: Codec, *, draws_pupils: bool) -> LatentClip:
    length = min(len(clip), len(sentence))
    first = _most_spoken(sentence.points, length)
    points = clip.points[:length].numpy().copy()
    points[:, :NUM_POINTS] = lend_mouth(points[:, :NUM_POINTS], sentence.points[first : first + length], share)
    drawings = draw_faces(points, draws_pupils=draws_pupils)
    return replace(
        clip,
        mel=torch.from_numpy(sentence.mel[first : first + length].copy()),
        points=torch.from_numpy(points),
        drawing=encode_pictures(codec, drawings, "drawing").half().cpu(),
    )


def _shares(clips: Sequence[LatentClip], sentences: Sequence[Sentence]) -> dict[str, float]:
    """How much of each speaker's mouth is taken over: drawn mouths open as wide as they are used to."""
    wanted = _spread([clip.points.numpy() for clip in clips])
    length = max(len(clip) for clip in clips)
    said: defaultdict[str, list[Points]] = defaultdict(list)
    for sentence in sentences:
        said[sentence.person].append(sentence.points[_most_spoken(sentence.points, length) :][:length])
    return {person: wanted / _spread(faces) for person, faces in said.items()}


def _spread(faces: Sequence[Points]) -> float:
    """What nine of ten openings stay below, in distances of the outer eye corners."""
    return float(np.quantile(np.concatenate([mouth_opening(points) for points in faces]), 0.9))


def _most_spoken(points: Points, length: int) -> int:
    """Where the stretch of `length` frames begins in which the mouth is open most."""
    length = min(length, len(points))
    opened = np.concatenate([[0.0], np.cumsum(mouth_opening(points))])
    return int(np.argmax(opened[length:] - opened[: len(opened) - length]))


def _name(clip: LatentClip, sentence: Sentence, share: float) -> str:
    """The file of a dubbed clip: other landmarks, sound or share are another file."""
    digest = hashlib.sha256(f"{clip.key} {sentence.key} {share:.6f}".encode())
    digest.update(clip.points.numpy().tobytes() + sentence.points.tobytes() + sentence.mel.tobytes())
    return digest.hexdigest()[:24]
