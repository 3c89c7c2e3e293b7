"""Rows of methods, columns of figures: means with intervals and counts, as Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contextalk.evaluation.cells import Cell
from contextalk.evaluation.metrics import Column

_ROUNDING = 1e-9
"""What float64 leaves of a difference that is none."""

ARROWS = {"higher": "↑", "lower": "↓", "nearer to the truth": "≈"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All figures of an evaluation.

    Attributes:
        methods: Rows, in order.
        groups: Columns by name, for each group of figures that belong together.
        cells: By (method, column's name).
        windows: By method: figure → a cell for each window since the windows last started anew; empty unless asked for.
        notes: What a reader must know: judges, the estimator's error, calibration, clips without a face.
        facts: The same for programs: settings, seeds, counts.
    """

    methods: tuple[str, ...]
    groups: Mapping[str, Mapping[str, Column]]
    cells: Mapping[tuple[str, str], Cell]
    windows: Mapping[str, Mapping[str, Sequence[Cell]]]
    notes: tuple[str, ...]
    facts: Mapping[str, object]


def write_tables(table: Table, folder: Path) -> list[Path]:
    """Write `report.md`, `.csv` and `.json` into a folder, and `windows.csv` where windows were measured."""
    texts = {
        "report.md": markdown(table),
        "report.csv": csv_text(table),
        "report.json": json.dumps(as_json(table), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    if table.windows:
        texts["windows.csv"] = windows_csv(table)
    return [write_text(folder / name, text) for name, text in texts.items()]


def write_text(path: Path, text: str) -> Path:
    """Write a text whole or not at all; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_text(text)
    return temporary.replace(path)


def markdown(table: Table) -> str:
    """For people: a table a group, the windows, a legend, and the notes."""
    parts = ["# Evaluation", ""]
    parts += [f"{name}: {value}  " for name, value in table.facts.items() if isinstance(value, str | int | float)]
    for group, columns in table.groups.items():
        parts += ["", f"## {group}", "", *group_lines(table, columns), ""]
        parts += [_legend(table, name, column) for name, column in columns.items()]
    if table.windows:
        parts += ["", "## by window", *_window_lines(table)]
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


def windows_csv(table: Table) -> str:
    """For spreadsheets: a line a figure, method and window."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("method", "figure", "window", "mean", "low", "high", "measured"))
    for method, figures in table.windows.items():
        for name, cells in figures.items():
            for number, cell in enumerate(cells):
                ends = (cell.mean, cell.low, cell.high)
                writer.writerow(
                    (method, name, number, *("" if np.isnan(end) else repr(end) for end in ends), cell.count)
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
            method: {
                name: [{"mean": plain(cell.mean), "low": plain(cell.low), "high": plain(cell.high)} for cell in cells]
                for name, cells in figures.items()
            }
            for method, figures in table.windows.items()
        },
    }


def plain(value: float) -> float | str | None:
    """A number as JSON has it."""
    return None if np.isnan(value) else value if np.isfinite(value) else "inf"


def cell_text(cell: Cell) -> str:
    """Mean, interval, and how many clips it is not of."""
    if not cell.count:
        return "not measured"
    text = number(cell.mean)
    if not np.isnan(cell.low):
        text += f" [{number(cell.low)}, {number(cell.high)}]"
    return text + (f" ({cell.missing} of {cell.count + cell.missing} not measured)" if cell.missing else "")


def number(value: float) -> str:
    """Three digits after the point below 10, fewer above; what would read 0.000 and is not has two digits."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞"
    if _ROUNDING < abs(value) < 0.0005:
        return f"{value:.2g}"
    digits = 3 if abs(value) < 9.9995 else 2 if abs(value) < 99.995 else 0
    return f"{value:.{digits}f}"


def group_lines(table: Table, columns: Mapping[str, Column]) -> list[str]:
    """A Markdown table of some columns."""
    header = [f"{name} {_unit(column)}{ARROWS[column.better]}" for name, column in columns.items()]
    lines = [markdown_row(["method", *header]), markdown_row(["---"] * (1 + len(header)))]
    return lines + [
        markdown_row([row, *(cell_text(table.cells[row, name]) for name in columns)]) for row in table.methods
    ]


def _legend(table: Table, name: str, column: Column) -> str:
    whys = {table.cells[row, name].why for row in table.methods if not table.cells[row, name].count}
    needs = f". Not measured: needs {'; '.join(sorted(whys))}" if whys else ""
    return f"* **{name}** {_unit(column)}{ARROWS[column.better]}: {column.says}{needs}."


def _window_lines(table: Table) -> list[str]:
    """A table a figure: rows are methods, columns windows."""
    lines: list[str] = []
    for name in dict.fromkeys(name for figures in table.windows.values() for name in figures):
        rows = {method: figures[name] for method, figures in table.windows.items() if name in figures}
        longest = max(map(len, rows.values()))
        lines += [
            "",
            f"**{name}**",
            "",
            markdown_row(["method", *map(str, range(longest))]),
            markdown_row(["---"] * (1 + longest)),
        ]
        for method, cells in rows.items():
            shown = [number(cell.mean) for cell in cells] + [""] * (longest - len(cells))
            lines.append(markdown_row([method, *shown]))
    return lines


def markdown_row(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _unit(column: Column) -> str:
    return f"({column.unit}) " if column.unit else ""
