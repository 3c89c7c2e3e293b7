"""Who says what to whom, and when."""

from dataclasses import dataclass, replace

import numpy as np

from contextalk.synth.layout import Seat
from contextalk.synth.sentences import sentence
from contextalk.synth.speech import RATE_HZ, Phone, Synthesiser, Utterance

_HOLD_S = 6.0
"""Clips up to this length are one turn: the main speaker's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One person speaks to another for a while.

    Attributes:
        speaker: Index in the cast.
        addressee: Index in the cast.
        start_s: When heads turn; the sound starts a little later.
        stop_s: When the next turn starts.
        said: What is said, each with its start in the scene.
    """

    speaker: int
    addressee: int
    start_s: float
    stop_s: float
    said: tuple[tuple[float, Utterance], ...]

    def phones(self) -> list[Phone]:
        """All phonemes with times in the scene."""
        return [
            replace(phone, start_s=phone.start_s + at, stop_s=phone.stop_s + at)
            for at, spoken in self.said
            for phone in spoken.phones
        ]


def converse(
    rng: np.random.Generator, seats: tuple[Seat, ...], main: int, addressee: int, duration_s: float
) -> tuple[Turn, ...]:
    """Turns that tile the scene. The main speaker starts and in short scenes keeps the word."""
    with Synthesiser() as voices:
        if duration_s <= _HOLD_S:
            return (_turn(rng, voices, seats[main], (main, addressee), (0.0, duration_s)),)
        turns: list[Turn] = []
        speaker, listener, at = main, addressee, 0.0
        while at < duration_s:
            stop = min(at + rng.uniform(2.0, 5.0), duration_s)
            # A rest too short for a turn belongs to this one.
            stop = duration_s if duration_s - stop < 1.5 else stop
            turns.append(_turn(rng, voices, seats[speaker], (speaker, listener), (at, stop)))
            speaker, listener, at = *_next(rng, len(seats), speaker, listener, main), stop
        return tuple(turns)


def readdress(turns: tuple[Turn, ...], main: int, old: int, new: int) -> tuple[Turn, ...]:
    """The same talk with what the main speaker said to `old` said to `new`."""
    return tuple(replace(t, addressee=new) if t.speaker == main and t.addressee == old else t for t in turns)


def _turn(
    rng: np.random.Generator, voices: Synthesiser, seat: Seat, roles: tuple[int, int], span_s: tuple[float, float]
) -> Turn:
    """Sentences with pauses from a little after the start until the word passes on; `roles`: speaker, addressee."""
    start_s, stop_s = span_s
    at = start_s + rng.uniform(0.1, 0.4)
    said: list[tuple[float, Utterance]] = []
    who = seat.person
    while at < stop_s - 0.3:
        spoken = voices.say(sentence(rng), voice=who.voice, pitch=who.pitch, rate_wpm=who.rate_wpm)
        spoken = _cut(spoken, stop_s - 0.12 - at)
        said.append((float(at), spoken))
        at += spoken.duration_s + rng.uniform(0.12, 0.5)
    return Turn(speaker=roles[0], addressee=roles[1], start_s=start_s, stop_s=stop_s, said=tuple(said))


def _cut(spoken: Utterance, length_s: float) -> Utterance:
    """Break off, at a phoneme's end and with a short fade, what does not fit."""
    if spoken.duration_s <= length_s:
        return spoken
    kept = tuple(phone for phone in spoken.phones if phone.stop_s <= length_s)
    samples = int((kept[-1].stop_s if kept else 0.0) * RATE_HZ)
    wave = spoken.wave[:samples].copy()
    fade = min(320, samples)
    wave[samples - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return replace(spoken, wave=wave, phones=kept)


def _next(rng: np.random.Generator, count: int, speaker: int, listener: int, main: int) -> tuple[int, int]:
    """Mostly an answer, sometimes somebody else; the main speaker gets the word most often."""
    following = listener if speaker == main and rng.random() < 0.75 else main
    if following == speaker:
        following = listener
    others = [k for k in range(count) if k != following]
    answered = speaker if rng.random() < 0.6 else others[rng.integers(len(others))]
    return following, answered
