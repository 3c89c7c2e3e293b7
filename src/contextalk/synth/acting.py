"""How people hold themselves in a conversation: heads, eyes, bodies, blinks, nods."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from contextalk.synth.conversation import Turn
from contextalk.synth.facing import towards
from contextalk.synth.head import HeadMotion
from contextalk.synth.layout import Seat
from contextalk.synth.scene import RATE_HZ, Actor
from contextalk.synth.visemes import mouth_track

Floats = NDArray[np.float64]

Aim = tuple[float, float, float, float, float]
"""From when (s), head yaw, gaze yaw, gaze pitch, body yaw (degrees)."""


def act(seed: int, seats: tuple[Seat, ...], turns: tuple[Turn, ...], frames: int) -> tuple[Actor, ...]:
    """The whole cast's motions.

    Everything but directions depends on (seed, person) alone, so that twins differ in directions only.
    """
    return tuple(_actor(seed, k, seats, turns, frames) for k in range(len(seats)))


def _actor(seed: int, k: int, seats: tuple[Seat, ...], turns: tuple[Turn, ...], frames: int) -> Actor:
    times = np.arange(frames) / RATE_HZ
    seat = seats[k]
    manner = np.random.default_rng([seed, 31, k])
    share = manner.uniform(0.3, 0.5)
    aims = _aims(np.random.default_rng([seed, 37, k]), k, seats, turns, share)
    phones = [phone for turn in turns if turn.speaker == k for phone in turn.phones()]
    mouth = mouth_track(phones, times, openness=manner.uniform(1.05, 1.4))
    beats = [(phone.start_s + 0.04, manner.uniform(0.4, 1.0)) for phone in phones if phone.stressed]
    nod = _bumps(times, beats, 0.09)
    yaw = _glide(times, aims, 1, manner) + _noise(manner, frames, 1.1, 0.35)
    saccade = _saccades(manner, times)
    body_yaw = _glide(times, aims, 4, manner, slower=1.25) + _noise(manner, frames, 0.8, 0.6)
    motion = HeadMotion(
        neck_x=seat.x + _noise(manner, frames, 1.3, 0.5),
        neck_y=seat.y + _noise(manner, frames, 0.8, 0.5) + 0.015 * seat.scale * nod,
        yaw=np.clip(yaw, -45, 45),
        pitch=_noise(manner, frames, 1.2, 0.3) - 4.0 * nod,
        roll=_noise(manner, frames, 1.2, 0.4) + 0.05 * yaw,
        gaze_yaw=_glide(times, aims, 2, manner, slower=0.45) + saccade[0],
        gaze_pitch=_glide(times, aims, 3, manner, slower=0.45) + 0.5 * saccade[1],
        blink=_blinks(manner, times),
        brow=np.clip(
            manner.uniform(-0.3, 0.3) + 0.55 * _bumps(times, beats[::2], 0.16) + _noise(manner, frames, 0.1, 0.5), -1, 1
        ),
        jaw=mouth.jaw,
        wide=mouth.wide,
        rounded=mouth.rounded,
        teeth=mouth.teeth,
        tongue=mouth.tongue,
    )
    lean = _noise(manner, frames, 0.7, 0.6) + 0.02 * body_yaw
    return Actor(person=seat.person, scale=seat.scale, motion=motion, body_yaw=body_yaw, lean=lean)


def _aims(rng: np.random.Generator, k: int, seats: tuple[Seat, ...], turns: Sequence[Turn], share: float) -> list[Aim]:
    aims: list[Aim] = []
    for turn in turns:
        # Drawn whatever the role, so that the stream stays in step between twins.
        wobble, bend, eyes = rng.normal(0, 1.5), rng.uniform(46, 60), rng.uniform(2, 8)
        about = _looks_about(rng, turn)
        if turn.speaker == k:
            side, yaw = towards(seats[k].x, seats[turn.addressee].x)
            head = side * (yaw + wobble)
            aims.append((turn.start_s, head, head + side * eyes, 0.0, head * share))
        elif turn.addressee == k:
            side, yaw = towards(seats[k].x, seats[turn.speaker].x)
            aims.append((turn.start_s, side * (yaw + 5 + wobble), side * (yaw + 5 + eyes), 0.0, side * bend))
        else:
            away = -1 if seats[turn.speaker].x > seats[k].x else 1
            aims += [(at, away * head, away * head + gaze, up, away * body) for at, head, gaze, up, body in about]
    return aims


def _looks_about(rng: np.random.Generator, turn: Turn) -> list[Aim]:
    """Somebody not spoken to: anywhere but to the speaker. Signs: > 0 is away from the speaker."""
    body = rng.uniform(-4, 22)
    at, aims = turn.start_s, []
    while at < turn.stop_s:
        aims.append(
            (float(at), float(rng.uniform(-4, 30)), float(rng.normal(2, 7)), float(rng.normal(-2, 6)), float(body))
        )
        at += rng.uniform(1.2, 3.0)
    return aims


def _glide(times: Floats, aims: Sequence[Aim], column: int, rng: np.random.Generator, slower: float = 1.0) -> Floats:
    """From aim to aim with a soft start and stop in 0.3–0.6 s (times `slower`)."""
    value = np.full(len(times), aims[0][column])
    durations = np.random.default_rng(rng.integers(2**31)).uniform(0.3, 0.6, len(aims))
    for aim, duration in zip(aims[1:], durations[1:], strict=True):
        share = np.clip((times - aim[0]) / (duration * slower), 0, 1)
        share = share**3 * (10 - 15 * share + 6 * share**2)
        value = value * (1 - share) + aim[column] * share
    return value


def _noise(rng: np.random.Generator, frames: int, size: float, seconds: float) -> Floats:
    """Slow noise with a standard deviation of `size` that changes over about `seconds`."""
    pad = int(4 * seconds * RATE_HZ)
    smooth = gaussian_filter1d(rng.normal(size=frames + 2 * pad), seconds * RATE_HZ)[pad : pad + frames]
    # A Gaussian filter leaves white noise with variance 1 / (2 sigma sqrt(pi)).
    return size * smooth * np.sqrt(2 * seconds * RATE_HZ * np.sqrt(np.pi))


def _bumps(times: Floats, beats: Sequence[tuple[float, float]], width_s: float) -> Floats:
    value = np.zeros(len(times))
    for at, size in beats:
        value = np.maximum(value, size * np.exp(-(((times - at) / width_s) ** 2)))
    return value


def _saccades(rng: np.random.Generator, times: Floats) -> Floats:
    """(2, F) little jumps of the eyes, degrees."""
    starts = np.cumsum(rng.uniform(0.4, 1.6, int(times[-1] / 0.4) + 3))
    places = rng.normal(0, 2.5, (2, len(starts) + 1))
    return places[:, np.searchsorted(starts, times)]


def _blinks(rng: np.random.Generator, times: Floats) -> Floats:
    """10–20 blinks a minute: shut in 0.08 s, shut for 0.06 s, open in 0.14 s."""
    blink = np.zeros(len(times))
    mean = 60 / rng.uniform(10, 20)
    at = rng.uniform(0, mean)
    while at < times[-1]:
        since = times - at
        blink = np.maximum(blink, np.interp(since, [0, 0.08, 0.14, 0.28], [0, 1, 1, 0]))
        at += rng.uniform(0.6, 1.4) * mean
    return blink
