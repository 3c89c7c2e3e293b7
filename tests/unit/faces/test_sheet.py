from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import TargetError
from contextalk.core.records import Analysis, Landmarks, Scene, Shot, Track
from contextalk.core.time import clip_times
from contextalk.faces.sheet import contact_sheet, describe_people
from contextalk.media.video import write_video

FRAMES, WIDTH, HEIGHT = 50, 320, 192
LEFT, RIGHT = (200, 30, 30), (30, 30, 200)


def person(index: int, centre_px: tuple[float, float], seen: slice, spoken: slice) -> Track:
    valid = np.zeros(FRAMES, bool)
    valid[seen] = True
    points = np.full((FRAMES, 68, 2), np.nan, np.float32)
    corners = np.array([[-20, -25], [20, 25]], np.float32) + centre_px
    points[valid] = np.linspace(corners[0], corners[1], 68)
    speaking = np.zeros(FRAMES, np.float32)
    speaking[spoken] = 0.9
    landmarks = Landmarks(
        points=points,
        pupils=np.full((FRAMES, 2, 2), np.nan, np.float32),
        head_pose=np.zeros((FRAMES, 3), np.float32),
        valid=valid,
        times_s=clip_times(FRAMES),
        size_px=(WIDTH, HEIGHT),
    )
    return Track(index=index, landmarks=landmarks, speaking=speaking)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    path: Path = tmp_path_factory.mktemp("scene") / "two people.mp4"
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, : WIDTH // 2], picture[:, WIDTH // 2 :] = LEFT, RIGHT
    write_video(path, (picture for _ in range(FRAMES)))
    scene = Scene(
        path=path,
        size_px=(WIDTH, HEIGHT),
        times_s=clip_times(FRAMES),
        duration_s=2.0,
        rotation_deg=0,
        has_audio=False,
    )
    tracks = (
        person(0, (60, 90), slice(0, 50), slice(0, 25)),
        person(1, (260, 90), slice(10, 40), slice(0, 15)),
        person(2, (160, 90), slice(0, 0), slice(0, 0)),
    )
    return Analysis(
        scene=scene,
        shots=(Shot(start=0, stop=FRAMES),),
        tracks=tracks,
        damaged=np.zeros(FRAMES, bool),
        voice=np.zeros(FRAMES, np.float32),
        backend="test",
        hearing="test",
        active_speaker="test",
    )


def test_people_are_described(analysis: Analysis) -> None:
    left, right = describe_people(analysis)  # the third is never seen
    assert (left.index, left.position, right.index, right.position) == (0, "left", 1, "right")
    assert left.seen_s == pytest.approx(2.0)
    assert left.speaking_s == pytest.approx(1.0)
    assert left.box_px == (40, 65, 80, 115)
    assert right.seen_s == pytest.approx(1.2)
    assert right.speaking_s == pytest.approx(0.2)  # speech counts only where the face is seen
    assert right.first_seen_s == pytest.approx(0.4)
    assert right.first_centre_px == (260, 90)


def test_sheet_has_a_row_a_person(analysis: Analysis) -> None:
    sheet = np.asarray(contact_sheet(analysis))
    rows = np.split(sheet[: len(sheet) // 2 * 2], 2)
    for row, colour in zip(rows, (LEFT, RIGHT), strict=True):
        thumbs = np.abs(row.astype(int) - colour).max(axis=2) < 16  # H.264 moves flat colours by a few levels
        assert thumbs.mean() > 0.5
    other = np.abs(rows[0].astype(int) - RIGHT).max(axis=2) < 16
    assert other.mean() < 0.02


def test_nobody_is_one_clear_line(analysis: Analysis) -> None:
    empty = Analysis(
        scene=analysis.scene,
        shots=analysis.shots,
        tracks=(),
        damaged=np.zeros(FRAMES, bool),
        voice=np.zeros(FRAMES, np.float32),
        backend="test",
        hearing="test",
        active_speaker="test",
    )
    with pytest.raises(TargetError, match=r"no face found in .*two people"):
        contact_sheet(empty)
