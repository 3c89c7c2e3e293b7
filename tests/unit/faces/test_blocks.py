"""The first decode in blocks: made apart, in any order, resumed, or in one go, they are the same."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.records import Scene, Shot
from contextalk.faces import analysis, blocks
from contextalk.faces.analysis import FaceLook, analyse
from contextalk.faces.backends import Person, SeenFace
from contextalk.faces.blocks import FaceBlock, look_at_blocks, num_blocks
from contextalk.faces.cache import BlockFolder
from contextalk.faces.people import gather_people
from contextalk.media.video import Picture, write_video

FRAMES = 100
CUTS = (30, 48, 50, 75)  # 50 comes too soon after 48, and both lie around the border of a block of 16


class FollowingBackend:
    """A plug-in that remembers the frame before, as real ones do: its answer tells how long it has followed."""

    name = "following-1"

    def __init__(self) -> None:
        self.age = 0
        self.seen: list[int] = []

    def see(self, picture: Picture, *, changed: bool) -> list[SeenFace]:
        self.age = 0 if changed else self.age + 1
        self.seen.append(picture.index)
        at = np.array([40.0 + picture.rgb.mean() / 10, 30.0])
        points = at + np.stack(np.meshgrid(np.arange(17), np.arange(4)), axis=-1).reshape(68, 2) + 0.01 * self.age
        return [SeenFace(points=points, pupils=points[:2], look=np.array([1.0, 0.0], np.float32))]

    def people(self, blocks: Sequence[FaceBlock], scene: Scene, shots: Sequence[Shot]) -> list[Person]:
        return gather_people(blocks, scene, shots)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (blocks, analysis):
        monkeypatch.setattr(module, "BLOCK_FRAMES", 16)


@pytest.fixture(params=["film.mp4", "film.mkv"])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    takes = [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(len(CUTS) + 1)]
    frames = [takes[sum(cut <= frame for cut in CUTS)] for frame in range(FRAMES)]
    write_video(tmp_path / request.param, frames)
    return tmp_path / request.param


def same(one: FaceBlock, other: FaceBlock) -> None:
    for name in FaceBlock.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_blocks_made_apart_are_those_of_one_pass(film: Path) -> None:
    whole = dict(look_at_blocks(film, None, FollowingBackend()))
    assert sorted(whole) == list(range(7)) == list(range(num_blocks(film) or 0))
    assert [cut for number in sorted(whole) for cut in whole[number].cuts] == list(CUTS)
    assert [len(whole[number]) for number in range(7)] == [16] * 6 + [4]
    for numbers in ([3], [6], [0, 1, 5], [2, 4]):
        for number, block in look_at_blocks(film, numbers, FollowingBackend()):
            same(block, whole[number])
            numbers = [left for left in numbers if left != number]
        assert not numbers, "each block asked for comes once"


def test_blocks_that_exist_are_passed_without_looking(film: Path) -> None:
    whole, backend = dict(look_at_blocks(film, None, FollowingBackend())), FollowingBackend()
    rest = dict(look_at_blocks(film, None, backend, made=lambda number: number != 3))
    assert list(rest) == [3]
    assert backend.seen == list(range(48, 64))
    same(rest[3], whole[3])


def test_a_killed_look_goes_on_and_gives_the_same_analysis(film: Path, tmp_path: Path) -> None:
    analysis_of = {}
    for way in ("whole", "killed"):
        look = FaceLook(film, annotations="none", work_dir=tmp_path / way)
        if way == "killed":
            look.make([1, 2, 6])  # what a killed run left
            torn = look.blocks.folder / "block-000002.npz"
            torn.write_bytes(torn.read_bytes()[:200])  # and a bad disk after it
            assert look.missing() == [0, 2, 3, 4, 5]
        analysis_of[way] = analyse(film, annotations="none", work_dir=tmp_path / way)
    assert [(shot.start, shot.stop) for shot in analysis_of["whole"].shots] == [
        (0, 30),
        (30, 48),
        (48, 75),
        (75, 100),
    ]
    assert analysis_of["killed"].shots == analysis_of["whole"].shots
    for one, other in zip(analysis_of["killed"].tracks, analysis_of["whole"].tracks, strict=True):
        np.testing.assert_array_equal(one.landmarks.points, other.landmarks.points)


def test_tracks_run_on_over_the_borders_of_blocks(film: Path, tmp_path: Path) -> None:
    folder = BlockFolder(tmp_path / "blocks")
    for number, block in look_at_blocks(film, None, FollowingBackend()):
        folder.keep(number, block)
    scene = Scene(
        path=film,
        size_px=(96, 64),
        times_s=np.arange(FRAMES) / 25,
        duration_s=FRAMES / 25,
        rotation_deg=0,
        has_audio=False,
    )
    (person,) = gather_people(folder, scene, [Shot(start=0, stop=FRAMES)])
    assert person.landmarks.valid.all()
    # The plug-in's answer grows by a hundredth a frame while it follows; stored as float32.
    ages = person.landmarks.points[:, 0, 1] - 30
    assert ages[47] == pytest.approx(0.15, abs=1e-5), "block 2 began at frame 32, after the cut at 30"
