"""Frames come one per listed time, upright, square and in their own colours."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_maker import MakeVideo, picture, spoil_packets

from contextalk.core.errors import MediaError
from contextalk.media import source
from contextalk.media.video import probe, read_at, read_frames, read_these, scan_frames, write_video

# H.264 at low quality settings moves flat patches of small pictures by no more than this (of 255).
CODING_LEVELS = 8


@pytest.mark.parametrize(
    ("rate", "time_base"),
    [
        (Fraction(16), Fraction(1, 16)),
        (Fraction(24000, 1001), Fraction(1001, 24000)),
        (Fraction(25), Fraction(1, 25)),
        (Fraction(30000, 1001), Fraction(1001, 30000)),
        (Fraction(50), Fraction(1, 50)),
        (Fraction(60), Fraction(1, 60)),
    ],
)
@pytest.mark.parametrize("name", ["scene.mp4", "scene.avi"])
def test_times_at_constant_rates(make_video: MakeVideo, rate: Fraction, time_base: Fraction, name: str) -> None:
    scene = probe(
        make_video(
            name,
            time_base=time_base,
            codec="libx264" if name.endswith("mp4") else "mjpeg",
            pix_fmt="yuv420p" if name.endswith("mp4") else "yuvj420p",
        )
    )
    # Exact fractions, so only float64 rounding is left.
    np.testing.assert_allclose(scene.times_s, np.arange(12) / float(rate), atol=1e-9)
    assert scene.duration_s == pytest.approx(12 / float(rate), abs=1e-9)
    assert scene.rate_hz == pytest.approx(float(rate))


def test_times_at_variable_rate(make_video: MakeVideo) -> None:
    ticks = (0, 40, 90, 100, 200, 201, 333, 400)
    path = make_video(ticks=ticks, time_base=Fraction(1, 1000))
    np.testing.assert_allclose(probe(path).times_s, np.array(ticks) / 1000, atol=1e-9)
    pictures = list(read_frames(path))
    assert [p.index for p in pictures] == list(range(8))
    np.testing.assert_allclose([p.time_s for p in pictures], probe(path).times_s)


def test_times_count_from_first_frame(make_video: MakeVideo) -> None:
    path = make_video(ticks=tuple(range(10, 20)), name="late.mkv", time_base=Fraction(1, 25))
    assert probe(path).times_s[0] == 0
    assert probe(path).duration_s == pytest.approx(0.4, abs=2e-3)  # Matroska counts milliseconds


@pytest.mark.parametrize(
    ("name", "codec"), [("b.mp4", "libx264"), ("b.mkv", "libx264"), ("b.avi", "mpeg4"), ("b.mpg", "mpeg1video")]
)
def test_pictures_are_in_order_with_b_frames(make_video: MakeVideo, name: str, codec: str) -> None:
    path = make_video(name, ticks=tuple(range(20)), codec=codec, options={"bf": "3", "g": "8"})
    pictures = list(read_frames(path))
    assert len(pictures) == len(probe(path).times_s) == 20
    brightness = np.array([p.rgb[-8:, -8:].mean() for p in pictures])
    np.testing.assert_allclose(brightness, [40 + 5 * i for i in range(20)], atol=CODING_LEVELS)


@pytest.mark.parametrize(("name", "codec"), [("s.mp4", "libx264"), ("s.mpg", "mpeg1video")])
def test_start_and_stop_give_the_same_pictures(make_video: MakeVideo, name: str, codec: str) -> None:
    path = make_video(name, ticks=tuple(range(120)), codec=codec, options={"g": "10", "bf": "2"})
    whole = list(read_frames(path))
    for start, stop in ((0, 5), (37, 60), (110, None), (119, 400), (120, 121)):
        part = list(read_frames(path, start=start, stop=stop))
        assert [p.index for p in part] == list(range(start, min(120, stop or 120)))
        for p in part:
            np.testing.assert_array_equal(p.rgb, whole[p.index].rgb)


@pytest.mark.parametrize(("rotation_deg", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_rotation_is_applied(make_video: MakeVideo, rotation_deg: int, corner: tuple[int, int]) -> None:
    path = make_video(rotation_deg=rotation_deg)
    scene = probe(path)
    assert scene.rotation_deg == rotation_deg
    assert scene.size_px == ((48, 64) if rotation_deg % 180 else (64, 48))
    rgb = next(read_frames(path)).rgb
    assert rgb.shape[1::-1] == scene.size_px
    red = rgb.astype(int)[..., 0] - rgb[..., 1]
    # The red corner of the stored picture, its upper left, is where a clockwise turn takes it.
    assert red[corner] > 150
    assert red[tuple(-1 - c for c in corner)] < 50


def test_pixels_become_square(make_video: MakeVideo) -> None:
    path = make_video(sample_aspect=Fraction(16, 11), rotation_deg=90)
    assert probe(path).size_px == (48, 93)
    assert next(read_frames(path)).rgb.shape == (93, 48, 3)


@pytest.mark.parametrize("near", [0, 3, 125])
def test_some_frames_are_those_of_the_whole(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch, near: int) -> None:
    monkeypatch.setattr("contextalk.media.video._NEAR_FRAMES", near)
    path = make_video()
    whole = list(read_frames(path))
    frames = [0, 2, 3, 7, len(whole) - 1]
    some = list(read_these(path, frames))
    assert [picture.index for picture in some] == frames
    assert all(np.array_equal(picture.rgb, whole[picture.index].rgb) for picture in some)
    assert list(read_these(path, [])) == []


def test_read_at_takes_the_nearest(make_video: MakeVideo) -> None:
    path = make_video()
    frames = [p.rgb for p in read_frames(path)]
    at_s = np.array([-1.0, 0.0, 0.019, 0.021, 0.2, 0.2, 0.43, 9.0])
    for rgb, wanted in zip(read_at(path, at_s), (0, 0, 0, 1, 5, 5, 11, 11), strict=True):
        np.testing.assert_array_equal(rgb, frames[wanted])


def test_read_at_refuses_decreasing_times(make_video: MakeVideo) -> None:
    with pytest.raises(ValueError, match="decrease"):
        next(read_at(make_video(), np.array([0.2, 0.1])))


def test_write_and_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(20, 235, (10, 3)).astype(np.uint8)
    wave = np.sin(np.arange(8000) / 5).astype(np.float32) * 0.5
    path = tmp_path / "out file.mp4"
    write_video(path, (np.broadcast_to(c, (48, 64, 3)) for c in colours), rate_hz=25, wave=wave, crf=10)
    scene = probe(path)
    assert scene.has_audio
    assert scene.size_px == (64, 48)
    np.testing.assert_allclose(scene.times_s, np.arange(10) / 25, atol=1e-9)
    for p in read_frames(path):
        # Flat colours survive H.264 at this quality to within rounding of Y'CbCr and its quantiser.
        np.testing.assert_allclose(p.rgb.mean(axis=(0, 1)), colours[p.index], atol=4)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "frames", "message"),
    [
        ("a.mp4", [], "no frames"),
        ("a.mp4", [np.zeros((47, 64, 3), np.uint8)], "64x47, wanted even"),
        ("a.mp4", [np.zeros((48, 64, 3), np.uint8), np.zeros((50, 64, 3), np.uint8)], "frame 1 is 64x50"),
        ("a.txt", [np.zeros((48, 64, 3), np.uint8)], "wanted one of .mp4"),
    ],
)
def test_write_errors_leave_nothing(tmp_path: Path, name: str, frames: list, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        write_video(tmp_path / name, frames)
    assert list(tmp_path.iterdir()) == []


def _wav_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("none.mp4", Path.absolute, "does not exist"),
        ("folder.mp4", Path.mkdir, "is a folder"),
        ("empty.mp4", Path.touch, "truncated or no video"),
        ("text.mp4", lambda path: path.write_text("hello " * 500), "truncated or no video"),
        ("sound.wav", _wav_only, "no video stream"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, name: str, make, message: str) -> None:
    make(tmp_path / name)
    with pytest.raises(MediaError, match=message) as caught:
        probe(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(("movflags", "share"), [("", 0.9), ("faststart", 0.6)])
def test_truncated_file(make_video: MakeVideo, movflags: str, share: float) -> None:
    path = make_video(ticks=tuple(range(60)), options={"movflags": movflags})
    if movflags:  # the index comes first, the pictures are cut
        with (
            av.open(str(path)) as source,
            av.open(str(path.with_name("fast.mp4")), "w", options={"movflags": "faststart"}) as target,
        ):
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        path = path.with_name("fast.mp4")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(MediaError, match="truncated"):
        probe(path)


def test_damaged_packets_are_stood_in_for(make_video: MakeVideo) -> None:
    path = make_video(ticks=tuple(range(40)), options={"g": "5", "bf": "0"})
    spoil_packets(path, 11, 14)
    pictures = list(read_frames(path))
    assert [p.index for p in pictures] == list(range(40))
    assert pictures[30].rgb[-8:, -8:].mean() == pytest.approx(picture(30, (64, 48))[-1, -1, 0], abs=CODING_LEVELS)


def test_a_damaged_picture_is_marked_until_the_next_key_frame(make_video: MakeVideo) -> None:
    path = make_video(ticks=range(24), options={"g": "8", "bf": "0", "sc_threshold": "0", "keyint_min": "8"})
    assert not any(picture.damaged for picture in read_frames(path))
    spoil_packets(path, 10, 11)
    damaged = [picture.damaged for picture in read_frames(path)]
    # Packet 10's picture is lost and what builds on it is wrong, up to the key frame 16.
    assert damaged[:10] == [False] * 10
    assert damaged[10:16] == [True] * 6
    assert damaged[16:] == [False] * 8


@pytest.mark.parametrize(("name", "codec"), [("b.mp4", "libx264"), ("b.mpg", "mpeg1video")])
def test_scanning_is_reading_and_lists_the_times(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch, name: str, codec: str
) -> None:
    path = make_video(name, codec=codec, ticks=range(20))
    scanned = list(scan_frames(path))
    with monkeypatch.context() as patched:
        # Nothing is decoded for the times: they were listed on the way.
        patched.setattr(source, "list_decoded", lambda *_: pytest.fail("decoded again"))
        scene = probe(path)
    read = list(read_frames(path))
    assert [p.index for p in scanned] == [p.index for p in read] == list(range(20))
    np.testing.assert_array_equal(scene.times_s, [p.time_s for p in scanned])
    for one, other in zip(scanned, read, strict=True):
        assert one.time_s == other.time_s
        np.testing.assert_array_equal(one.rgb, other.rgb)
