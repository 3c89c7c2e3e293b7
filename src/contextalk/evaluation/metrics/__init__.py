"""One metric a file: `measure` looks at one clip, `measure_set` at all clips of a method.

Both return figures by column name; a figure that cannot be had of a clip is NaN and is counted, never dropped
silently. Each file's `COLUMNS` says what its figures mean.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from contextalk.evaluation.evidence import Evidence


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
    """A group of figures of one clip.

    Attributes:
        columns: What the figures mean.
        measure: All of them of one clip; NaN not measured.
        judge: Name and version of the network behind them; empty where they are arithmetic alone.
    """

    columns: Mapping[str, Column]
    measure: Callable[[Evidence], Mapping[str, float]]
    judge: str = ""
