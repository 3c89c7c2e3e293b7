"""What is written has the source's planes, times and description; segments join without losing a frame."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_maker import MakeVideo, spoil_packets

from contextalk.core.errors import MediaError
from contextalk.media.audio import read_audio
from contextalk.media.planes import plane_views, writable_planes
from contextalk.media.source import inspect_source, open_source
from contextalk.media.video import write_video
from contextalk.media.writer import SegmentWriter, encoding_for, join_segments

VARIABLE = (0, 40, 90, 100, 200, 201, 333, 400, 1000, 1040)


def rewrite(path: Path, out: Path, *, lossless: bool, per_segment: int = 4, **sound: object) -> Path:
    source = inspect_source(path)
    segments = []
    for start in range(0, len(source.timeline.ticks), per_segment):
        segments.append(out.with_name(f"segment-{start}.mp4"))
        with SegmentWriter(segments[-1], like=source, lossless=lossless) as writer:
            for stored in open_source(path, start=start, stop=start + per_segment):
                writer.write(stored)
    join_segments(segments, out, like=source, **sound)  # type: ignore[arg-type]
    return out


def planes_of(path: Path) -> list[list[np.ndarray]]:
    return [[plane.copy() for plane in plane_views(stored.frame)] for stored in open_source(path)]


SOURCES = [
    pytest.param({}, id="420"),
    pytest.param({"time_base": Fraction(1001, 30000)}, id="29.97"),
    pytest.param({"time_base": Fraction(1001, 24000)}, id="23.976"),
    pytest.param({"time_base": Fraction(1, 16)}, id="16"),
    pytest.param({"time_base": Fraction(1, 60)}, id="60"),
    pytest.param({"time_base": Fraction(1, 1000), "ticks": VARIABLE}, id="variable"),
    pytest.param({"rotation_deg": 90}, id="rotated"),
    pytest.param({"rotation_deg": 180, "sample_aspect": Fraction(16, 11)}, id="turned and wide pixels"),
    pytest.param({"pix_fmt": "yuv422p"}, id="422"),
    pytest.param({"pix_fmt": "yuv444p", "size_px": (63, 47)}, id="444 odd"),
    pytest.param({"pix_fmt": "yuv420p10le"}, id="10 bit"),
    pytest.param({"pix_fmt": "yuv420p", "size_px": (63, 47), "codec": "mpeg4", "name": "odd.mp4"}, id="420 odd"),
    pytest.param({"pix_fmt": "yuvj420p", "codec": "mjpeg", "name": "full.avi"}, id="full range"),
    pytest.param({"pix_fmt": "bgr0", "codec": "ffv1", "name": "rgb.mkv"}, id="rgb"),
    pytest.param({"pix_fmt": "yuv422p12le", "codec": "ffv1", "name": "deep.mkv"}, id="12 bit"),
]


@pytest.mark.parametrize("made", SOURCES)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_lossless_keeps_planes_times_and_description(
    make_video: MakeVideo, tmp_path: Path, made: dict, suffix: str
) -> None:
    path = make_video(**made)
    out = rewrite(path, tmp_path / f"out{suffix}", lossless=True)
    source, copy = inspect_source(path), inspect_source(out)
    if suffix == ".mkv" or encoding_for(source, lossless=True).codec == "libx264":
        assert copy.format == source.format
    else:  # an mp4 around FFV1 holds a colour description whole or not at all, so a partial one is completed
        assert replace(copy.format, colour=source.format.colour) == source.format
        assert replace(copy.format.colour, tags=source.format.colour.tags) == source.format.colour
    # An mp4 keeps times exactly, Matroska to half a millisecond either way.
    np.testing.assert_allclose(
        copy.timeline.times_s, source.timeline.times_s, rtol=0, atol=1e-9 if suffix == ".mp4" else 1.1e-3
    )
    assert copy.timeline.duration_s == pytest.approx(source.timeline.duration_s, abs=1e-9 if suffix == ".mp4" else 2e-3)
    for mine, theirs in zip(planes_of(out), planes_of(path), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("made", SOURCES)
def test_lossy_looks_the_same(make_video: MakeVideo, tmp_path: Path, made: dict) -> None:
    path = make_video(**made)
    out = rewrite(path, tmp_path / "out.mp4", lossless=False)
    source, copy = inspect_source(path), inspect_source(out)
    assert copy.format.size_px == source.format.size_px
    assert copy.format.rotation_deg == source.format.rotation_deg
    assert copy.format.colour.full_range == source.format.colour.full_range or source.format.colour.matrix == 0
    np.testing.assert_allclose(copy.timeline.times_s, source.timeline.times_s, rtol=0, atol=1e-9)
    if copy.format.colour.bits != source.format.colour.bits or source.format.colour.matrix == 0:
        return
    unit = 2 ** (source.format.colour.bits - 8)
    for mine, theirs in zip(planes_of(out), planes_of(path), strict=True):
        # crf 16 errs by about a level (of 255) on such pictures; 3 allows for the edges of their corner.
        assert np.abs(mine[0].astype(int) - theirs[0]).mean() < 3 * unit


def test_a_segment_stands_alone(make_video: MakeVideo, tmp_path: Path) -> None:
    path = make_video(ticks=tuple(range(30)))
    rewrite(path, tmp_path / "out.mp4", lossless=False, per_segment=10)
    with av.open(str(tmp_path / "segment-10.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert packets[0].is_keyframe
    assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
    assert len(planes_of(tmp_path / "segment-10.mp4")) == 10


def test_joining_takes_the_segments_own_packets(make_video: MakeVideo, tmp_path: Path) -> None:
    path = make_video(ticks=tuple(range(22)))
    out = rewrite(path, tmp_path / "out.mp4", lossless=False, per_segment=8)
    apart = [planes for name in ("0", "8", "16") for planes in planes_of(tmp_path / f"segment-{name}.mp4")]
    for mine, theirs in zip(planes_of(out), apart, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("samples", [3000, 7680, 40000])
def test_joined_wave_has_the_pictures_length(make_video: MakeVideo, tmp_path: Path, samples: int) -> None:
    wave = np.sin(np.arange(samples) / 9).astype(np.float32) * 0.5
    out = rewrite(make_video(), tmp_path / "out.mp4", lossless=False, wave=np.array_split(wave, 3))
    with av.open(str(out)) as container:
        assert container.duration / 1e6 == pytest.approx(12 / 25, abs=1e-3)
    heard = read_audio(out)[:7680]
    wanted = np.pad(wave, (0, 7680))[:7680]
    # AAC is no waveform coder, but a tone comes back in place.
    assert np.corrcoef(heard, wanted)[0, 1] > 0.98


def test_sound_is_copied(make_video: MakeVideo, tmp_path: Path) -> None:
    wave = np.random.default_rng(0).standard_normal(7680).astype(np.float32) * 0.1
    path = make_video(wave=wave)
    out = rewrite(path, tmp_path / "out.mp4", lossless=False, audio_source=path)
    np.testing.assert_array_equal(read_audio(out), read_audio(path))


def test_copied_sound_keeps_its_place_beside_late_pictures(make_video: MakeVideo, tmp_path: Path) -> None:
    wave = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    path = make_video("late.mkv", ticks=tuple(range(5, 25)), wave=wave, sound_codec="flac")
    out = rewrite(path, tmp_path / "out.mkv", lossless=False, audio_source=path)
    wanted, heard = read_audio(path), read_audio(out)
    late = int(np.argmax(np.correlate(heard[2000:6000], wanted[1900:6100], mode="valid"))) - 100
    # Matroska counts milliseconds, 16 samples; the pictures begin at 0.2 s, 3200 samples.
    assert abs(late) <= 32


def test_what_a_file_cannot_hold_is_said(make_video: MakeVideo, tmp_path: Path) -> None:
    path = make_video("voice.mkv", wave=np.zeros(7680, np.float32), sound_codec="wavpack")
    with pytest.raises(MediaError, match=r"cannot hold sound as wavpack, wanted an output that ends in \.mkv"):
        rewrite(path, tmp_path / "out.mp4", lossless=False, audio_source=path)
    assert not (tmp_path / "out.mp4").exists()


def test_segments_of_other_settings_are_refused(make_video: MakeVideo, tmp_path: Path) -> None:
    one, two = make_video("one.mp4"), make_video("two.mp4", size_px=(80, 48))
    source = inspect_source(one)
    rewrite(one, tmp_path / "out.mp4", lossless=False, per_segment=20)
    first = (tmp_path / "segment-0.mp4").rename(tmp_path / "first.mp4")
    rewrite(two, tmp_path / "out.mp4", lossless=False, per_segment=20)
    with pytest.raises(MediaError, match="other settings"):
        join_segments([first, tmp_path / "segment-0.mp4"], tmp_path / "mixed.mp4", like=source)


def test_an_interrupted_segment_leaves_nothing(make_video: MakeVideo, tmp_path: Path) -> None:
    path = make_video()

    def interrupted() -> None:
        with SegmentWriter(tmp_path / "s.mp4", like=inspect_source(path)) as writer:
            for stored in open_source(path, stop=5):
                writer.write(stored)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == [path]


def test_writing_on_a_picture_spares_the_next(tmp_path: Path) -> None:
    """The decoder predicts from pictures it has handed out: what is painted on one must not show in another."""
    noise = np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3)).astype(np.uint8)
    path = tmp_path / "taking turns.mp4"
    # Each picture is best predicted from the one three before it.
    write_video(path, (noise[index % 3] for index in range(60)), preset="slow")
    untouched = planes_of(path)
    for stored in open_source(path):
        for plane, wanted in zip(writable_planes(stored.frame), untouched[stored.index], strict=True):
            np.testing.assert_array_equal(plane, wanted)
            plane[:] = 0


def test_writing_on_a_picture_spares_its_stand_in(make_video: MakeVideo) -> None:
    path = make_video(ticks=tuple(range(20)), options={"g": "5", "bf": "0"})
    spoil_packets(path, 11, 14)
    untouched = planes_of(path)
    for stored in open_source(path):
        for plane, wanted in zip(writable_planes(stored.frame), untouched[stored.index], strict=True):
            np.testing.assert_array_equal(plane, wanted)
            plane[:] = 0
