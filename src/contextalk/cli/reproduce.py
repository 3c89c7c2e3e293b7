"""`contextalk reproduce`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer, OptionalPath
from contextalk.core.choices import Progress, ReadBy

TableName = Literal["table1", "table4", "lips", "expression", "twins", "drift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduce:
    """Make one of the paper's tables or figures: generate what is missing, measure it beside fakes, write it down.

    Stopped and started again, it goes on where it was. Clips are shared by the tables of one output folder.

    Attributes:
        table: table1 (baselines), table4 (one stage), lips (without lip references), expression (with expression),
            twins (do heads turn to whom they talk to), or drift (every figure by window).
        data: Folder of scenes that synth wrote with --twins, or folder or URL of a prepared dataset: its test split is
            used.
        output: Folder for the clips and the table.
        bundle: Folder of trained models; default: the embedded one.
        runs: Folders of training runs, looked through in order for estimator, sync, lip_reader (who judge) and for
            one_stage, framewise, expression (who are compared).
        weights: Folder of published weights (`contextalk weights`); default: contextalk/weights in the user's cache.
        controlnet: Folders of Stable Diffusion 1.5 and of the controls trained for it.
        sadtalker: A checkout of SadTalker and the Python interpreter that it runs in.
        clips: How many clips; default: all.
        read_by: Who reads landmarks off heads where a run has an estimator: it, or all the same the face backend.
        steps: Solver steps per window; default: the bundle's.
        seed: Root of all randomness.
        json: Print the answer as JSON.
    """

    table: Annotated[Positional[TableName], arg(metavar="TABLE")]
    data: Annotated[str, arg(metavar="DIR")]
    output: Annotated[Path, arg(aliases=("-o",), metavar="DIR")] = Path("tables")
    bundle: OptionalPath = None
    runs: Annotated[tuple[Path, ...], arg(metavar="[RUN ...]")] = ()
    weights: OptionalPath = None
    controlnet: Annotated[tuple[Path, Path] | None, arg(metavar="SD15 CONTROLS")] = None
    sadtalker: Annotated[tuple[Path, Path] | None, arg(metavar="CHECKOUT PYTHON")] = None
    clips: Annotated[int | None, arg(metavar="INT")] = None
    read_by: ReadBy = "estimator"
    steps: Annotated[int | None, arg(metavar="INT")] = None
    seed: int = 0
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Reproduce."""
        from contextalk.evaluation.reproduce.methods import Given
        from contextalk.evaluation.reproduce.reproduce import reproduce
        from contextalk.evaluation.reproduce.write import summary
        from contextalk.evaluation.tables import as_json
        from contextalk.models.weights import default_folder

        given = Given(
            bundle=self.bundle,
            runs=self.runs,
            controlnet=self.controlnet,
            sadtalker=self.sadtalker,
            steps=self.steps,
            seed=self.seed,
        )
        made = reproduce(
            self.table,
            self.data,
            self.output,
            given,
            weights=self.weights or default_folder(),
            clips=self.clips,
            read_by=self.read_by,
            progress=progress,
        )
        written = [str(path) for path in made.written]
        return Answer(
            text=f"{summary(self.table, made.table, made.absent, made.settings)}\nwritten: {', '.join(written)}",
            data={**as_json(made.table), "settings": made.settings, "written": written},
        )
