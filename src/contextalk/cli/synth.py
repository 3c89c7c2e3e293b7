"""`contextalk synth`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from contextalk.cli.console import Answer
from contextalk.core.choices import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Synth:
    """Draw procedural conversations with exact truth (extra `synth`).

    Attributes:
        output: Folder for scene-0000, scene-0001 …; it is made.
        minutes: Length of all scenes together (twins come on top).
        seed: Root of people, rooms, words and moves.
        twins: Beside each scene its twin: same cast, sound and mask, the speaker turned to somebody else.
        report: Also print the difficulty floors.
        json: Print the answer as JSON.
    """

    output: Annotated[Path, arg(aliases=("-o",))]
    minutes: float
    seed: int = 0
    twins: bool = False
    report: bool = False
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Draw."""
        raise NotImplementedError
