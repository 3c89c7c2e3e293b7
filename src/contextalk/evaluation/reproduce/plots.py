"""Plots as SVG: figures with their intervals, and figures by window.

Written by hand, as no drawing library is among the dependencies; any browser shows them.
"""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from contextalk.evaluation.cells import Cell
from contextalk.evaluation.tables import Table, number

_COLOURS = (
    "#4c4c4c",
    "#9a9a9a",
    "#b8b8b8",
    "#c9b8a8",
    "#a8b8c9",
    "#0b6fb8",
    "#d1495b",
    "#2a9d5c",
    "#8a5cc2",
    "#d98a1f",
)
_PANEL_WIDTH, _LABELS_WIDTH, _GAP = 300, 210, 28
_ROW, _TITLE, _AXIS = 18, 26, 22
_WINDOW_HEIGHT, _ACROSS = 170, 3


def interval_plot(table: Table, columns: Sequence[str], title: str) -> str:
    """A panel a figure, a row a method: the mean a dot, the 95 % interval a line; unmeasured figures have no panel."""
    shown = [name for name in columns if any(_is_finite(table.cells[row, name]) for row in table.methods)]
    height = _TITLE + _ROW * len(table.methods) + _AXIS
    parts = [_text(8, 20, title, size=15)]
    for index, name in enumerate(shown):
        left, top = _LABELS_WIDTH, 34 + index * (height + _GAP)
        cells = {row: table.cells[row, name] for row in table.methods}
        low, high = _range([end for cell in cells.values() for end in _ends(cell)])
        parts.append(_text(left, top + 14, name, size=13))
        parts += _x_axis(left, top + height - _AXIS, low, high)
        for number_, (row, cell) in enumerate(cells.items()):
            y = top + _TITLE + _ROW * (number_ + 0.5)
            parts.append(_text(left - 8, y + 4, row, anchor="end"))
            if _is_finite(cell):
                at = [left + _share(value, low, high) * _PANEL_WIDTH for value in (cell.mean, *_ends(cell))]
                colour = _COLOURS[number_ % len(_COLOURS)]
                parts.append(_line([(min(at), y), (max(at), y)], colour, width=2))
                parts.append(f'<circle cx="{at[0]:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
                parts.append(_text(left + _PANEL_WIDTH + 10, y + 4, number(cell.mean)))
            else:
                said = "∞" if np.isinf(cell.mean) else "not measured"
                parts.append(_text(left + _PANEL_WIDTH + 10, y + 4, said, fill="#999"))
    return _svg(_LABELS_WIDTH + _PANEL_WIDTH + 110, 44 + len(shown) * (height + _GAP), parts)


def window_plot(table: Table, title: str) -> str:
    """A panel a figure, a line a method over windows, with the 95 % interval as a band."""
    names = list(dict.fromkeys(name for figures in table.windows.values() for name in figures))
    colours = {method: _COLOURS[index % len(_COLOURS)] for index, method in enumerate(table.methods)}
    parts = [_text(8, 20, title, size=15)]
    for index, (method, colour) in enumerate(colours.items()):
        x, y = 8 + (index % 4) * 240, 42 + (index // 4) * 18
        parts += [_line([(x, y - 4), (x + 20, y - 4)], colour, width=3), _text(x + 26, y, method)]
    top = 50 + 18 * -(-len(colours) // 4)
    for index, name in enumerate(names):
        left = 60 + (index % _ACROSS) * (_PANEL_WIDTH + 70)
        rows = {method: figures[name] for method, figures in table.windows.items() if name in figures}
        parts += _window_panel(rows, colours, name, left, top + (index // _ACROSS) * (_WINDOW_HEIGHT + 60))
    rows_down = -(-len(names) // _ACROSS)
    return _svg(60 + _ACROSS * (_PANEL_WIDTH + 70), top + rows_down * (_WINDOW_HEIGHT + 60), parts)


def _window_panel(
    rows: Mapping[str, Sequence[Cell]], colours: Mapping[str, str], name: str, left: float, top: float
) -> list[str]:
    low, high = _range([end for cells in rows.values() for cell in cells for end in _ends(cell)])
    longest = max(map(len, rows.values()))
    bottom = top + 20 + _WINDOW_HEIGHT

    def place(window: int, value: float) -> tuple[float, float]:
        x = left + _PANEL_WIDTH * (window / max(1, longest - 1))
        return x, bottom - _share(value, low, high) * _WINDOW_HEIGHT

    parts = [_text(left, top + 12, name, size=13), _line([(left, bottom - _WINDOW_HEIGHT), (left, bottom)], "#999")]
    parts += [_line([(left, bottom), (left + _PANEL_WIDTH, bottom)], "#999")]
    parts += [_text(left - 6, place(0, value)[1] + 4, number(value), anchor="end") for value in (low, high)]
    step = max(1, longest // 8)
    parts += [
        _text(place(window, low)[0], bottom + 16, str(window), anchor="middle") for window in range(0, longest, step)
    ]
    for method, cells in rows.items():
        known = [(window, cell) for window, cell in enumerate(cells) if _is_finite(cell)]
        band = [(window, cell) for window, cell in known if len(_ends(cell)) == 2]
        if len(band) > 1:
            around = [place(window, _ends(cell)[1]) for window, cell in band]
            around += [place(window, _ends(cell)[0]) for window, cell in reversed(band)]
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in around)
            parts.append(f'<polygon points="{points}" fill="{colours[method]}" fill-opacity="0.12"/>')
        if len(known) > 1:
            parts.append(_line([place(window, cell.mean) for window, cell in known], colours[method], width=2))
    return parts


def _is_finite(cell: Cell) -> bool:
    return bool(cell.count and np.isfinite(cell.mean))


def _ends(cell: Cell) -> list[float]:
    """The interval's ends, or the mean alone where there is none; nothing where it is not finite."""
    if not _is_finite(cell):
        return []
    return [cell.low, cell.high] if np.isfinite([cell.low, cell.high]).all() else [cell.mean]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.05 * (high - low) or max(0.5, abs(high) * 0.05)
    return low - margin, high + margin


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low)


def _x_axis(left: float, y: float, low: float, high: float) -> list[str]:
    parts = [_line([(left, y), (left + _PANEL_WIDTH, y)], "#999")]
    for share in (0.0, 0.5, 1.0):
        x = left + share * _PANEL_WIDTH
        parts += [
            _line([(x, y), (x, y + 4)], "#999"),
            _text(x, y + 17, number(low + share * (high - low)), anchor="middle"),
        ]
    return parts


def _line(points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", fill: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
    )


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n{inner}\n</svg>\n'
    )
