"""What every verb shares: its answer and its progress bar."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Protocol

from tyro.conf import arg

from contextalk.core.choices import Progress

OptionalPath = Annotated[Path | None, arg(metavar="PATH")]

_TERMINAL_S, _LOG_S = 0.1, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a verb has to say: for a person, and for a program (`--json`)."""

    text: str
    data: Mapping[str, object]


class Verb(Protocol):
    """A command with its options, as parsed."""

    @property
    def json(self) -> bool:
        """Whether a program reads the answer."""
        ...

    def run(self, progress: Progress) -> Answer:
        """Do it."""
        ...


class Bars:
    """Progress as bars with time left on standard error, one bar for each thing done.

    Where standard error is no terminal, a line every 30 s, and none for what is done sooner.
    """

    def __init__(self) -> None:
        self._what: str | None = None
        self._bar = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` is done of `what`; what stands in brackets there may change as it goes."""
        name = what.split(" (")[0]
        if name != self._what:
            self._close()
            self._open(name, done, total)
        assert self._bar is not None
        self._bar.set_description(what, refresh=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "Bars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _open(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        self._what = what
        self._bar = tqdm(
            total=total,
            initial=done,  # resumed work is not counted into the speed
            desc=what,
            mininterval=_TERMINAL_S if terminal else _LOG_S,
            delay=0 if terminal else _LOG_S,
            dynamic_ncols=True,
            file=sys.stderr,
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            self._what = None


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Columns aligned for a terminal; all but the first to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(cells: tuple[str, ...]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        return "  ".join([cells[0].ljust(widths[0]), *padded[1:]]).rstrip()

    return "\n".join(line(cells) for cells in (header, *rows))


def json_value(value: Any) -> Any:
    """What JSON has for a value: arrays and numpy numbers are lists and numbers, NaN is null, the rest is text."""
    if isinstance(value, Mapping):
        return {str(name): json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    tolist = getattr(value, "tolist", None)
    return json_value(tolist()) if tolist is not None else str(value)
