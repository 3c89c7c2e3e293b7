"""Heads that nobody generated, for the very same metrics: what no method should exceed or fall below.

A fake is made of true head crops. Its heads take the colour of their surroundings and are blended into the true crop
inside the fixed mask exactly as the compositor does, so that all rows show the same neck and wall. No video is written:
columns that look at scenes see the real one with the fake's head in it (`scenes.py`), those that compare videos sample
by sample are not measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX
from contextalk.evaluation.evidence import Evidence, Shown
from contextalk.faces.crop import head_mask
from contextalk.generation.compositor import FEATHER_SHARE, feather, join_colour
from contextalk.media.mel import MIN_SAMPLES, mel_chunks, mel_spectrogram
from contextalk.models.codec import Codec
from contextalk.models.pictures import decode_pictures, encode_pictures

Heads = NDArray[np.uint8]
Look = Callable[[Heads], Shown]
"""Reads calibrated points and angles off heads (F, 256, 256, 3)."""

FAR_S = 2.0
"""How far away in its own clip a frame to copy lies; a quarter of the clip where that is shorter."""

_INSIDE = head_mask() > 0
_WEIGHT = feather(_INSIDE.astype(np.uint8) * np.uint8(255), FEATHER_SHARE * CROP_PX)[..., None]


class NoFakeError(Exception):
    """This fake cannot be made of this clip; the message says why."""


def ground_truth(evidence: Evidence) -> Evidence:
    """The true head itself, its video the real one: what estimator and judges make of the truth."""
    return replace(_as_fake(evidence, evidence.truth), video=evidence.reference)


def codec_only(evidence: Evidence, codec: Codec, look: Look) -> Evidence:
    """The true head encoded and decoded: the ceiling of whatever generates latents."""
    heads = np.concatenate(
        [
            decode_pictures(codec, encode_pictures(codec, evidence.truth.heads[at : at + 16], "face"), "face")
            for at in range(0, len(evidence.truth.heads), 16)
        ]
    )
    return _as_fake(evidence, look(in_place(heads, evidence.truth.heads)))


def still_head(evidence: Evidence, look: Look) -> Evidence:
    """The first true head held."""
    return shown_as(evidence, evidence.truth.heads[np.zeros(len(evidence.times_s), np.int64)], look)


def shared_head(evidence: Evidence, twin: Evidence | None, look: Look) -> Evidence:
    """One picture for both twins, held, as a generator has it that does not look at the scene.

    Args:
        evidence: The clip.
        twin: Its twin; None without one.
        look: Reads heads.

    Raises:
        NoFakeError: There is no twin among the clips.
    """
    if twin is None:
        raise NoFakeError("its twin is not among the clips")
    first = min(evidence, twin, key=lambda one: one.name)
    return shown_as(evidence, first.truth.heads[np.zeros(len(evidence.times_s), np.int64)], look)


def other_head(evidence: Evidence, other: Evidence, look: Look) -> Evidence:
    """The true head of another clip, from its beginning, its last frame held where it is shorter.

    Raises:
        NoFakeError: The other clip is this one or its twin.
    """
    if other.name == evidence.name or (evidence.around is not None and evidence.around.twin == other.name):
        raise NoFakeError("a set of one clip and its twin has no other clip")
    frames = np.minimum(np.arange(len(evidence.times_s)), len(other.times_s) - 1)
    return shown_as(evidence, other.truth.heads[frames], look)


def mean_head(evidence: Evidence, others: Sequence[Evidence], look: Look) -> Evidence:
    """The mean of the person's true heads, held: the least wrong of all pictures that do not move.

    Args:
        evidence: The clip.
        others: The same person's other clips. None: the mean is of the clip itself, which flatters it.
        look: Reads heads.
    """
    known = others or [evidence]
    total = sum(other.truth.heads.sum(axis=0, dtype=np.float64) for other in known)
    mean = np.rint(total / sum(len(other.truth.heads) for other in known)).astype(np.uint8)
    return shown_as(evidence, np.broadcast_to(mean, evidence.truth.heads.shape), look)


def nearest_frame(evidence: Evidence, others: Sequence[Evidence], look: Look) -> Evidence:
    """For each frame the true head of the person whose sound (mel chunk) is nearest, copied from outside the clip.

    Args:
        evidence: The clip.
        others: The same person's other clips; never the twin, which says the same words. None: frames of the clip
            itself that lie `FAR_S`, or a quarter of the clip, away.
        look: Reads heads.

    Raises:
        NoFakeError: There is no sound, or the clip is too short.
    """
    chunks = _sound(evidence)
    if others:
        candidates = np.concatenate([other.truth.heads for other in others])
        distance = _apart(chunks, np.concatenate([_sound(other) for other in others]))
    else:
        candidates, distance = evidence.truth.heads, _apart(chunks, chunks)
        times_s = evidence.times_s
        gap_s = min(FAR_S, (times_s[-1] - times_s[0]) / 4)
        distance = np.where(np.abs(times_s[:, None] - times_s[None]) >= gap_s, distance, np.inf)
    if not np.isfinite(distance).any(axis=1).all():
        raise NoFakeError("the clip is too short to copy a frame from elsewhere in it")
    return shown_as(evidence, candidates[distance.argmin(axis=1)], look)


def shown_as(evidence: Evidence, heads: Heads, look: Look) -> Evidence:
    """The clip with these heads (F, 256, 256, 3) laid into the true crops."""
    return _as_fake(evidence, look(in_place(heads, evidence.truth.heads)))


def in_place(heads: Heads, surroundings: Heads) -> Heads:
    """Heads (F, 256, 256, 3) with the colours of the true crops and blended into them inside the mask."""
    placed = np.empty_like(surroundings)
    for frame, (head, around) in enumerate(zip(heads, surroundings, strict=True)):
        joined = join_colour(head, around, _INSIDE)
        placed[frame] = np.rint(around + (joined - around) * _WEIGHT).astype(np.uint8)
    return placed


def _as_fake(evidence: Evidence, shown: Shown) -> Evidence:
    return replace(evidence, seen=shown, saved=None, video=None)


def _sound(evidence: Evidence) -> NDArray[np.float32]:
    """(F, 1280) the mel chunk around each frame."""
    if len(evidence.wave) < MIN_SAMPLES:
        raise NoFakeError("there is no driving audio to find frames by")
    chunks = mel_chunks(mel_spectrogram(evidence.wave), evidence.times_s)
    return chunks.reshape(len(chunks), -1)


def _apart(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, M) squared distances."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
