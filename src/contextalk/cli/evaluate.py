"""`contextalk evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from contextalk.cli.console import Answer, OptionalPath
from contextalk.core.choices import Progress, ReadBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """Measure generated videos, and fakes beside them, against real ones. Stopped and started again, it goes on.

    Attributes:
        generated: Folder of NAME.mp4 with NAME.report.json beside it; several folders are several methods.
        reference: Folder of NAME.mp4, or of scene folders NAME/ as synth writes them.
        output: Folder for report.md, report.csv and report.json; default: `evaluation` in the generated folder.
        estimator: Folder of a run of `train estimator`; default: the face backend reads the landmarks.
        read_by: Who reads landmarks where there is an estimator: it, or all the same the face backend.
        bundle: Folder of trained models, whose codec makes the codec's row; default: the embedded one.
        weights: Folder of published weights (`contextalk weights`); default: contextalk/weights in the user's cache.
        judges: Folders of runs of `train sync` and `train lip-reader`; what they lack is not measured.
        real: Folder or URL of a prepared dataset that distances of distributions (FID, KID) are to; default: they are
            not measured.
        real_split: Which split of it.
        windows: Also measure every window by itself.
        json: Print the answer as JSON.
    """

    generated: Annotated[tuple[Path, ...], arg(metavar="DIR [DIR ...]")]
    reference: Annotated[Path, arg(metavar="DIR")]
    output: Annotated[Path | None, arg(aliases=("-o",), metavar="REPORT")] = None
    estimator: Annotated[Path | None, arg(metavar="RUN/estimator")] = None
    read_by: ReadBy = "estimator"
    bundle: OptionalPath = None
    weights: OptionalPath = None
    judges: Annotated[tuple[Path, ...], arg(metavar="[RUN ...]")] = ()
    real: Annotated[str | None, arg(metavar="DATASET")] = None
    real_split: Literal["train", "val", "test"] = "train"
    windows: bool = False
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Evaluate."""
        from contextalk.core.errors import ContextalkError
        from contextalk.dataset.clips import bring_dataset
        from contextalk.evaluation.estimator import open_estimator
        from contextalk.evaluation.evaluate import evaluate
        from contextalk.evaluation.features import dataset_pictures, own_extractor
        from contextalk.evaluation.judges import open_judges
        from contextalk.evaluation.tables import as_json, markdown, write_tables
        from contextalk.models.bundle import Bundle
        from contextalk.models.weights import default_folder

        names = [folder.resolve().name for folder in self.generated]
        if len(set(names)) < len(names):
            raise ContextalkError(f"generated folders are named {', '.join(names)}, wanted a name for each method")
        bundle = Bundle.load(self.bundle)
        output = self.output or self.generated[0] / "evaluation"
        estimator = open_estimator(bundle, self.estimator, self.read_by)
        real = None if self.real is None else bring_dataset(self.real, self.real_split, progress=progress)
        judges = open_judges(
            self.weights or default_folder(),
            self.judges,
            own=own_extractor(bundle, self.estimator),
            real=None if real is None else dataset_pictures(real, self.real_split),
            cache=output / "work" / "features",
        )
        table = evaluate(
            dict(zip(names, self.generated, strict=True)),
            self.reference,
            output / "work",
            estimator=estimator,
            bundle=bundle,
            judges=judges,
            by_window=self.windows,
            progress=progress,
        )
        written = write_tables(table, output)
        return Answer(
            text=f"{markdown(table)}\nwritten: {', '.join(map(str, written))}",
            data={**as_json(table), "written": [str(path) for path in written]},
        )
