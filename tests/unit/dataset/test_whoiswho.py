"""People recognised across sources: their names, `group:N`, and the contact sheet."""

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contextalk.core.errors import DatasetError
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare
from contextalk.media.video import write_video

from .conftest import landmarks_at

Films = Callable[..., Path]
RED, BLUE, GREEN = (200, 40, 40), (40, 40, 200), (40, 180, 40)
PLACES = ((90.0, 85.0), (230.0, 85.0))


@dataclass(frozen=True)
class ColourEncoder:
    """Tells people apart by the colour of the middle of their face."""

    name: str = "colour-1"
    farthest_same: float = 0.1

    def encode(self, rgb: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
        x, y = points.mean(axis=0).astype(int)
        colour = rgb[y, x].astype(np.float32)
        return colour / np.linalg.norm(colour)


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Films:
    """Write a video with a disc of a colour for each person, from left to right."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(name: str, *colours: tuple[int, int, int], num_frames: int = 25) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        picture = np.full((180, 320, 3), 120, np.uint8)
        y, x = np.mgrid[:180, :320] + 0.5
        for index, (colour, place) in enumerate(zip(colours, PLACES, strict=False)):
            landmarks_at(np.full((num_frames, 2), place)).save(folder / f"landmarks-{index}.npz")
            picture[((x - place[0]) / 40) ** 2 + ((y - place[1]) / 50) ** 2 < 1] = colour
        hum = np.sin(np.arange(num_frames * 640) * 0.1).astype(np.float32) * 0.01
        write_video(folder / f"{name}.mp4", [picture] * num_frames, crf=6, wave=hum)
        return folder / f"{name}.mp4"

    return write


def people_of(dataset: Path) -> dict[str, set[tuple[str, int]]]:
    """Name and track of the clips of each source."""
    rows = [row for row in read_manifest(dataset).to_pylist() if not row["reject_reason"]]
    return {
        source: {(row["person"], row["track"]) for row in found}
        for source, found in itertools.groupby(rows, lambda row: row["source"].split(".")[0])
    }


def test_somebody_of_several_sources_has_the_name_of_the_group(film: Films, tmp_path: Path) -> None:
    films = [film("one", RED, BLUE), film("two", BLUE, RED), film("three", GREEN)]
    prepare(films, tmp_path / "data", target="all", encoder=ColourEncoder())
    named = people_of(tmp_path / "data")
    assert named["three"] == {("three", 0)}, "who is in one source alone keeps its name"
    (red,) = {name for name, track in named["one"] if track == 0}
    (blue,) = {name for name, track in named["one"] if track == 1}
    assert {red, blue} == {"group-0", "group-1"}
    assert named["two"] == {(blue, 0), (red, 1)}


def test_order_workers_and_calls_do_not_matter(film: Films, tmp_path: Path) -> None:
    films = [film("one", RED, BLUE), film("two", BLUE, RED), film("three", GREEN, num_frames=50)]
    prepare(films, tmp_path / "a", target="all", encoder=ColourEncoder())
    prepare(films[::-1], tmp_path / "b", target="all", workers=2, encoder=ColourEncoder())
    for source in films:
        prepare([source], tmp_path / "c", target="all", encoder=ColourEncoder())

    def sums(name: str) -> dict[str, str]:
        files = [tmp_path / name / "manifest.parquet", *(tmp_path / name / "shards").iterdir()]
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    assert sums("a") == sums("b") == sums("c")


def test_a_given_name_stays(film: Films, tmp_path: Path) -> None:
    films = [film("one", RED), film("two", RED)]
    report = prepare(films, tmp_path / "data", person="anna", encoder=ColourEncoder())
    assert people_of(tmp_path / "data") == {"one": {("anna", 0)}, "two": {("anna", 0)}}
    assert [(group.target, group.sources) for group in report.groups] == [("group:0", ("one.mp4", "two.mp4"))]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_group_as_target(film: Films, tmp_path: Path, workers: int) -> None:
    films = [film("one", RED, BLUE), film("two", BLUE, RED), film("three", GREEN)]
    report = prepare(films, tmp_path / "all", target="all", encoder=ColourEncoder())
    blue = next(name for name, track in people_of(tmp_path / "all")["one"] if track == 1)
    assert {group.target for group in report.groups} == {"group:0", "group:1", "group:2"}

    target = blue.replace("-", ":")
    report = prepare(films, tmp_path / "data", target=target, workers=workers, encoder=ColourEncoder())
    assert people_of(tmp_path / "data") == {"one": {(blue, 1)}, "two": {(blue, 0)}}
    assert report.rejected == {"no target": 1}
    (row,) = [row for row in read_manifest(tmp_path / "data").to_pylist() if row["reject_reason"]]
    assert row["reject_reason"] == f"no target: {target} is not in three.mp4"


def test_a_group_that_is_not_there(film: Films, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no group:3, there is group:0 … group:1"):
        prepare([film("one", RED, BLUE)], tmp_path / "data", target="group:3", encoder=ColourEncoder())


def test_the_contact_sheet_is_there_before_a_clip_is(film: Films, tmp_path: Path) -> None:
    films = [film("one", RED, BLUE), film("two", RED)]
    with pytest.raises(DatasetError, match="no group:5"):
        prepare(
            films,
            tmp_path / "data",
            target="group:5",
            contact_sheet=tmp_path / "sheet.png",
            encoder=ColourEncoder(),
        )
    sheet = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    rows = np.split(sheet[: len(sheet) // 2 * 2], 2)
    # Red is in both films and comes first; JPEG and H.264 move flat colours by some levels.
    share = [[float((np.abs(row - colour).max(axis=2) < 40).mean()) for colour in (RED, BLUE)] for row in rows]
    assert share[0][0] > 0.15
    assert share[1][1] > 0.1
    assert max(share[0][1], share[1][0]) < 0.01
    assert not list((tmp_path / "data" / "shards").iterdir())


def test_nobody_to_draw(synth_scene: Films, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nobody to draw on --contact-sheet"):
        prepare([synth_scene("scene-0000")], tmp_path / "data", contact_sheet=tmp_path / "sheet.png")


def test_looks_of_another_encoder_are_made_again(film: Films, tmp_path: Path) -> None:
    films = [film("one", RED), film("two", BLUE)]
    prepare(films, tmp_path / "data", encoder=ColourEncoder(name="blind-1", farthest_same=2.0))
    assert people_of(tmp_path / "data") == {"one": {("group-0", 0)}, "two": {("group-0", 0)}}
    report = prepare(films, tmp_path / "data", encoder=ColourEncoder())
    assert people_of(tmp_path / "data") == {"one": {("one", 0)}, "two": {("two", 0)}}
    assert prepare(films, tmp_path / "data", encoder=ColourEncoder()).num_reused == 2
    assert report.num_reused == 0
