"""Folders of training runs, as `contextalk train --run` fills them: a network a folder, its averaged weights in it."""

from collections.abc import Iterable
from pathlib import Path

WEIGHTS = "averaged.safetensors"


def run_with(network: str, runs: Iterable[Path]) -> Path | None:
    """The first run that has RUN/NETWORK with weights; None if none has."""
    return next((run for run in runs if (run / network / WEIGHTS).is_file()), None)
