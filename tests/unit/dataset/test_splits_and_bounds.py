"""Splits by name, bounds from sidecars, sources from paths."""

import json
from pathlib import Path

import pytest

from contextalk.core.errors import DatasetError
from contextalk.dataset.bounds import read_bounds
from contextalk.dataset.sources import find_sources, key_name
from contextalk.dataset.splits import TEST_SHARE, VAL_SHARE, SplitRule, is_kept_for_judges, read_split_rule, words_key


def test_shares_and_stability_of_the_hash() -> None:
    splits = [SplitRule().split_of((), f"source/{number}") for number in range(10_000)]
    # Four standard deviations of a binomial of 10,000.
    assert abs(splits.count("test") / 10_000 - TEST_SHARE) < 4 * (TEST_SHARE * (1 - TEST_SHARE) / 10_000) ** 0.5
    assert abs(splits.count("val") / 10_000 - VAL_SHARE) < 4 * (VAL_SHARE * (1 - VAL_SHARE) / 10_000) ** 0.5
    # Written down once: a change would move clips from test into train.
    assert [number for number in range(40) if splits[number] == "test"] == [28]


def test_given_split_has_exactly_its_names() -> None:
    rule = SplitRule(given={"sentence": "test"})
    assert rule.split_of(("key", "sentence"), "a") == "test"
    assert {rule.split_of((), f"source/{number}") for number in range(1000)} == {"train", "val"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "gives no split"),
        ('{"tests": ["a"]}', "names the split 'tests', wanted one of train, val, test"),
        ('{"test": ["a"], "val": ["a"]}', "lists 'a' twice"),
    ],
)
def test_broken_split_files(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_split_rule(path)


def test_bounds_of_clips_and_of_turns(tmp_path: Path) -> None:
    clips = {"clips": [{"start": 0, "end": 3.0, "name": "bb.af/2n", "text": "bin blue"}]}
    (tmp_path / "a.json").write_text(json.dumps(clips))
    (tmp_path / "b.json").write_text(json.dumps({"turns": [{"start": 3, "end": 6}, {"start": 0, "end": 3}]}))
    (found,) = read_bounds(tmp_path / "a.mp4")
    assert (found.start_s, found.stop_s, found.name, found.text) == (0.0, 3.0, "bb_af_2n", "bin blue")
    assert [entry.start_s for entry in read_bounds(tmp_path / "b.mp4")] == [0.0, 3.0]
    assert read_bounds(tmp_path / "none.mp4") == []


@pytest.mark.parametrize(
    ("entries", "message"),
    [([{"start": 0}], "gives no clip bounds"), ([{"start": 0, "end": 3}, {"start": 2, "end": 4}], "before 0000 ends")],
)
def test_broken_bounds(entries: list[dict[str, float]], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"clips": entries}))
    with pytest.raises(DatasetError, match=message):
        read_bounds(tmp_path / "a.mp4")


def test_a_folder_gives_its_videos_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.MPG", "note.txt"):
        (tmp_path / name).write_bytes(b"")
    found = find_sources([tmp_path, tmp_path / "b.mp4"])
    assert [source.shown for source in found] == ["a.MPG", "b.mp4"]
    assert not any(source.synth for source in found)


def test_key_has_no_dot_and_no_space() -> None:
    assert key_name("My film. Take 2 (ü)", 48) == "My_film_Take_2_"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("talk-705e8801-bbaf2n-p0", "talk-705e8801-bbaf2n-p0-f2"),
        ("long-scene-0000-b56a1a45-0000-p1", "long-scene-0000-twin-e209be67-0000-p1"),
    ],
)
def test_what_says_the_same_is_kept_together(one: str, other: str) -> None:
    assert words_key(one) == words_key(other)
    for changed in (one.replace("-p", "-p1"), one.replace("-0000-", "-0001-").replace("bbaf2n", "bbal7s")):
        assert words_key(changed) != words_key(one)
    assert len({is_kept_for_judges(key, 0.5) for key in (one, other)}) == 1


def test_other_names_are_their_own() -> None:
    for key in ("clip-12", "ann-f", "a-twin"):
        assert words_key(key) == key
