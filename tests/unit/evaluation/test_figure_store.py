"""What was measured by window serves tables of whole clips, never the other way round; groups are put by apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.evaluation.evaluate import METRICS, SETS
from contextalk.evaluation.metrics import Metric, drift
from contextalk.evaluation.store import Figures, FigureStore, code_behind

WHOLE = Figures(clip={"motion": 1.5}, windows=None, part={})
BOTH = Figures(clip={"motion": 1.5}, windows={"motion": [1.0, 2.0]}, part={})
OF_SET = Figures(clip={}, windows={}, part={"row": np.arange(3)})


def store(folder: Path, *, windows: bool = False, identity: Metric = METRICS["identity"]) -> FigureStore:
    return FigureStore(folder, {"identity": identity}, {"context": SETS["context"]}, windows=windows)


@pytest.mark.parametrize(
    ("put_by", "asked", "wanted"),
    [
        (WHOLE, False, {"identity": WHOLE}),
        (BOTH, True, {"identity": BOTH}),
        (BOTH, False, {"identity": BOTH}),
        (WHOLE, True, {}),
    ],
)
def test_windows_serve_whole_clips(tmp_path: Path, put_by: Figures, asked: bool, wanted: dict[str, Figures]) -> None:
    store(tmp_path).save("a clip", {"identity": put_by})
    assert store(tmp_path, windows=asked).load("a clip") == wanted
    assert store(tmp_path, windows=asked).load("another clip") == {}


def test_a_judge_that_changes_costs_its_own_group_alone(tmp_path: Path) -> None:
    store(tmp_path).save("a clip", {"identity": WHOLE, "context": OF_SET})
    judged = store(tmp_path, identity=replace(METRICS["identity"], judge="me 2"))
    known = judged.load("a clip")
    assert list(known) == ["context"]
    assert known["context"].part["row"].tolist() == [0, 1, 2]
    judged.save("a clip", {"identity": replace(WHOLE, clip={"motion": 2.0})})
    # Both judges' figures are there now, each for whoever asks.
    assert judged.load("a clip")["identity"].clip == {"motion": 2.0}
    assert set(judged.load("a clip")) == {"identity", "context"}
    assert store(tmp_path).load("a clip")["identity"] == WHOLE


def test_the_code_behind_a_metric_is_whatever_it_calls() -> None:
    behind = {"/".join(path.parts[-2:]) for path in code_behind(Path(drift.__file__))}
    # Drift looks at pixels through fidelity, which looks inside the mask that faces draw.
    assert {"metrics/drift.py", "metrics/fidelity.py", "faces/crop.py", "core/geometry.py"} <= behind
    assert not {"metrics/seam.py", "evaluation/evaluate.py", "cli/main.py"} & behind
