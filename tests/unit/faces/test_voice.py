"""Voices: by loudness on any machine, by silero-vad where its wheel is installed."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.faces.voice import LoudnessVoice, SileroVoice, default_voice, silero_path
from contextalk.media.audio import write_wav

needs_silero = pytest.mark.skipif(silero_path() is None, reason="silero-vad is not installed")
TIMES_S = np.arange(0, 4, 0.04)


def tone(path: Path) -> Path:
    loud = np.arange(4 * 16_000) > 2 * 16_000
    write_wav(path, (np.sin(np.arange(4 * 16_000) * 0.4) * np.where(loud, 0.5, 0.001)).astype(np.float32))
    return path


def test_loudness_takes_any_sound_for_a_voice(tmp_path: Path) -> None:
    heard = LoudnessVoice().hear(tone(tmp_path / "tone.wav"), TIMES_S)
    assert heard[:48].max() == 0.0
    assert heard[54:].min() == 1.0


def test_what_is_not_installed_is_one_line_and_not_the_default() -> None:
    if silero_path() is not None:
        assert default_voice().name.startswith("silero-vad-")
        pytest.skip("silero-vad is installed")
    assert default_voice().name == "loudness-1"
    with pytest.raises(ContextalkError, match="pip install --no-deps silero-vad"):
        SileroVoice()


@needs_silero
def test_silero_does_not_take_a_tone_for_a_voice(tmp_path: Path) -> None:
    assert SileroVoice().hear(tone(tmp_path / "tone.wav"), TIMES_S).max() < 0.5


@needs_silero
@pytest.mark.media
def test_silero_hears_speech_and_no_room(media: Path) -> None:
    voice = SileroVoice()
    # Measured: 0.88 of the sentence, nothing of a room's noise.
    assert (voice.hear(media / "driving_wav/latentsync_demo1_16k.wav", np.arange(0, 9.6, 0.04)) > 0.5).mean() > 0.7
    assert voice.hear(media / "single/webcam_woman_720p.mp4", np.arange(0, 8, 0.04)).max() < 0.5
    # A second look at the same sound is the same: no state is left over.
    path = media / "driving_wav/latentsync_demo1_16k.wav"
    np.testing.assert_array_equal(*(voice.hear(path, np.arange(0, 2, 0.04)) for _ in range(2)))
