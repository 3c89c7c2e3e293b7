"""One metric a file: a `Metric` looks at one clip, a `SetMetric` at all clips of a method together.

Both give figures by column name; a figure that cannot be had of a clip is NaN and is counted, never dropped silently.
Each file's `COLUMNS` says what its figures mean.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from contextalk.evaluation.cells import Cell
from contextalk.evaluation.evidence import Evidence

Part = Mapping[str, NDArray[Any]]
"""What a figure of a whole set needs of one clip: arrays of numbers or text by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a figure means.

    Attributes:
        unit: dB, px, °, %, or empty.
        better: Which way is better.
        says: One line for the table's legend: what is measured, on what, and what a still head gets.
        needs: What a clip must have for it; said where nothing was measured.
    """

    unit: str
    better: Literal["higher", "lower", "nearer to the truth"]
    says: str
    needs: str = "a face found in the head crops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A group of figures of one clip; a method's figure is their mean, its interval is drawn over clips.

    Attributes:
        columns: What the figures mean.
        measure: All of them of one clip; NaN not measured.
        judge: Name and version of the network behind them; empty where they are arithmetic alone.
        error: What is known of that network on the truth, for the notes.
        by_window: Whether the frames of one window alone give figures too.
    """

    columns: Mapping[str, Column]
    measure: Callable[[Evidence], Mapping[str, float]]
    judge: str = ""
    error: str = ""
    by_window: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetric:
    """A group of figures that only all clips of a method have together: distances of distributions, shares of pairs.

    Attributes:
        columns: What the figures mean.
        part: What is needed of one clip; put by, so that a clip is looked at once.
        measure: Parts by the clip's name → every column with its interval.
        judge, error: As in `Metric`.
        by_window: Whether a part's arrays are rows a picture, `window` saying of which window each is.
    """

    columns: Mapping[str, Column]
    part: Callable[[Evidence], Part]
    measure: Callable[[Mapping[str, Part]], Mapping[str, Cell]]
    judge: str = ""
    error: str = ""
    by_window: bool = False
