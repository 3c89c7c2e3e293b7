"""A table as files: the paper's figures beside ours, then everything that was measured."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from contextalk.evaluation.reproduce.methods import Absent
from contextalk.evaluation.reproduce.paper import MEASURES, PAPER, Published
from contextalk.evaluation.reproduce.plots import interval_plot, window_plot
from contextalk.evaluation.tables import (
    ARROWS,
    Table,
    as_json,
    cell_text,
    csv_text,
    markdown,
    markdown_row,
    windows_csv,
    write_text,
)


def write_reproduced(
    name: str, table: Table, absent: Sequence[Absent], settings: Mapping[str, object], folder: Path
) -> list[Path]:
    """Write `NAME.md`, `.csv`, `.json`, `.svg` and, where windows were measured, `NAME-windows.csv` and `.svg`."""
    published = PAPER[name]
    texts = {
        f"{name}.md": f"{summary(name, table, absent, settings)}\n{markdown(table)}",
        f"{name}.csv": csv_text(table),
        f"{name}.json": json.dumps(
            {**as_json(table), **_said(name, absent, settings)}, indent=2, ensure_ascii=False, allow_nan=False
        )
        + "\n",
        f"{name}.svg": interval_plot(table, shown_columns(published, table), published.title),
    }
    if table.windows:
        texts |= {f"{name}-windows.csv": windows_csv(table), f"{name}-windows.svg": window_plot(table, published.title)}
    return [write_text(folder / file, text) for file, text in texts.items()]


def shown_columns(published: Published, table: Table) -> list[str]:
    """What is shown first: our columns for the paper's measures where it has some, then the table's own."""
    ours = [name for names in MEASURES.values() for name in names] if published.rows else []
    known = {name for columns in table.groups.values() for name in columns}
    return [name for name in (*ours, *published.columns) if name in known]


def summary(name: str, table: Table, absent: Sequence[Absent], settings: Mapping[str, object]) -> str:
    """The first page: what was asked, the paper's figures beside ours, what differs."""
    published = PAPER[name]
    parts = [f"# {published.title}", ""]
    parts += [f"{key}: {value}  " for key, value in settings.items()]
    parts += ["", f"![means with 95 % intervals]({name}.svg)", ""]
    if table.windows:
        parts += [f"![by window]({name}-windows.svg)", ""]
    if published.says:
        parts += [f"The paper: {published.says}", ""]
    if published.rows:
        parts += ["## The paper's measures", "", *_beside(published, table), ""]
    parts += ["## What this table asks", "", *_own(published.columns, table), ""]
    parts += ["## What differs from the paper", "", *(f"* {line}" for line in published.differs)]
    parts += [f"* {row.name}: no row, for it needs {row.needs}." for row in absent]
    return "\n".join(parts) + "\n"


def _beside(published: Published, table: Table) -> list[str]:
    """Our figures for each of the paper's measures, and the paper's beside them."""
    columns = {name: column for group in table.groups.values() for name, column in group.items()}
    header, pick = ["method"], []
    for measure, names in MEASURES.items():
        for name in names:
            if name in columns:
                header.append(f"{name} {ARROWS[columns[name].better]}")
                pick.append((name, ""))
        header.append(f"paper: {measure}")
        pick.append(("", measure))
    lines = [markdown_row(header), markdown_row(["---"] * len(header))]
    for row in (*table.methods, *(row for row in published.rows if row not in table.methods)):
        paper = published.rows.get(row, {})
        cells = [
            _ours(table, row, name) if name else f"{paper[measure]:g}" if measure in paper else ""
            for name, measure in pick
        ]
        lines.append(markdown_row([row, *cells]))
    return lines


def _ours(table: Table, row: str, name: str) -> str:
    return cell_text(table.cells[row, name]) if row in table.methods else "not measured"


def _own(names: Sequence[str], table: Table) -> list[str]:
    columns = {name: column for group in table.groups.values() for name, column in group.items()}
    known = [name for name in names if name in columns]
    header = ["method", *(f"{name} {ARROWS[columns[name].better]}" for name in known)]
    lines = [markdown_row(header), markdown_row(["---"] * len(header))]
    return lines + [
        markdown_row([row, *(cell_text(table.cells[row, name]) for name in known)]) for row in table.methods
    ]


def _said(name: str, absent: Sequence[Absent], settings: Mapping[str, object]) -> dict[str, object]:
    published = PAPER[name]
    return {
        "table": name,
        "settings": dict(settings),
        "paper": {"title": published.title, "rows": dict(published.rows), "says": published.says},
        "differs": list(published.differs),
        "absent": {row.name: row.needs for row in absent},
    }
