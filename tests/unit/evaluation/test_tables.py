import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from contextalk.evaluation.cells import bootstrap_interval, summarise
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.tables import Table, cell_text, number, write_tables


def column(better: str = "higher") -> Column:
    return Column(unit="dB", better=better, says="what it is", needs="a face")  # pyright: ignore[reportArgumentType]


def table() -> Table:
    cells = {
        ("truth", "PSNR"): summarise([np.inf, np.inf], "a face"),
        ("truth", "jerk"): summarise([1.0, 1.2, np.nan], "a join"),
        ("ours", "PSNR"): summarise([24.0, 26.0], "a face"),
        ("ours", "jerk"): summarise([np.nan, np.nan], "a join"),
    }
    return Table(
        methods=("truth", "ours"),
        groups={"fidelity": {"PSNR": column()}, "joins": {"jerk": column("nearer to the truth")}},
        cells=cells,
        windows={"ours": {"PSNR": [summarise([np.nan], "frames"), summarise([24.0, 26.0], "frames")]}},
        notes=("Landmarks are read by somebody.",),
        facts={"clips": 2, "bootstrap_seed": 0},
    )


def test_the_interval_is_near_the_normal_one_and_the_same_every_time() -> None:
    values = np.random.default_rng(3).normal(5, 2, 200)
    low, high = bootstrap_interval(values)
    wanted = stats.norm.interval(0.95, values.mean(), values.std() / np.sqrt(200))
    # 2000 draws put the ends within some 5 % of the interval's width.
    assert (low, high) == pytest.approx(wanted, abs=0.05 * (wanted[1] - wanted[0]))
    assert bootstrap_interval(values) == (low, high)


def test_what_is_not_measured_is_counted_and_said() -> None:
    some, none = summarise([1.0, np.nan, 3.0], "a face"), summarise([np.nan], "a face")
    assert (some.mean, some.count, some.missing) == (2.0, 2, 1)
    assert cell_text(some).endswith("(1 of 3 not measured)")
    assert cell_text(none) == "not measured"
    assert (none.why, summarise([], "twins").why) == ("a face", "twins")
    assert summarise([2.0], "a face").why == ""


def test_one_clip_has_no_interval_and_equal_pictures_are_infinite() -> None:
    assert cell_text(summarise([2.0], "a face")) == "2.000"
    assert cell_text(summarise([np.inf, np.inf], "a face")) == "∞"
    assert [number(value) for value in (9.9998, 99.999, 0.1234, 12.345, 123.4, 0.00012, 0.0, 6.7e-17)] == [
        "10.00",
        "100",
        "0.123",
        "12.35",
        "123",
        "0.00012",
        "0.000",
        "0.000",
    ]


def test_three_files_say_the_same(tmp_path: Path) -> None:
    paths = write_tables(table(), tmp_path / "new")
    assert [path.name for path in paths] == ["report.md", "report.csv", "report.json", "windows.csv"]
    markdown = paths[0].read_text()
    assert "| ours | 25.00 [24.00, 26.00] |" in markdown
    assert "| ours | not measured |" in markdown
    assert "* **jerk** (dB) ≈: what it is. Not measured: needs a join." in markdown
    assert "bootstrap_seed: 0" in markdown
    assert "* Landmarks are read by somebody." in markdown
    assert "**PSNR**\n\n| method | 0 | 1 |\n| --- | --- | --- |\n| ours | – | 25.00 |" in markdown
    rows = {(row["method"], row["figure"]): row for row in csv.DictReader(paths[1].open())}
    assert (rows["ours", "PSNR"]["mean"], rows["ours", "PSNR"]["measured"]) == ("25.0", "2")
    assert (rows["ours", "jerk"]["mean"], rows["ours", "jerk"]["why"]) == ("", "a join")
    stored = json.loads(paths[2].read_text())
    assert stored["methods"]["ours"]["PSNR"]["mean"] == 25.0
    assert stored["methods"]["truth"]["PSNR"]["mean"] == "inf"
    assert stored["methods"]["ours"]["jerk"] == {
        "mean": None,
        "low": None,
        "high": None,
        "measured": 0,
        "missing": 2,
        "why": "a join",
    }
    assert [window["mean"] for window in stored["by_window"]["ours"]["PSNR"]] == [None, 25.0]
    windows = list(csv.DictReader(paths[3].open()))
    assert [(row["window"], row["mean"], row["low"], row["measured"]) for row in windows] == [
        ("0", "", "", "0"),
        ("1", "25.0", "24.0", "2"),
    ]
