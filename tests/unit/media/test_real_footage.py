"""Real files, of cameras and programs that none of ours made (folder named by CONTEXTALK_TEST_MEDIA)."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import MediaError
from contextalk.media.audio import read_audio
from contextalk.media.mel import mel_spectrogram
from contextalk.media.planes import plane_views
from contextalk.media.source import inspect_source, open_source
from contextalk.media.video import probe, read_frames
from contextalk.media.writer import SegmentWriter, join_segments

pytestmark = pytest.mark.media

FILES = {
    "grid_two_person_composite_24s.mp4": ((720, 288), 600, 24.0, True),
    "grid_s1_raw_mpg/bgan5s.mpg": ((360, 288), 75, 3.0, True),
    "context_two_person/ai_cafe_two_person_16fps.mp4": ((1216, 768), 383, 23.9375, True),
    "context_two_person/real_two_person_silent.gif": ((480, 270), 56, 4.66, False),
    "single/contracted_actor_woman_1080x1920.mp4": ((1080, 1920), 250, 10.0, True),
    "single/whitehouse_address_1.mp4": ((1280, 720), 144, 4.8048, True),
    "single/actress_4k_50fps.mp4": ((3840, 2160), 199, 3.98, True),
    "bad_inputs/damaged_bitstream.mpg": ((360, 288), 75, 3.0, True),
    "bad_inputs/signing_person_no_audio.mkv": ((640, 480), 89, 2.966, False),
    "bad_inputs/no_person_with_audio_12.5fps.mp4": ((768, 432), 377, 30.16, True),
}


@pytest.mark.parametrize("name", FILES)
def test_probe_and_read(media: Path, name: str) -> None:
    size_px, frames, duration_s, has_audio = FILES[name]
    scene = probe(media / name)
    assert scene.size_px == size_px
    assert len(scene.times_s) == frames
    assert scene.duration_s == pytest.approx(duration_s, abs=1e-3)
    assert scene.has_audio == has_audio
    assert np.all(np.diff(scene.times_s) > 0)
    start = frames - 10
    pictures = list(read_frames(media / name, start=start))
    assert [p.index for p in pictures] == list(range(start, frames))
    np.testing.assert_allclose([p.time_s for p in pictures], scene.times_s[start:], atol=1e-9)
    assert all(p.rgb.shape == (size_px[1], size_px[0], 3) and p.rgb.std() > 5 for p in pictures)


@pytest.mark.parametrize("name", FILES)
def test_listed_times_are_the_decoders(media: Path, name: str) -> None:
    """Where the timeline was listed without decoding, the decoder agrees, picture by picture."""
    timeline = inspect_source(media / name).timeline
    if not timeline.listed or name.startswith("single/actress"):
        pytest.skip("the timeline is the decoder's own, or decoding takes seconds")
    import av

    with av.open(str(media / name)) as container:
        container.streams.video[0].thread_type = "AUTO"
        decoded = [frame.pts for frame in container.decode(video=0)]
    np.testing.assert_array_equal(decoded, timeline.ticks)


@pytest.mark.parametrize("name", FILES)
def test_lossless_segments_hold_the_sources_planes(media: Path, tmp_path: Path, name: str) -> None:
    source = inspect_source(media / name)
    stop = 4 if source.format.size_px[0] > 2000 else 12
    segments, planes = [], []
    for start in (0, stop // 2):
        segments.append(tmp_path / f"{start}.mp4")
        with SegmentWriter(segments[-1], like=source, lossless=True) as writer:
            for stored in open_source(media / name, start=start, stop=start + stop // 2):
                planes.append([plane.copy() for plane in plane_views(stored.frame)])
                writer.write(stored)
    join_segments(segments, tmp_path / "out.mp4", like=source)
    copy = inspect_source(tmp_path / "out.mp4")
    assert copy.format == source.format
    np.testing.assert_allclose(copy.timeline.times_s, source.timeline.times_s[:stop], atol=1e-9)
    for stored in open_source(tmp_path / "out.mp4"):
        for mine, theirs in zip(plane_views(stored.frame), planes[stored.index], strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("driving_wav/jfk_inaugural_11s.flac", 11.0),
        ("driving_wav/nvidia_speech_28s_48k.wav", 28.0),
        ("grid_two_person_composite_24s.mp4", 24.0),
        ("single/whitehouse_address_1.mp4", 4.8),
        ("bad_inputs/damaged_bitstream.mpg", 3.0),
    ],
)
def test_sound(media: Path, name: str, seconds: float) -> None:
    wave = read_audio(media / name)
    assert len(wave) / 16000 == pytest.approx(seconds, abs=0.5)
    assert 0.05 < np.abs(wave).max() <= 1.1
    assert np.all(np.isfinite(mel_spectrogram(wave)))


def test_what_has_no_picture_or_no_sound(media: Path) -> None:
    with pytest.raises(MediaError, match="no video stream"):
        probe(media / "bad_inputs/sine_not_speech.wav")
    with pytest.raises(MediaError, match="no audio stream"):
        read_audio(media / "bad_inputs/no_person_no_audio.mp4")
