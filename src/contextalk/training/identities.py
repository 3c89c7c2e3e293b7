"""Which head is bent to a training frame's landmarks: never one of a window that the frame can be in."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contextalk.core.geometry import Points
from contextalk.core.time import WINDOW_FRAMES
from contextalk.dataset.clips import read_clips
from contextalk.faces.warp import lay_heads
from contextalk.models.pictures import Frames
from contextalk.training.pictures import ClipPictures

_CLIPS_A_PERSON = 3
"""How many clips of a person lend a head to the person's other clips."""

_SHORTEST_FRAMES = 4 * WINDOW_FRAMES
"""From here on a clip has halves that can lend heads to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """A head of a person.

    Attributes:
        key: The clip it is from.
        picture: (256, 256, 3) uint8 head crop.
        points: (70, 2) float32 crop px, pupils NaN where unknown.
    """

    key: str
    picture: Frames
    points: Points


def spare_identities(dataset: Path, clips: Mapping[str, tuple[str, str]]) -> dict[str, list[KnownHead]]:
    """The middle head of some clips of every person who has several.

    Args:
        dataset: Folder written by `prepare`.
        clips: Key → (person, split).
    """
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key, (person, _) in clips.items():
        keys[person].append(key)
    chosen = {key for ours in keys.values() if len(ours) > 1 for key in sorted(ours, key=_order)[:_CLIPS_A_PERSON]}
    heads: defaultdict[str, list[KnownHead]] = defaultdict(list)
    for clip in read_clips(dataset, keys=chosen):
        middle = len(clip) // 2
        points = clip.crop.to_crop(np.concatenate([clip.landmarks.points, clip.landmarks.pupils], axis=1))[middle]
        heads[clip.person].append(KnownHead(key=clip.key, picture=clip.head[middle].copy(), points=points))
    return dict(heads)


def bent_heads(key: str, seen: ClipPictures, identities: Sequence[KnownHead]) -> Frames:
    """The identity bent to every frame of a clip: (F, 256, 256, 3).

    A long clip's halves lend heads to each other, at least a window from where they meet; other clips of the person
    lend theirs as often as there are some. A short clip with nobody to borrow from is left masked: no window of it
    is ever drawn (`split_clips`).
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]))
    frames = len(seen.head)
    half = frames // 2
    bent = seen.masked.copy()
    for part, lenders in (
        (slice(0, half), (half + WINDOW_FRAMES, frames)),
        (slice(half, frames), (0, half - WINDOW_FRAMES)),
    ):
        candidates = [known for known in identities if known.key != key]
        if frames >= _SHORTEST_FRAMES:
            lender = int(rng.integers(*lenders))
            candidates.append(KnownHead(key=key, picture=seen.head[lender], points=seen.points[lender]))
        if candidates:
            known = candidates[int(rng.integers(len(candidates)))]
            bent[part] = lay_heads(seen.masked[part], known.picture, known.points, seen.points[part])
    return bent


def _order(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
