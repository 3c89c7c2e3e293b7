"""A study from a folder of videos to a table, with the page's own rules in between."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.study.answers import QUESTIONS, report
from contextalk.evaluation.study.page import make_study
from contextalk.media.video import probe, read_frames, write_video

METHODS, CONTEXTS = ("ours-of-course", "rival-method"), ("kitchen", "office")
CENTRE, SIDE, FRAMES = (60.0, 40.0), 32.0, 3


def scene(path: Path, colour: tuple[int, int, int]) -> None:
    """Grey, with a square head of one colour that fills the crop and a red speck at the scene's edge."""
    picture = np.full((96, 128, 3), 90, np.uint8)
    picture[24:56, 44:76] = colour
    picture[:8, :8] = (220, 30, 30)
    write_video(path, [picture] * FRAMES, wave=np.zeros(1920, np.float32))


@pytest.fixture
def methods(tmp_path: Path) -> Path:
    folder = tmp_path / "methods"
    for number, method in enumerate(METHODS):
        (folder / method).mkdir(parents=True)
        for context in CONTEXTS:
            scene(folder / method / f"{context}.mp4", (40, 60 + 90 * number, 200))
            crop = {"centre_px": [CENTRE] * FRAMES, "side_px": [SIDE] * FRAMES}
            (folder / method / f"{context}.report.json").write_text(json.dumps({"crop": crop}))
    return folder


def embedded(page: str) -> dict[str, bytes]:
    found = re.findall(r'<script type="video/mp4" id="([\w-]+)">([^<]*)</script>', page)
    return {name: base64.b64decode(content) for name, content in found}


def test_the_page_holds_all_videos_and_no_name(methods: Path, tmp_path: Path) -> None:
    made = make_study(methods, tmp_path / "study.html", seed=3)
    page = made.page.read_text()
    key = json.loads(made.key.read_text())
    assert made.num_trials == len(key["trials"]) == 4
    assert made.size_bytes == made.page.stat().st_size
    videos = embedded(page)
    assert set(videos) == {f"{question}-{code}" for code in key["trials"] for question in QUESTIONS}
    for secret in (*METHODS, *CONTEXTS, str(methods)):
        assert secret not in page
        assert not any(secret.encode() in video for video in videos.values())
    shown = json.loads(re.search(r'id="study">([^<]*)<', page)[1])
    assert shown["study"] == key["study"]
    assert shown["trials"] == sorted(shown["trials"])  # not in the order of the folders
    for code, named in key["trials"].items():
        assert videos[f"scene-{code}"] == (methods / named["method"] / f"{named['context']}.mp4").read_bytes()
        face = tmp_path / "face.mp4"
        face.write_bytes(videos[f"face-{code}"])
        facts = probe(face)
        assert (facts.size_px, len(facts.times_s), facts.has_audio) == ((256, 256), FRAMES, True)
        middle = next(read_frames(face)).rgb[64:192, 64:192].reshape(-1, 3).mean(axis=0)
        # The head alone, give or take what two rounds of lossy coding in 4:2:0 do to a flat colour.
        assert middle == pytest.approx((40, 60 + 90 * METHODS.index(named["method"]), 200), abs=6)


def test_the_seed_decides_the_codes(methods: Path, tmp_path: Path) -> None:
    keys = [
        make_study(methods, tmp_path / f"{name}.html", seed=seed).key for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, again, other = (set(json.loads(key.read_text())["trials"]) for key in keys)
    assert first == again
    assert not first & other


def test_crops_may_be_given(methods: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    crops.mkdir()
    for context in CONTEXTS:
        for method in METHODS:
            (methods / method / f"{context}.report.json").unlink()
        crop = {"centre_px": [(4.0, 4.0)] * FRAMES, "side_px": [8.0] * FRAMES}  # the red speck
        (crops / f"{context}.json").write_text(json.dumps(crop))
    with pytest.raises(ContextalkError, match=r"no report beside kitchen\.mp4 says where the head is"):
        make_study(methods, tmp_path / "study.html")
    made = make_study(methods, tmp_path / "study.html", crops=crops)
    face = tmp_path / "face.mp4"
    face.write_bytes(next(v for name, v in embedded(made.page.read_text()).items() if name.startswith("face")))
    middle = next(read_frames(face)).rgb[96:160, 96:160].reshape(-1, 3).mean(axis=0)
    assert middle == pytest.approx((220, 30, 30), abs=12)  # small and saturated: 4:2:0 blurs its edge


def break_length(methods: Path) -> None:
    for method in METHODS:
        crop = {"centre_px": [CENTRE] * 2, "side_px": [SIDE] * 2}
        (methods / method / "kitchen.report.json").write_text(json.dumps({"crop": crop}))


def break_place(methods: Path) -> None:
    crop = {"centre_px": [(10.0, 10.0)] * FRAMES, "side_px": [SIDE] * FRAMES}
    (methods / METHODS[1] / "kitchen.report.json").write_text(json.dumps({"crop": crop}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / METHODS[1] / "office.mp4").unlink(), r"rival-method has no office\.mp4"),
        (lambda folder: [p.unlink() for p in (folder / METHODS[1]).iterdir()], "has 1 folders with"),
        (lambda folder: (folder / METHODS[0] / "kitchen.mp4").write_bytes(b"no"), "no video that can be read"),
        (break_length, "has 3 frames and its crop 2"),
        (break_place, "put the head elsewhere"),
    ],
)
def test_what_is_no_study_is_said(methods: Path, tmp_path: Path, damage, message: str) -> None:
    damage(methods)
    with pytest.raises(ContextalkError, match=message):
        make_study(methods, tmp_path / "study.html")
    assert not list(tmp_path.glob("study*"))


