"""Sound against picture, over a source and around each clip: what is late is moved, what does not fit turned down."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contextalk.core.time import RATE_HZ
from contextalk.dataset.config import PrepareConfig
from contextalk.faces.agreement import NOTHING, Agreement

AROUND_S = 15.0
"""To each side of a clip: a sentence alone is too little for the judge, half a minute is enough."""

LEAST_SOURCE_S, LEAST_CLIP_S = 20.0, 12.0
"""Speech to measure a source's offset on, and to turn down a clip on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A would-be clip.

    Attributes:
        start_s: Its start in the source.
        stop_s: Its end.
        agreement: Of mouth and sound, as they are in the source.
        speaks: Whether the person speaks in it; other clips say nothing of sync.
    """

    start_s: float
    stop_s: float
    agreement: Agreement
    speaks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What is known of a clip's sync.

    Attributes:
        strength: Agreement around the clip at its best shift, in [−1, 1]; NaN unmeasured.
        offset_frames: Frames by which the sound comes after the picture there, once the source is put right.
        reject_reason: Empty where it fits, or where too little is said to know.
    """

    strength: float
    offset_frames: int
    reject_reason: str


def source_offset_frames(stretches: Sequence[Stretch], config: PrepareConfig) -> int:
    """Frames by which a source's sound comes after its pictures; 0 where too little is said to measure it."""
    total = _sum(stretches)
    known = total.frames >= LEAST_SOURCE_S * RATE_HZ and total.strength >= config.min_sync
    return total.offset_frames if known and config.min_sync > 0 else 0


def judge(stretches: Sequence[Stretch], moved_frames: int, config: PrepareConfig) -> list[Sync]:
    """What is known of each clip of a source whose sound was moved by so many frames."""
    return [_judge(stretch, stretches, moved_frames, config) for stretch in stretches]


def _judge(stretch: Stretch, stretches: Sequence[Stretch], moved_frames: int, config: PrepareConfig) -> Sync:
    near = [
        other
        for other in stretches
        if other.start_s < stretch.stop_s + AROUND_S and other.stop_s > stretch.start_s - AROUND_S
    ]
    total = _sum(near)
    if not stretch.speaks or total.frames < LEAST_CLIP_S * RATE_HZ or config.min_sync <= 0:
        return Sync(strength=float(np.nan), offset_frames=0, reject_reason="")
    offset = total.offset_frames - moved_frames
    reason = ""
    if total.strength < config.min_sync:
        reason = f"sound does not fit: agreement {total.strength:.2f}, wanted ≥ {config.min_sync:g}"
    elif abs(offset) > config.max_offset_frames:
        reason = f"out of sync: by {offset} frames, wanted within {config.max_offset_frames}"
    return Sync(strength=total.strength, offset_frames=offset, reject_reason=reason)


def _sum(stretches: Sequence[Stretch]) -> Agreement:
    return sum((stretch.agreement for stretch in stretches if stretch.speaks), NOTHING)
