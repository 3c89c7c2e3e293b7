"""Files of a table."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from contextalk.evaluation.cells import summarise
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.reproduce.methods import ROWS, Absent
from contextalk.evaluation.reproduce.paper import CONSISTENCY, FID_FACE, FID_SCENE, PAPER, SYNC
from contextalk.evaluation.reproduce.plots import interval_plot, window_plot
from contextalk.evaluation.reproduce.write import write_reproduced
from contextalk.evaluation.tables import Table

SVG = "{http://www.w3.org/2000/svg}"


def table() -> Table:
    column = Column(unit="", better="higher", says="what it is")
    names = ("sync confidence (syncnet_v2)", "sync confidence (own judge)", "mouth r")
    cells = {
        (row, name): summarise([value, value + 0.2], "weights")
        for row, value in (("ground truth", 0.9), ("one stage", 0.3), ("ours", 0.7))
        for name in names[1:]
    }
    cells |= {(row, names[0]): summarise([np.nan], "weights") for row in ("ground truth", "one stage", "ours")}
    return Table(
        methods=("ground truth", "one stage", "ours"),
        groups={"all": dict.fromkeys(names, column)},
        cells=cells,
        windows={
            "ours": {"mouth r": [summarise([0.1 * number, 0.2], "frames") for number in range(6)]},
            "one stage": {"mouth r": [summarise([np.nan], "frames"), summarise([0.5, 0.6], "frames")]},
        },
        notes=("Somebody judged.",),
        facts={"clips": 2},
    )


def test_the_papers_figures_stand_beside_ours(tmp_path: Path) -> None:
    absent = (Absent(name="SadTalker", needs="a checkout"),)
    paths = write_reproduced("table4", table(), absent, {"seed": 3}, tmp_path)
    assert [path.name for path in paths] == [
        "table4.md",
        "table4.csv",
        "table4.json",
        "table4.svg",
        "table4-windows.csv",
        "table4-windows.svg",
    ]
    text = paths[0].read_text()
    assert "| one stage | not measured | 0.400 [0.300, 0.500] | 2.3 | 104.25 | 41.63 | 0.987 |" in text
    assert "| ground truth | not measured | 1.000 [0.900, 1.100] | 3.11 | 28.65 | 22.13 | 0.989 |" in text
    assert "* SadTalker: no row, for it needs a checkout." in text
    assert "seed: 3" in text
    assert "Somebody judged." in text
    stored = json.loads(paths[2].read_text())
    assert stored["paper"]["rows"]["one stage"][FID_FACE] == 104.25
    assert stored["settings"] == {"seed": 3}
    assert stored["methods"]["ours"]["mouth r"]["mean"] == pytest.approx(0.8)


def test_the_paper_is_quoted_right() -> None:
    """Tables 1 and 4 as printed."""
    one, four = PAPER["table1"].rows, PAPER["table4"].rows
    assert one["ground truth"] == {SYNC: 3.11, FID_FACE: 28.65, FID_SCENE: 22.13, CONSISTENCY: 0.989}
    assert one["ControlNet (SD 1.5), true landmarks"] == {
        SYNC: 1.89,
        FID_FACE: 131.28,
        FID_SCENE: 45.60,
        CONSISTENCY: 0.979,
    }
    assert one["SadTalker"] == {SYNC: 2.95, FID_FACE: 75.16, FID_SCENE: 36.63, CONSISTENCY: 0.996}
    assert four["one stage"] == {SYNC: 2.30, FID_FACE: 104.25, FID_SCENE: 41.63, CONSISTENCY: 0.987}
    for rows in (one, four):
        assert rows["ours, true landmarks"] == {SYNC: 2.99, FID_FACE: 68.05, FID_SCENE: 26.42, CONSISTENCY: 0.988}
        assert rows["ours"] == {SYNC: 2.76, FID_FACE: 72.26, FID_SCENE: 27.06, CONSISTENCY: 0.986}
    assert set(PAPER) == set(ROWS)


def test_dots_stand_at_their_means_and_lines_span_their_intervals() -> None:
    drawn = ElementTree.fromstring(interval_plot(table(), ["mouth r", "sync confidence (syncnet_v2)"], "A & B"))
    dots = [float(circle.get("cx", "nan")) for circle in drawn.iter(f"{SVG}circle")]
    assert len(dots) == 3  # what nobody measured has no panel
    truth, one_stage, ours = dots
    # Means 1.0, 0.4 and 0.8 on one axis.
    assert (ours - one_stage) / (truth - one_stage) == pytest.approx(2 / 3, abs=0.01)
    spans = [line for line in drawn.iter(f"{SVG}polyline") if line.get("stroke-width") == "2"]
    ends = [[float(place.split(",")[0]) for place in line.get("points", "").split()] for line in spans]
    for dot, (low, high) in zip(dots, ends, strict=True):
        assert dot == pytest.approx((low + high) / 2, abs=0.2)
        assert low < dot < high
    assert "A & B" in [text.text for text in drawn.iter(f"{SVG}text")]


def test_a_line_a_method_over_windows() -> None:
    drawn = ElementTree.fromstring(window_plot(table(), "drift"))
    lines = [line for line in drawn.iter(f"{SVG}polyline") if line.get("stroke-width") == "2"]
    assert [len(line.get("points", "").split()) for line in lines] == [6]  # a single window is no line
    rising = [float(place.split(",")[1]) for place in lines[0].get("points", "").split()]
    assert rising == sorted(rising, reverse=True)  # y grows downwards
    assert len(list(drawn.iter(f"{SVG}polygon"))) == 1
