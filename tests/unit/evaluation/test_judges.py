"""Judges as `evaluate` takes them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from contextalk.evaluation.judges import ABSENT, Judges, open_judges
from contextalk.evaluation.notes import judge_notes
from contextalk.models.lip_reader import LipReader, LipReaderConfig
from judges_kit import evidence, grey_heads

SENTENCE = "bin blue at f two now"


def open_here(weights: Path, *runs: Path) -> Judges:
    return open_judges(weights, runs, own=None, real=None, cache=weights / "features")


def test_absent_judges_measure_nothing_and_say_so(tmp_path: Path) -> None:
    clip = evidence(grey_heads(np.full(12, 120)))
    judges = open_here(tmp_path)
    for metric in judges.clips.values():
        assert metric.judge.startswith(ABSENT)
        figures = metric.measure(clip)
        assert set(figures) == set(metric.columns)
        assert all(np.isnan(value) for name, value in figures.items() if name != "motion")
    for metric in judges.sets.values():
        assert metric.judge == f"{ABSENT}, against no real footage given"
        assert all(cell.count == 0 and cell.why for cell in metric.measure({"clip": metric.part(clip)}).values())


def test_a_trained_judge_is_named_by_its_weights(tmp_path: Path) -> None:
    (tmp_path / "lip_reader").mkdir()
    names = set()
    for seed in range(2):
        torch.manual_seed(seed)
        save_file(LipReader(LipReaderConfig()).state_dict(), tmp_path / "lip_reader" / "averaged.safetensors")
        metric = open_here(tmp_path, tmp_path).clips["lip reading"]
        names.add(metric.judge)
    assert len(names) == 2
    figures = metric.measure(replace(evidence(grey_heads(np.full(75, 120))), text=SENTENCE))
    assert set(figures) == set(metric.columns)
    assert np.isfinite(list(figures.values())).all()


def test_a_trained_judge_says_what_it_came_to_on_the_truth(tmp_path: Path) -> None:
    figures = {"lip_reader": {"windows": 10, "words right": 61.25}, "sync": {"windows": 4, "offset right": 0.9}}
    (tmp_path / "figures.json").write_text(json.dumps(figures))
    assert open_here(tmp_path, tmp_path).clips["lip reading"].error == ""  # no weights, no judge
    (tmp_path / "lip_reader").mkdir()
    save_file(LipReader(LipReaderConfig()).state_dict(), tmp_path / "lip_reader" / "averaged.safetensors")
    judges = open_here(tmp_path, tmp_path)
    assert judges.clips["lip reading"].error == "words right 61.2"
    notes = list(judge_notes(judges.clips))
    assert any(
        note.startswith("lip reading") and "held out from its training: words right 61.2" in note for note in notes
    )
