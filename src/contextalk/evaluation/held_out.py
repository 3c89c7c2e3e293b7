"""What a judge trained here came to on the truth of clips held out from its training."""

import json
from pathlib import Path

FIGURES = "figures.json"
"""In a run's folder: what its networks came to."""


def held_out_figures(run: Path | None, name: str) -> str:
    """The figures of one network of a run, in words; empty without the run or its figures."""
    if run is None or not (run / FIGURES).is_file():
        return ""
    figures = json.loads((run / FIGURES).read_text()).get(name, {})
    return ", ".join(f"{figure} {value:.3g}" for figure, value in figures.items() if figure != "windows")
