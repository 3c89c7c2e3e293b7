"""Speech with exact phoneme times from espeak-ng (GPL-3, used as a library and only in this room)."""

import ctypes
from dataclasses import dataclass
from math import gcd
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from contextalk.core.errors import ContextalkError

RATE_HZ = 16_000
"""Samples a second of everything this room says."""

_SYNCHRONOUS, _PHONEME_EVENTS, _IPA = 2, 0x1, 0x2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_PHONEME = 7


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_SYNTH_ARGUMENTS = [
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_uint,
    ctypes.c_int,
    ctypes.c_uint,
    ctypes.c_uint,
    ctypes.c_void_p,
    ctypes.c_void_p,
]
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A phoneme (IPA) from its start to the next one's."""

    name: str
    start_s: float
    stop_s: float
    stressed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Something said.

    Attributes:
        text: The words.
        wave: (S,) float32, 16 kHz, in [−1, 1].
        phones: In order; silence inside the utterance has an empty name.
    """

    text: str
    wave: NDArray[np.float32]
    phones: tuple[Phone, ...]

    @property
    def duration_s(self) -> float:
        """Length of the wave."""
        return len(self.wave) / RATE_HZ


class Synthesiser:
    """An espeak-ng of its own, so that what it says depends on nothing said before.

    espeak-ng keeps state between utterances that neither its seed nor a restart clears, so the library is unloaded at
    the end. Use as a context, one at a time; the same calls in the same order give the same samples.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 200, data, _PHONEME_EVENTS | _IPA))
        if self._rate_hz <= 0:
            raise ContextalkError(f"espeak-ng would not start: {self._rate_hz}, wanted a sample rate")
        self._library.espeak_Synth.argtypes = _SYNTH_ARGUMENTS
        self._library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._library.espeak_ng_SetRandSeed(1)

    def __enter__(self) -> "Synthesiser":
        return self

    def __exit__(self, *_: object) -> None:
        self._library.espeak_Terminate()
        close = ctypes.CDLL(None).dlclose
        close.argtypes = [ctypes.c_void_p]
        close(self._library._handle)

    def say(self, text: str, *, voice: str, pitch: int, rate_wpm: int) -> Utterance:
        """Speak a text.

        Args:
            text: English.
            voice: An espeak voice with variant, such as `en-us+f3`.
            pitch: 0–99.
            rate_wpm: Words a minute, 80–450.

        Raises:
            ContextalkError: espeak-ng does not know the voice or cannot speak.
        """
        library = self._library
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ContextalkError(f"voice {voice!r} is unknown to espeak-ng; wanted a name such as 'en-us+m3'")
        for parameter, value in ((_RATE, rate_wpm), (_PITCH, pitch), (_RANGE, 60)):
            library.espeak_SetParameter(parameter, value, 0)
        heard = _Heard()
        callback = _CALLBACK(heard.take)
        library.espeak_SetSynthCallback(callback)
        encoded = text.encode()
        status = library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        if status != 0 or not heard.pieces:
            raise ContextalkError(f"espeak-ng could not say {text!r}: status {status}, wanted 0")
        wave = np.concatenate(heard.pieces).astype(np.float32) / np.float32(32768)
        return _utterance(text, wave, self._rate_hz, heard.marks)


class _Heard:
    """Collects what the library hands over while it speaks."""

    def __init__(self) -> None:
        self.pieces: list[NDArray[np.int16]] = []
        self.marks: list[tuple[float, str]] = []

    def take(self, wave: Any, count: int, events: Any) -> int:
        """The library's callback; 0 means go on."""
        if wave and count:
            self.pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        at = 0
        while events[at].type != 0:
            if events[at].type == _PHONEME:
                name = events[at].id.string.decode("utf-8", "ignore")
                self.marks.append((events[at].audio_position / 1000, name))
            at += 1
        return 0


def _utterance(text: str, wave: NDArray[np.float32], rate: int, marks: list[tuple[float, str]]) -> Utterance:
    step = gcd(RATE_HZ, rate)
    wave = resample_poly(wave, RATE_HZ // step, rate // step).astype(np.float32)
    loud = np.flatnonzero(np.abs(wave) > 0.004)
    # espeak ends with a long pause; a tenth of a second of it is enough.
    wave = wave[: min(len(wave), (loud[-1] if len(loud) else 0) + RATE_HZ // 10)]
    end = len(wave) / RATE_HZ
    stops = [*(start for start, _ in marks[1:]), end]
    phones = tuple(
        Phone(name=name.strip("ˈˌ_: "), start_s=min(start, end), stop_s=min(stop, end), stressed=name.startswith("ˈ"))
        for (start, name), stop in zip(marks, stops, strict=True)
        if stop > start
    )
    return Utterance(text=text, wave=wave / max(float(np.abs(wave).max()), 1e-3) * np.float32(0.6), phones=phones)
