"""Fill a document's tables from the CSVs that `contextalk reproduce` wrote: `python benchmarks/quote_tables.py DOC`.

A table stands between two comments. The first names the CSVs, in which a row is looked for in turn, the columns and the
rows; what a reader should see instead of a name follows `=`:

    <!-- quoted from tables/table4.csv, tables/twins.csv
    columns: mouth r = mouth r, pixels | twins turned
    rows: ground truth | ours = **ours** | scene-blind
    -->
    <!-- end of quote -->
"""

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contextalk.evaluation.cells import Cell
from contextalk.evaluation.tables import cell_text, markdown_row, write_text

QUOTE = re.compile(
    r"(<!-- quoted from (?P<files>.+)\ncolumns: (?P<columns>.+)\nrows: (?P<rows>.+)\n-->\n)"
    r"(?:(?!<!-- quoted from).*\n)*?(<!-- end of quote -->)"
)

Figures = Mapping[tuple[str, str], Cell]
"""By (method, figure)."""


def main(document: Path) -> None:
    """Fill the document's tables anew."""
    write_text(document, quoted(document.read_text(), document.parent))


def quoted(text: str, folder: Path) -> str:
    """The text of a document in `folder`, its tables filled from the files they name.

    Raises:
        ValueError: No file has such a row or column, its files are of other counts of clips, or a comment is broken.
    """
    filled, count = QUOTE.subn(lambda found: f"{found[1]}\n{_table(found, folder)}\n\n{found[5]}", text)
    marks = (text.count("<!-- quoted from"), text.count("<!-- end of quote -->"))
    if marks != (count, count):
        raise ValueError(f"{marks[0]} quotes begin and {marks[1]} end, of which {count} are whole")
    return filled


def _table(found: re.Match[str], folder: Path) -> str:
    files = [read_figures(folder / name.strip()) for name in found["files"].split(",")]
    columns, rows = _named(found["columns"]), _named(found["rows"])
    lines = [markdown_row(["", *columns.values()]), markdown_row(["---"] * (1 + len(columns)))]
    counts = {_clips(figures) for figures in files}
    if len(counts) > 1:
        raise ValueError(f"{found['files']} are of {sorted(counts)} clips, wanted as many in all")
    for row, shown in rows.items():
        figures = _first_with(row, files, found["files"])
        lines.append(markdown_row([shown, *(_cell(figures, row, column) for column in columns)]))
    return "\n".join(lines)


def read_figures(path: Path) -> Figures:
    """The cells of a CSV."""
    with path.open(newline="") as stream:
        return {(line["method"], line["figure"]): _read(line) for line in csv.DictReader(stream)}


def _read(line: Mapping[str, str]) -> Cell:
    mean, low, high = (float(line[end] or "nan") for end in ("mean", "low", "high"))
    return Cell(
        mean=mean,
        low=low,
        high=high,
        count=int(line["measured"]),
        missing=int(line["missing"]),
        why=line["why"],
    )


def _named(listed: str) -> dict[str, str]:
    """`name = shown | other` → what each is shown as."""
    parts = [part.partition("=") for part in listed.split("|")]
    return {name.strip(): shown.strip() or name.strip() for name, _, shown in parts}


def _first_with(row: str, files: Sequence[Figures], names: str) -> Figures:
    for figures in files:
        if any(method == row for method, _ in figures):
            return figures
    raise ValueError(f"{names} have no row {row!r}")


def _clips(figures: Figures) -> int:
    cell = figures["ground truth", "PSNR head"]
    return cell.count + cell.missing


def _cell(figures: Figures, row: str, column: str) -> str:
    if (row, column) not in figures:
        raise ValueError(f"there is no column {column!r} of {row!r}")
    cell = figures[row, column]
    return cell_text(cell) if cell.count else "–"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
