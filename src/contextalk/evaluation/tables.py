"""Rows of methods, columns of figures: means with intervals and counts, as Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.evaluation.metrics import Column

DRAWS = 2000
SEED = 0
"""Of the bootstrap."""

ARROWS = {"higher": "↑", "lower": "↓", "nearer to the truth": "≈"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure of a method over its clips.

    Attributes:
        mean: Over the clips that were measured; NaN without any.
        low: Lower end of the 95 % interval of the mean (percentile bootstrap over clips); NaN for fewer than two clips
            or an infinite figure.
        high: Upper end.
        count: Clips (or pairs of twins) measured.
        missing: Clips not measured.
        why: What the clips that were not measured lack; empty if none.
    """

    mean: float
    low: float
    high: float
    count: int
    missing: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All figures of an evaluation.

    Attributes:
        methods: Rows, in order.
        groups: Columns by name, for each group of figures that belong together.
        cells: By (method, column's name).
        windows: By method: figure → (W,) means over clips by window since the windows last started anew.
        notes: What a reader must know: judges, the estimator's error, calibration, clips without a face.
        facts: The same for programs: settings, seeds, counts.
    """

    methods: tuple[str, ...]
    groups: Mapping[str, Mapping[str, Column]]
    cells: Mapping[tuple[str, str], Cell]
    windows: Mapping[str, Mapping[str, NDArray[np.float64]]]
    notes: tuple[str, ...]
    facts: Mapping[str, object]


def summarise(values: Sequence[float], why: str) -> Cell:
    """Mean, interval and counts of a figure over clips; NaN is not measured.

    Args:
        values: One a clip.
        why: What a clip lacks whose value is NaN.
    """
    known = np.array([value for value in values if not np.isnan(value)], np.float64)
    low, high = bootstrap_interval(known) if len(known) > 1 and np.isfinite(known).all() else (float("nan"),) * 2
    missing = len(values) - len(known)
    return Cell(
        mean=float(known.mean()) if len(known) else float("nan"),
        low=low,
        high=high,
        count=len(known),
        missing=missing,
        why=why if missing or not len(values) else "",
    )


def bootstrap_interval(values: NDArray[np.float64] | Sequence[float], seed: int = SEED) -> tuple[float, float]:
    """95 % interval of the mean of finite values (percentile bootstrap, 2000 draws)."""
    known = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).choice(known, size=(DRAWS, len(known)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def write_tables(table: Table, folder: Path) -> list[Path]:
    """Write `report.md`, `report.csv` and `report.json` into a folder, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.md": markdown(table),
        "report.csv": csv_text(table),
        "report.json": json.dumps(as_json(table), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    paths = []
    for name, text in texts.items():
        temporary = folder / f"{name}.part"
        temporary.write_text(text)
        paths.append(temporary.replace(folder / name))
    return paths


def markdown(table: Table) -> str:
    """For people: a table a group, the windows, a legend, and the notes."""
    parts = ["# Evaluation", ""]
    parts += [f"{name}: {value}  " for name, value in table.facts.items() if isinstance(value, str | int | float)]
    for group, columns in table.groups.items():
        parts += ["", f"## {group}", "", *_group_lines(table, columns), ""]
        parts += [
            f"* **{name}** {_unit(column)}{ARROWS[column.better]}: {column.says}." for name, column in columns.items()
        ]
    if table.windows:
        parts += ["", "## by window", "", *_window_lines(table)]
    parts += ["", "## Notes", "", *(f"* {note}" for note in table.notes)]
    return "\n".join(parts) + "\n"


def csv_text(table: Table) -> str:
    """For spreadsheets: a line a figure and method."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("method", "group", "figure", "unit", "better", "mean", "low", "high", "measured", "missing", "why")
    )
    for method in table.methods:
        for group, columns in table.groups.items():
            for name, column in columns.items():
                cell = table.cells[method, name]
                ends = (cell.mean, cell.low, cell.high)
                numbers = ("" if np.isnan(end) else repr(end) for end in ends)
                writer.writerow(
                    (method, group, name, column.unit, column.better, *numbers, cell.count, cell.missing, cell.why)
                )
    return text.getvalue()


def as_json(table: Table) -> dict[str, object]:
    """For programs; what was not measured is null, infinity is the text "inf"."""
    return {
        "facts": dict(table.facts),
        "notes": list(table.notes),
        "columns": {
            name: {"group": group, "unit": column.unit, "better": column.better, "says": column.says}
            for group, columns in table.groups.items()
            for name, column in columns.items()
        },
        "methods": {
            method: {
                name: {
                    "mean": plain(cell.mean),
                    "low": plain(cell.low),
                    "high": plain(cell.high),
                    "measured": cell.count,
                    "missing": cell.missing,
                    "why": cell.why,
                }
                for (row, name), cell in table.cells.items()
                if row == method
            }
            for method in table.methods
        },
        "by_window": {
            method: {name: [plain(value) for value in values] for name, values in figures.items()}
            for method, figures in table.windows.items()
        },
    }


def plain(value: float) -> float | str | None:
    """A number as JSON has it."""
    return None if np.isnan(value) else value if np.isfinite(value) else "inf"


def cell_text(cell: Cell) -> str:
    """Mean, interval, and how many clips it is not of."""
    if not cell.count:
        return f"not measured (needs {cell.why})"
    text = number(cell.mean)
    if not np.isnan(cell.low):
        text += f" [{number(cell.low)}, {number(cell.high)}]"
    return text + (f" ({cell.missing} of {cell.count + cell.missing} not measured)" if cell.missing else "")


def number(value: float) -> str:
    """Three digits after the point below 10, fewer above."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def _group_lines(table: Table, columns: Mapping[str, Column]) -> list[str]:
    header = [f"{name} {_unit(column)}{ARROWS[column.better]}" for name, column in columns.items()]
    lines = [_line(["method", *header]), _line(["---"] * (1 + len(header)))]
    return lines + [_line([row, *(cell_text(table.cells[row, name]) for name in columns)]) for row in table.methods]


def _window_lines(table: Table) -> list[str]:
    longest = max(len(values) for figures in table.windows.values() for values in figures.values())
    lines = [_line(["method", "figure", *map(str, range(longest))]), _line(["---"] * (2 + longest))]
    for method, figures in table.windows.items():
        for name, values in figures.items():
            shown = [number(value) for value in values] + [""] * (longest - len(values))
            lines.append(_line([method, name, *shown]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _unit(column: Column) -> str:
    return f"({column.unit}) " if column.unit else ""
