"""Speech and visemes."""

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed: pip install 'contextalk[synth]'")

from contextalk.core.errors import ContextalkError
from contextalk.synth.people import TRAIN_PEOPLE, person
from contextalk.synth.sentences import sentence
from contextalk.synth.speech import RATE_HZ, Phone, Synthesiser
from contextalk.synth.visemes import mouth_track


def _phone(name: str, start_s: float, stop_s: float) -> Phone:
    return Phone(name=name, start_s=start_s, stop_s=stop_s, stressed=False)


def test_the_same_calls_give_the_same_samples_whatever_was_said_before() -> None:
    waves = []
    for before in ("", "Something else altogether, and at some length."):
        with Synthesiser() as voices:
            if before:
                voices.say(before, voice="en-us+m6", pitch=70, rate_wpm=190)
        with Synthesiser() as voices:
            waves.append(voices.say("She sells sea shells.", voice="en-gb-scotland+f2", pitch=50, rate_wpm=160).wave)

    np.testing.assert_array_equal(waves[0], waves[1])


def test_phones_are_in_order_and_inside_the_wave() -> None:
    with Synthesiser() as voices:
        said = voices.say("Bob may buy some cheese, oh boy.", voice="en-us+m3", pitch=40, rate_wpm=150)

    times = [t for phone in said.phones for t in (phone.start_s, phone.stop_s)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(said.duration_s, abs=1e-6)
    assert {"b", "m"} <= {phone.name for phone in said.phones}


def test_phones_stand_where_they_sound() -> None:
    with Synthesiser() as voices:
        said = voices.say("Ah, bah, bah.", voice="en-us+m3", pitch=40, rate_wpm=130)

    def level(name: str) -> float:
        pieces = [said.wave[int(p.start_s * RATE_HZ) : int(p.stop_s * RATE_HZ)] for p in said.phones if name in p.name]
        return float(np.sqrt(np.mean(np.concatenate(pieces) ** 2)))

    # A vowel is several times louder than the closure of a b; shifted by a phoneme this turns round.
    assert level("ɑ") > 1.5 * level("b")


def test_every_sound_of_every_accent_has_a_viseme() -> None:
    rng = np.random.default_rng(0)
    text = " ".join(sentence(rng) for _ in range(60)) + " " + " ".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ 0 1 2 3 4 5 6 7 8 9")
    accents = {person(seed).voice.split("+")[0] for seed in TRAIN_PEOPLE}
    with Synthesiser() as voices:
        for accent in sorted(accents):
            phones = voices.say(text, voice=f"{accent}+f2", pitch=50, rate_wpm=200).phones
            mouth_track(phones, np.arange(10) / 25)


def test_an_unknown_voice_is_named() -> None:
    with Synthesiser() as voices, pytest.raises(ContextalkError, match="'xx-nobody' is unknown"):
        voices.say("Hello.", voice="xx-nobody", pitch=50, rate_wpm=150)


@pytest.mark.parametrize("name", ["p", "b", "m"])
def test_lips_meet_between_open_vowels(name: str) -> None:
    phones = [_phone("ɑ", 0.0, 0.2), _phone(name, 0.2, 0.3), _phone("ɑ", 0.3, 0.5)]

    jaw = mouth_track(phones, np.arange(0, 0.5, 0.01)).jaw

    assert jaw.min() < 0.01  # a fifth of a pixel at the size people have
    assert jaw.max() > 0.8


def test_vowels_have_shapes_of_their_own() -> None:
    at = np.array([0.1])
    ah, ee, oo = (mouth_track([_phone(name, 0.0, 0.3)], at) for name in ("ɑː", "iː", "uː"))

    assert ah.jaw > 3 * ee.jaw
    assert ee.wide > 0.8 > ah.wide
    assert oo.rounded > 0.8 > ee.rounded


def test_the_mouth_is_shut_where_nobody_speaks() -> None:
    track = mouth_track([_phone("ɑ", 0.4, 0.6), _phone("", 0.6, 1.0), _phone("ɑ", 1.0, 1.2)], np.array([0.0, 0.8, 1.6]))

    np.testing.assert_array_equal(track.jaw, 0.0)
    np.testing.assert_array_equal(mouth_track([], np.arange(3.0)).jaw, 0.0)
