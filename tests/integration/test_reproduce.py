"""`contextalk reproduce`: from footage to a table, gone on with where it stopped; bad input in one line."""

import csv
import json
from pathlib import Path

import pytest

from contextalk.cli.main import main
from contextalk.evaluation.rows import FAKES


def run(*words: str | Path) -> None:
    main([str(word) for word in words])


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, wanted in (
        (["twins", "--data", tmp_path], "holds no clips"),
        (["table9", "--data", tmp_path], "table9"),
        (["twins", "--data", tmp_path, "--bundle", tmp_path], "is no bundle"),
    ):
        with pytest.raises(SystemExit) as ending:
            run("reproduce", *words, "-o", tmp_path / "out")
        said = capsys.readouterr().err.strip()
        assert ending.value.code == 2
        assert wanted in said
        assert "\n" not in said


@pytest.mark.usefixtures("skia_drawing")
def test_a_table_of_a_pair_of_twins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    footage, out = tmp_path / "footage", tmp_path / "out"
    run(
        "synth",
        "-o",
        footage,
        "--people",
        "held-out",
        "--twins",
        "--scene-s",
        "1.2",
        "--seed",
        "3",
        "--minutes",
        "0.04",
    )
    words = ("reproduce", "table4", "--data", footage, "-o", out, "--clips", "2", "--json")
    capsys.readouterr()
    run(*words)
    said = json.loads(capsys.readouterr().out)
    with (out / "table4.csv").open(newline="") as stream:
        mean = {(line["method"], line["figure"]): line["mean"] for line in csv.DictReader(stream)}
    assert said["facts"]["clips"] == 2
    assert {method for method, _ in mean} == {*FAKES, "ours", "ours, true landmarks"}
    assert float(mean["ground truth", "PSNR head"]) == float("inf")
    # What does not look at the scene turns to the right side in one of the two.
    shared = "one picture for both twins"
    assert (float(mean[shared, "side right"]), float(mean[shared, "twins turned"])) == (0.5, 0.0)
    assert float(mean["ground truth", "twins turned"]) == 1.0
    text = (out / "table4.md").read_text()
    assert "| one stage |" in text  # the paper's figures stand there all the same
    assert "one stage: no row, for it needs --runs with one_stage" in text
    assert "clips generated in this run: 4" in text
    assert (out / "table4.svg").read_text().startswith("<svg")

    run(*words)
    capsys.readouterr()
    assert "clips generated in this run: 0" in (out / "table4.md").read_text()
    with (out / "table4.csv").open(newline="") as stream:
        assert {(line["method"], line["figure"]): line["mean"] for line in csv.DictReader(stream)} == mean
