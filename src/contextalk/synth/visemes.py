"""From phonemes to what the mouth does, with co-articulation: neighbours share the mouth by their dominance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contextalk.synth.speech import Phone

Floats = NDArray[np.float64]

_LEAD_S = 0.03
"""Lips move ahead of the sound."""

_SPREAD_S = 0.035
"""How far a phoneme reaches into its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth:
    """What a mouth does over time, each (F,): see `HeadMotion`."""

    jaw: Floats
    wide: Floats
    rounded: Floats
    teeth: Floats
    tongue: Floats


# Per IPA sign: jaw, wide, rounded, teeth, tongue, dominance.
_VISEMES: dict[str, tuple[float, float, float, float, float, float]] = {
    **dict.fromkeys("pbm", (0.0, 0.0, 0.1, 0.0, 0.0, 5.0)),
    **dict.fromkeys("fv", (0.07, 0.1, 0.0, 1.0, 0.0, 3.0)),
    **dict.fromkeys("θð", (0.16, 0.2, 0.0, 0.6, 1.0, 1.6)),
    **dict.fromkeys("sz", (0.07, 0.5, 0.0, 1.0, 0.2, 1.8)),
    **dict.fromkeys("tdnɾ", (0.13, 0.2, 0.0, 0.8, 0.7, 1.0)),
    "l": (0.24, 0.2, 0.0, 0.6, 1.0, 1.0),
    **dict.fromkeys("ʃʒ", (0.14, -0.1, 0.75, 0.9, 0.2, 2.0)),
    **dict.fromkeys("kɡŋx", (0.22, 0.1, 0.0, 0.5, 0.4, 0.6)),
    **dict.fromkeys("hʔ", (0.25, 0.0, 0.0, 0.4, 0.2, 0.3)),
    **dict.fromkeys("wʍ", (0.08, -0.3, 1.0, 0.0, 0.0, 2.5)),
    **dict.fromkeys("ɹr", (0.17, -0.1, 0.55, 0.4, 0.3, 1.2)),
    **dict.fromkeys("jʲ", (0.14, 0.7, 0.0, 0.9, 0.3, 1.0)),
    "i": (0.14, 1.0, 0.0, 0.9, 0.3, 1.4),
    **dict.fromkeys("ɪᵻ", (0.24, 0.6, 0.0, 0.8, 0.3, 1.1)),
    "e": (0.4, 0.65, 0.0, 0.8, 0.3, 1.3),
    "ɛ": (0.52, 0.45, 0.0, 0.8, 0.2, 1.3),
    "æ": (0.78, 0.5, 0.0, 0.8, 0.2, 1.5),
    "a": (0.9, 0.15, 0.0, 0.7, 0.1, 1.6),
    "ɐ": (0.6, 0.1, 0.0, 0.7, 0.1, 1.1),
    "ɑ": (1.0, 0.0, 0.0, 0.5, 0.0, 1.7),
    "ʌ": (0.58, 0.05, 0.0, 0.6, 0.1, 1.2),
    "ɒ": (0.8, -0.1, 0.35, 0.4, 0.0, 1.4),
    "ɔ": (0.58, -0.2, 0.65, 0.2, 0.0, 1.5),
    "o": (0.4, -0.3, 0.85, 0.1, 0.0, 1.5),
    "ʊ": (0.22, -0.2, 0.8, 0.1, 0.0, 1.4),
    "u": (0.13, -0.3, 1.0, 0.0, 0.0, 1.8),
    "ʉ": (0.16, -0.1, 0.9, 0.1, 0.0, 1.6),
    "ə": (0.3, 0.05, 0.05, 0.6, 0.2, 0.6),
    "ɚ": (0.26, -0.1, 0.5, 0.4, 0.3, 1.0),
    "ɜ": (0.34, -0.1, 0.35, 0.5, 0.2, 1.1),
}
_SILENT = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_LENGTH_SIGNS = "ːˑ̩̪ˈˌ"


def mouth_track(phones: Sequence[Phone], times_s: Floats, openness: float = 1.0) -> Mouth:
    """The mouth at `times_s` for phonemes in order of time; silence between, before and after them is shut.

    Args:
        phones: Times in the same clock as `times_s`.
        times_s: (F,).
        openness: How widely this person opens the mouth, about 1.
    """
    spans = list(_spans(phones))
    if not spans:
        zero = np.zeros_like(times_s)
        return Mouth(jaw=zero, wide=zero, rounded=zero, teeth=zero, tongue=zero)
    start, stop = (np.array([s[i] for s in spans]) - _LEAD_S for i in (0, 1))
    shapes = np.array([s[2] for s in spans])
    targets, dominance = shapes[:, :5], shapes[:, 5]
    outside = np.maximum(np.maximum(start - times_s[:, None], times_s[:, None] - stop), 0)
    # The middle of a phoneme is more its own than its ends are.
    half = np.maximum((stop - start) / 2, 0.02)
    centred = np.abs(times_s[:, None] - (start + stop) / 2) / half
    weight = dominance * np.exp(-((outside / _SPREAD_S) ** 2)) * (1.25 - 0.5 * np.minimum(centred, 1.0))
    # Where nobody speaks the mouth is shut: a faint silence everywhere.
    total = weight.sum(axis=1) + 0.02
    jaw, wide, rounded, teeth, tongue = (weight @ targets / total[:, None]).T
    sealed = np.clip(weight[:, dominance >= 5].sum(axis=1) / total * 1.6 - 0.6, 0, 1)
    jaw = np.where(jaw < 0.015, 0.0, jaw) * (1 - sealed) * openness
    return Mouth(jaw=np.clip(jaw, 0, 1), wide=wide, rounded=rounded, teeth=teeth, tongue=tongue)


def _spans(phones: Sequence[Phone]) -> list[tuple[float, float, tuple[float, ...]]]:
    """(start, stop, viseme) with diphthongs and affricates split into their signs."""
    spans = []
    for phone in phones:
        signs = [s for s in phone.name if s not in _LENGTH_SIGNS]
        shapes = [_VISEMES.get(s) for s in signs] if signs else [_SILENT]
        if None in shapes:
            raise KeyError(f"phoneme {phone.name!r} has no viseme; known signs: {''.join(_VISEMES)}")
        edges = np.linspace(phone.start_s, phone.stop_s, len(shapes) + 1)
        spans += [(float(a), float(b), shape) for a, b, shape in zip(edges[:-1], edges[1:], shapes, strict=True)]
    return spans