def test_a_page_is_html(methods: Path, tmp_path: Path) -> None:
    with pytest.raises(ContextalkError, match=r"wanted \.html"):
        make_study(methods, tmp_path / "study.pdf")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Two methods in two contexts; a… and b… are the first's."""
    trials = {
        f"{letter}{context}": {"method": method, "context": context}
        for letter, method in (("a", "first"), ("b", "second"))
        for context in "12"
    }
    path = tmp_path / "study.key.json"
    path.write_text(json.dumps({"schema": 1, "study": "s", "trials": trials}))
    return path


def answer(folder: Path, rater: str, scores: dict[str, int], **changes: object) -> Path:
    """`scores` by question and trial: {"face a1": 3}."""
    given = [
        {"trial": name.split()[1], "question": name.split()[0], "score": score, "seconds": 2.0}
        for name, score in scores.items()
    ]
    path = folder / f"answers-{rater}-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps({"schema": 1, "study": "s", "participant": rater, "answers": given} | changes))
    return path


def all_of(first: int, second: int) -> dict[str, int]:
    marks = {"a1": first, "a2": first, "b1": second, "b2": second}
    return {f"{question} {trial}": mark for question in QUESTIONS for trial, mark in marks.items()}


def test_means_are_over_raters_and_their_own_contexts(key: Path, tmp_path: Path) -> None:
    """The second rater left after one trial: their one score weighs as much as the first rater's two."""
    files = [answer(tmp_path, "x", all_of(4, 2)), answer(tmp_path, "y", {"face a1": 2})]
    counted = report(files, key)
    face, other = counted.scores[0], counted.scores[1]
    assert (face.method, face.question, face.mean, face.num_raters, face.num_scores) == ("first", "face", 3.0, 2, 3)
    assert (other.method, other.mean, other.num_raters) == ("second", 2.0, 1)
    assert np.isnan([other.low, other.high]).all()  # one rater: no interval
    assert (face.low, face.high) == (2.0, 4.0)  # two raters at 4 and 2: both ends are drawn a quarter of the time
    assert counted.unfinished == {"y": 1}
    assert counted.num_raters == 2
    # Scene: one rater only, so no two scores of one unit.
    assert np.isnan(counted.agreement["scene"])
    assert np.isfinite(counted.agreement["face"])


def test_raters_who_agree_have_an_alpha_of_one(key: Path, tmp_path: Path) -> None:
    counted = report([answer(tmp_path, rater, all_of(5, 1)) for rater in "xyz"], key)
    assert counted.agreement == pytest.approx({"face": 1.0, "scene": 1.0})
    assert [(score.mean, score.low, score.high) for score in counted.scores] == [(5, 5, 5), (1, 1, 1)] * 2


def test_the_interval_is_over_raters(key: Path, tmp_path: Path) -> None:
    """Thirty raters of five scores each: the interval is that of their means, not of single scores."""
    files = [answer(tmp_path, f"r{rater}", all_of(1 + rater % 5, 3)) for rater in range(30)]
    score = report(files, key).scores[0]
    marks = np.array([1 + rater % 5 for rater in range(30)])
    # Normal theory for the mean of 30; 2000 draws place each end to 3 % of the half width, the marks' shape to a few.
    half = 1.96 * marks.std() / np.sqrt(len(marks))
    assert (score.low, score.high) == pytest.approx((3 - half, 3 + half), abs=0.12 * half)


@pytest.mark.parametrize(
    ("scores", "changes", "message"),
    [
        ({"face a1": 6}, {}, "a score of 6, wanted 1 to 5"),
        ({"face zz": 3}, {}, "none of this study"),
        ({"nose a1": 3}, {}, "none of this study"),
        ({}, {"study": "t"}, "answers study t, the key is of s"),
        ({}, {"schema": 2}, "has schema 2"),
    ],
)
def test_wrong_answers_are_said(
    key: Path, tmp_path: Path, scores: dict[str, int], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ContextalkError, match=message):
        report([answer(tmp_path, "x", scores, **changes)], key)


def test_a_rater_counts_once(key: Path, tmp_path: Path) -> None:
    files = [answer(tmp_path, "x", all_of(4, 2)) for _ in range(2)]
    with pytest.raises(ContextalkError, match="by 'x', of whom there are answers already"):
        report(files, key)
