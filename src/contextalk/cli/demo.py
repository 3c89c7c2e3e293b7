"""`contextalk demo`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from contextalk.cli.console import Answer
from contextalk.core.choices import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """Generate the embedded example: out.mp4, landmarks.npz, sheet.png and report.json.

    Attributes:
        output: Folder to write into; it is made.
        json: Print the answer as JSON.
    """

    output: Annotated[Path, arg(aliases=("-o",))] = Path("demo-out")
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Run the example."""
        from contextalk.generation.demo import run_demo

        result = run_demo(self.output, progress=progress)
        return Answer(
            text=f"{result.output} and, beside it, landmarks.npz, sheet.png, report.json",
            data={"output": str(result.output), "report": result.report},
        )
