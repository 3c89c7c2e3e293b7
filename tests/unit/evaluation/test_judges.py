"""Judges as `evaluate` takes them."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from contextalk.evaluation.judges import ABSENT, open_judges
from contextalk.models.lip_reader import LipReader, LipReaderConfig
from judges_kit import evidence, grey_heads

TEXTS = {"clip": "bin blue at f two now"}


def test_absent_judges_measure_nothing_and_say_so(tmp_path: Path) -> None:
    clip = evidence(grey_heads(np.full(12, 120)))
    for metric in open_judges(tmp_path, None, {}).values():
        assert metric.judge.startswith(ABSENT)
        figures = metric.measure(clip)
        assert set(figures) == set(metric.columns)
        assert all(np.isnan(value) for name, value in figures.items() if name != "motion")


def test_a_trained_judge_is_named_by_its_weights(tmp_path: Path) -> None:
    (tmp_path / "lip_reader").mkdir()
    names = set()
    for seed in range(2):
        torch.manual_seed(seed)
        save_file(LipReader(LipReaderConfig()).state_dict(), tmp_path / "lip_reader" / "averaged.safetensors")
        metric = open_judges(tmp_path, tmp_path, TEXTS)["lip reading"]
        names.add(metric.judge)
    names.add(open_judges(tmp_path, tmp_path, {})["lip reading"].judge)
    assert len(names) == 3
    figures = metric.measure(evidence(grey_heads(np.full(12, 120))))
    assert set(figures) == set(metric.columns)
    assert np.isfinite(list(figures.values())).all()
