"""Which head is bent to a training frame's landmarks: never one of a window that the frame can be in."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contextalk.core.geometry import Points
from contextalk.core.records import TWIN
from contextalk.core.time import RATE_HZ, WINDOW_FRAMES
from contextalk.dataset.clips import Clip
from contextalk.faces.warp import lay_heads
from contextalk.models.pictures import Frames
from contextalk.training.clip_workers import map_clips
from contextalk.training.pictures import ClipPictures

_CLIPS_A_PERSON = 3
"""How many clips of a person lend a head to the person's other clips."""

_SHORTEST_FRAMES = 4 * WINDOW_FRAMES
"""From here on a clip has halves that can lend heads to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """A head of a person.

    Attributes:
        source: What it was taken from; twins, and reframed copies of a clip, have one source.
        time_s: When.
        picture: (256, 256, 3) uint8 head crop.
        points: (70, 2) float32 crop px, pupils NaN where unknown.
    """

    source: str
    time_s: float
    picture: Frames
    points: Points


def spare_identities(
    dataset: Path, clips: Mapping[str, tuple[str, str]], *, workers: int = 1
) -> dict[tuple[str, str], list[KnownHead]]:
    """Two heads of some clips of every person who has several in the split: one from either end.

    Args:
        dataset: Folder written by `prepare`.
        clips: Key → (person, split).
        workers: Processes that read.

    Returns:
        (person, split) → heads: what a test clip shows is lent to no training clip.
    """
    keys: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for key, told in clips.items():
        keys[told].append(key)
    chosen = {key for ours in keys.values() if len(ours) > 1 for key in sorted(ours, key=_order)[:_CLIPS_A_PERSON]}
    heads: defaultdict[tuple[str, str], list[KnownHead]] = defaultdict(list)
    for key, lent in map_clips(dataset, dict.fromkeys(chosen), _heads_of, workers=workers):
        heads[clips[key]].extend(lent)
    return dict(heads)


def _heads_of(clip: Clip, _: None) -> tuple[str, list[KnownHead]]:
    points = clip.crop.to_crop(np.concatenate([clip.landmarks.points, clip.landmarks.pupils], axis=1))
    source, start_s = moment_of(clip)
    frames = sorted({len(clip) // 8, len(clip) - 1 - len(clip) // 8})
    return clip.key, [
        KnownHead(source=source, time_s=start_s + at / RATE_HZ, picture=clip.head[at].copy(), points=points[at])
        for at in frames
    ]


def moment_of(clip: Clip) -> tuple[str, float]:
    """Source and start of a clip. In twins everybody says the same at the same time: they count as one source."""
    return clip.source.replace(TWIN, ""), float(clip.meta["start_s"])


def bent_heads(
    key: str, seen: ClipPictures, identities: Sequence[KnownHead], moment: tuple[str, float] = ("", 0.0)
) -> Frames:
    """The identity bent to every frame of a clip: (F, 256, 256, 3).

    A clip with nobody to borrow from is left masked: the network then learns to do without.

    Args:
        key: Of the clip; decides who lends.
        seen: Its pictures.
        identities: Heads of the person.
        moment: `moment_of` the clip.
    """
    bent = seen.masked.copy()
    for part, known in lent_heads(key, seen.head, seen.points, identities, moment):
        if known is not None:
            bent[part] = lay_heads(seen.masked[part], known.picture, known.points, seen.points[part])
    return bent


def lent_heads(
    key: str, heads: Frames, points: Points, identities: Sequence[KnownHead], moment: tuple[str, float]
) -> list[tuple[slice, KnownHead | None]]:
    """Whose head stands for the identity in each half of a clip; None: nobody's.

    A long clip's halves lend heads to each other, at least a window from where they meet; other clips of the person
    lend theirs as often as there are some, unless they show the same moments.

    Args:
        key: Of the clip; decides who lends.
        heads: (F, 256, 256, 3), its own.
        points: (F, 70, 2) crop px, theirs.
        identities: Heads of the person.
        moment: `moment_of` the clip.
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]))
    source, start_s = moment
    frames = len(heads)
    half = frames // 2
    lent: list[tuple[slice, KnownHead | None]] = []
    for part, lenders in (
        (slice(0, half), (half + WINDOW_FRAMES, frames)),
        (slice(half, frames), (0, half - WINDOW_FRAMES)),
    ):
        first_s = start_s + (part.start - WINDOW_FRAMES) / RATE_HZ
        last_s = start_s + (part.stop + WINDOW_FRAMES) / RATE_HZ
        candidates = [known for known in identities if known.source != source or not first_s <= known.time_s < last_s]
        if frames >= _SHORTEST_FRAMES:
            lender = int(rng.integers(*lenders))
            candidates.append(
                KnownHead(
                    source=source,
                    time_s=start_s + lender / RATE_HZ,
                    picture=heads[lender],
                    points=points[lender],
                )
            )
        lent.append((part, candidates[int(rng.integers(len(candidates)))] if candidates else None))
    return lent


def _order(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
