"""What raters sent back, and what it says of each method."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.cells import bootstrap_interval
from contextalk.evaluation.study.agreement import krippendorff_alpha
from contextalk.evaluation.study.page import SCHEMA

QUESTIONS = ("face", "scene")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a method got for a question.

    Attributes:
        method: Its name.
        question: `face` or `scene`.
        mean: Over raters, of each rater's mean over contexts.
        low, high: 95 % interval of the mean: raters drawn with replacement; NaN for one rater.
        num_raters: Who scored it at all.
        num_scores: Over all raters.
    """

    method: str
    question: str
    mean: float
    low: float
    high: float
    num_raters: int
    num_scores: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A study's outcome.

    Attributes:
        scores: In order of question, then of method.
        agreement: Question → Krippendorff's alpha (ordinal) over trials; NaN where it cannot be had.
        num_trials: Of the study.
        unfinished: Rater → scores given, of those who did not give all.
        num_raters: All.
    """

    scores: tuple[Score, ...]
    agreement: dict[str, float]
    num_trials: int
    unfinished: dict[str, int]
    num_raters: int


def report(answers: Sequence[Path], key: Path) -> Report:
    """Count.

    Args:
        answers: Files that raters downloaded.
        key: PAGE.key.json.

    Raises:
        ContextalkError: A file of another study, of another kind, twice the same rater, or a score outside 1 … 5.
    """
    opened = _read(key, "key")
    trials: dict[str, dict[str, str]] = opened["trials"]
    codes = sorted(trials)
    given: dict[str, NDArray[np.float64]] = {}
    for path in answers:
        rater, table = _table(path, opened["study"], codes)
        if rater in given:
            raise ContextalkError(f"{path} is by {rater!r}, of whom there are answers already: wanted one file a rater")
        given[rater] = table
    if not given:
        raise ContextalkError("no answers given, wanted at least one file")
    scores = np.stack(list(given.values()))  # (raters, questions, trials)
    methods = np.array([trials[name]["method"] for name in codes])
    counted = {rater: int(np.isfinite(table).sum()) for rater, table in given.items()}
    return Report(
        scores=tuple(
            _score(method, question, scores[:, index, methods == method])
            for index, question in enumerate(QUESTIONS)
            for method in sorted(set(methods.tolist()))
        ),
        agreement={question: krippendorff_alpha(scores[:, index]) for index, question in enumerate(QUESTIONS)},
        num_trials=len(codes),
        unfinished={rater: count for rater, count in counted.items() if count < len(QUESTIONS) * len(codes)},
        num_raters=len(given),
    )


def _score(method: str, question: str, scores: NDArray[np.float64]) -> Score:
    """Of one method's (raters, contexts)."""
    counted = np.isfinite(scores).sum(axis=1)
    raters = counted > 0
    means = np.nansum(scores[raters], axis=1) / counted[raters]
    low, high = bootstrap_interval(means) if len(means) > 1 else (float("nan"), float("nan"))
    return Score(
        method=method,
        question=question,
        mean=float(means.mean()) if len(means) else float("nan"),
        low=low,
        high=high,
        num_raters=len(means),
        num_scores=int(counted.sum()),
    )


def _table(path: Path, study: str, codes: list[str]) -> tuple[str, NDArray[np.float64]]:
    """(rater, (questions, trials) scores with NaN where none was given)."""
    said = _read(path, "answers")
    if said["study"] != study:
        raise ContextalkError(f"{path} answers study {said['study']}, the key is of {study}")
    table = np.full((len(QUESTIONS), len(codes)), np.nan)
    for answer in said["answers"]:
        try:
            row, column, score = QUESTIONS.index(answer["question"]), codes.index(answer["trial"]), answer["score"]
        except (KeyError, ValueError, TypeError) as error:
            raise ContextalkError(f"{path} has an answer that is none of this study: {answer}") from error
        if score not in (1, 2, 3, 4, 5):
            raise ContextalkError(f"{path} has a score of {score!r}, wanted 1 to 5")
        table[row, column] = score
    return str(said["participant"]), table


def _read(path: Path, what: str) -> dict[str, Any]:
    wanted = {"key": ("study", "trials"), "answers": ("study", "participant", "answers")}[what]
    try:
        stored = json.loads(path.read_text())
        known = {name: stored[name] for name in ("schema", *wanted)}
    except OSError as error:
        raise ContextalkError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ContextalkError(f"{path} is no {what} of a study: {error!r}") from error
    if known["schema"] != SCHEMA:
        raise ContextalkError(f"{path} has schema {known['schema']}, this contextalk reads {SCHEMA}")
    return known
