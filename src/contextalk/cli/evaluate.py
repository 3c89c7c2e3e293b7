"""`contextalk evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from contextalk.cli.console import Answer, OptionalPath
from contextalk.core.choices import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """Measure generated videos, and fakes beside them, against real ones. Stopped and started again, it goes on.

    Attributes:
        generated: Folder of NAME.mp4 with NAME.report.json beside it; several folders are several methods.
        reference: Folder of NAME.mp4, or of scene folders NAME/ as synth writes them.
        output: Folder for report.md, report.csv and report.json; default: `evaluation` in the generated folder.
        estimator: Folder of a run of `train estimator`; default: the face backend reads the landmarks.
        bundle: Folder of trained models, whose codec makes the codec's row; default: the embedded one.
        json: Print the answer as JSON.
    """

    generated: Annotated[tuple[Path, ...], arg(metavar="DIR [DIR ...]")]
    reference: Annotated[Path, arg(metavar="DIR")]
    output: Annotated[Path | None, arg(aliases=("-o",), metavar="REPORT")] = None
    estimator: Annotated[Path | None, arg(metavar="RUN/estimator")] = None
    bundle: OptionalPath = None
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Evaluate."""
        from contextalk.core.errors import ContextalkError
        from contextalk.evaluation.estimator import FaceBackendEstimator, HeadEstimator
        from contextalk.evaluation.evaluate import evaluate
        from contextalk.evaluation.tables import as_json, markdown, write_tables
        from contextalk.models.bundle import Bundle

        names = [folder.resolve().name for folder in self.generated]
        if len(set(names)) < len(names):
            raise ContextalkError(f"generated folders are named {', '.join(names)}, wanted a name for each method")
        bundle = Bundle.load(self.bundle)
        output = self.output or self.generated[0] / "evaluation"
        table = evaluate(
            dict(zip(names, self.generated, strict=True)),
            self.reference,
            output / "work",
            estimator=FaceBackendEstimator() if self.estimator is None else HeadEstimator(bundle, self.estimator),
            bundle=bundle,
            progress=progress,
        )
        written = write_tables(table, output)
        return Answer(
            text=f"{markdown(table)}\nwritten: {', '.join(map(str, written))}",
            data={**as_json(table), "written": [str(path) for path in written]},
        )
