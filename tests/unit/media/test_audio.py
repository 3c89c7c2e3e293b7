"""Sound of any container, mono, aligned with the first picture."""

from pathlib import Path

import av
import numpy as np
import pytest
from video_maker import MakeVideo

from contextalk.core.errors import MediaError
from contextalk.media.audio import read_audio, write_wav
from contextalk.media.source import inspect_source

RATE = 16000


def burst(samples: int, at: int) -> np.ndarray:
    """Silence with 10 ms of noise."""
    wave = np.zeros(samples, np.float32)
    wave[at : at + 160] = np.random.default_rng(0).uniform(-0.8, 0.8, 160)
    return wave


def lag(heard: np.ndarray, wanted: np.ndarray) -> int:
    """Samples by which `heard` comes late."""
    length = min(len(heard), len(wanted))
    return int(np.argmax(np.correlate(heard[:length], wanted[:length], mode="full"))) - (length - 1)


def test_wav_round_trip(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    write_wav(tmp_path / "a b.wav", wave)
    # Half a step of 16 bits, and 32767 / 32768 in the two conventions of full scale.
    np.testing.assert_allclose(read_audio(tmp_path / "a b.wav"), wave, atol=5e-5)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_resampling_keeps_place_and_level(tmp_path: Path, rate: int) -> None:
    times = np.arange(rate) / rate
    write_wav(tmp_path / "a.wav", (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32), rate)
    heard = read_audio(tmp_path / "a.wav")
    assert abs(len(heard) - RATE) <= 1
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / RATE)
    # A shift by one sample of 16 kHz would make 0.086; the ends ring.
    np.testing.assert_allclose(heard[200:-200], wanted[200:-200], atol=0.01)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = np.full(4000, 0.8), np.full(4000, 0.2)
    with av.open(str(tmp_path / "stereo.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        samples = np.stack([left, right], axis=1).reshape(1, -1) * 32767
        frame = av.AudioFrame.from_ndarray(samples.astype(np.int16), format="s16", layout="stereo")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
    np.testing.assert_allclose(read_audio(tmp_path / "stereo.wav"), 0.5, atol=1e-3)  # 16 bits


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
@pytest.mark.parametrize("delay_s", [0.0, 0.2])
def test_sound_is_aligned_with_the_first_picture(make_video: MakeVideo, name: str, delay_s: float) -> None:
    path = make_video(name, ticks=tuple(range(25)), wave=burst(12800, 4000), sound_delay_s=delay_s)
    wanted = np.zeros(16000, np.float32)
    wanted[round(delay_s * RATE) :][:12800] = burst(12800, 4000)[: 16000 - round(delay_s * RATE)]
    # Matroska counts milliseconds: 16 samples.
    assert abs(lag(read_audio(path), wanted)) <= (1 if name == "v.mp4" else 16)


def test_sound_before_the_first_picture_is_trimmed(make_video: MakeVideo) -> None:
    path = make_video("v.mkv", ticks=tuple(range(5, 30)), wave=burst(16000, 8000))
    assert inspect_source(path).timeline.ticks[0] > 0
    assert abs(lag(read_audio(path), burst(12800, 8000 - 3200))) <= 16


def test_gaps_become_silence(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start in (0, 8000):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1600), 16000, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
    heard = read_audio(path)
    assert len(heard) == 9600
    assert np.all(heard[1700:7900] == 0)
    assert np.all(heard[8100:9500] > 0.4)


def test_errors(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello " * 300)
    for path, message in (
        (make_video(), "no audio stream"),
        (tmp_path / "none.wav", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "text.wav", "truncated or no sound"),
    ):
        with pytest.raises(MediaError, match=message) as caught:
            read_audio(path)
        assert "\n" not in str(caught.value)
