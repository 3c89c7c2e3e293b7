"""One metric a file: `measure` looks at one clip, `measure_set` at all clips of a method.

Both return figures by column name; a figure that cannot be had of a clip is NaN and is counted, never dropped
silently. Each file's `COLUMNS` says what its figures mean.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a figure means.

    Attributes:
        unit: dB, px, °, %, or empty.
        better: Which way is better.
        says: One line for the table's legend: what is measured, on what, and what a still head gets.
    """

    unit: str
    better: Literal["higher", "lower", "nearer to the truth"]
    says: str
