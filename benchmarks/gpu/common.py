"""What the scripts for a card share: a time limit after which they end well, and rows kept as they come."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from contextalk.cli.console import table

Figures = Mapping[str, float | str]


class OutOfTimeError(Exception):
    """The limit is reached; the same command goes on from what is on disk."""


class Limit:
    """Ends long work in time: call it as progress."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    def __call__(self, what: str, done: int, total: int) -> None:
        """Raises OutOfTimeError when the minutes are over."""
        if time.monotonic() > self._end:
            raise OutOfTimeError(f"{what}: {done} of {total}")


class Rows:
    """Measurements by name in a JSON file; those that are there are not made again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[str, Figures] = json.loads(path.read_text()) if path.is_file() else {}

    def add(self, name: str, measure: Callable[[], Figures]) -> None:
        """Measure, say so, keep it."""
        if name not in self.rows:
            self.rows[name] = measure()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self.rows, indent=2) + "\n")
        say(f"{name}: {json.dumps(self.rows[name])}")

    def table(self, columns: tuple[str, ...]) -> str:
        """One row a measurement; a dash where it has no such figure."""
        rows = [(name, *(_cell(figures.get(column)) for column in columns)) for name, figures in self.rows.items()]
        return table(("", *columns), rows)


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
