"""Tables from the command line, at debug size: generated, measured, written, and taken up again."""

import json
from pathlib import Path

import pytest

from contextalk.cli.main import main
from contextalk.core.errors import ContextalkError
from contextalk.evaluation.estimator import FaceBackendEstimator
from contextalk.evaluation.rows import FAKES
from debug_kit import write_bundle_and_run


def run(*words: str | Path) -> None:
    main([str(word) for word in words])


@pytest.fixture
def needs_faces() -> None:
    """The pictures of the target are looked at by the face backend."""
    try:
        FaceBackendEstimator()
    except ContextalkError as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.usefixtures("skia_drawing", "needs_faces")
def test_drift_is_generated_measured_and_taken_up_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, runs = write_bundle_and_run(tmp_path)
    footage = tmp_path / "footage"
    run(
        "synth",
        "-o",
        footage,
        "--people",
        "held-out",
        "--twins",
        "--scene-s",
        "2",
        "--seed",
        "911",
        "--minutes",
        "0.03",
    )
    line = ["reproduce", "drift", "--data", footage, "--bundle", bundle, "--runs", runs, "-o", tmp_path / "out"]
    line += ["--clips", "2", "--weights", tmp_path / "nowhere", "--json"]
    capsys.readouterr()
    run(*line)
    said = json.loads(capsys.readouterr().out)
    assert said["settings"]["clips generated in this run"] == 6
    assert set(said["methods"]) == {*FAKES, "ours", "ours, true landmarks", "one stage"}
    assert said["methods"]["ours"]["words read"]["measured"] == 0  # no GRID sentence
    assert said["methods"]["ours"]["mouth r"]["measured"] == 2
    assert said["methods"]["ours"]["sync confidence (syncnet_v2)"]["measured"] == 0
    assert said["methods"]["ground truth"]["PSNR head"]["mean"] == "inf"
    assert any("offset right 0.125" in note for note in said["notes"])
    # A first frame, two windows of seven new ones and one of five: 20 frames.
    assert len(said["by_window"]["one stage"]["PSNR head"]) == 4
    assert {path.name for path in (tmp_path / "out").glob("drift*")} == {
        *(f"drift.{suffix}" for suffix in ("md", "csv", "json", "svg")),
        "drift-windows.csv",
        "drift-windows.svg",
    }

    run(*line)
    again = json.loads(capsys.readouterr().out)
    assert again["settings"]["clips generated in this run"] == 0
    assert again["methods"] == said["methods"]
    assert again["by_window"] == said["by_window"]
    # Another table of the same folder finds what it shares.
    run(*[word if word != "drift" else "table4" for word in line])
    assert json.loads(capsys.readouterr().out)["settings"]["clips generated in this run"] == 0


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
