"""From footage and a bundle to a table: `contextalk reproduce`."""

from dataclasses import dataclass
from pathlib import Path

from contextalk.core.choices import Progress, ReadBy
from contextalk.evaluation.estimator import open_estimator
from contextalk.evaluation.evaluate import evaluate
from contextalk.evaluation.features import own_extractor
from contextalk.evaluation.judges import open_judges
from contextalk.evaluation.reproduce.clips import generate_clips
from contextalk.evaluation.reproduce.material import open_material
from contextalk.evaluation.reproduce.methods import Absent, Given, methods_of
from contextalk.evaluation.reproduce.write import write_reproduced
from contextalk.evaluation.tables import Table
from contextalk.models.bundle import Bundle

BY_WINDOW = ("drift",)
"""Tables of which every window is measured by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """What came of it.

    Attributes:
        table: All figures.
        absent: Rows that could not be made.
        generated: Clips that had to be generated.
        written: Files.
        settings: Footage, bundle, seed, counts.
    """

    table: Table
    absent: tuple[Absent, ...]
    generated: int
    written: tuple[Path, ...]
    settings: dict[str, object]


def reproduce(
    name: str,
    data: Path | str,
    output: Path,
    given: Given,
    *,
    weights: Path,
    clips: int | None = None,
    read_by: ReadBy = "estimator",
    progress: Progress | None = None,
) -> Reproduced:
    """Generate what is missing, measure everything by the same code, write the table; stopped and called again, go on.

    Clips lie in `output/clips/METHOD` and serve every table that has the method.

    Args:
        name: Of the table, in `methods.ROWS`.
        data: Folder of synthetic scenes with twins, or prepared dataset, or its URL, whose test split is used.
        output: Folder; made if missing.
        given: What methods are made of. Of its runs the first that has them also lends estimator and judges.
        weights: Folder of published weights.
        clips: How many; None: all.
        read_by: Who reads heads where a run has an estimator; its features compare distributions either way.
        progress: Told what is done.

    Raises:
        ContextalkError: No clips there, or what a generator cannot do.
    """
    work = output / "work"
    bundle = Bundle.load(given.bundle)
    material = open_material(data, work, clips, progress)
    methods, absent = methods_of(name, given, material)
    generated = generate_clips(methods, material.contexts, output / "clips", given, bundle.fingerprint, progress)
    trained = given.find("estimator")
    estimator = open_estimator(bundle, trained, read_by)
    judges = open_judges(
        weights,
        given.runs,
        own=own_extractor(bundle, trained),
        real=material.real,
        cache=work / "features",
    )
    table = evaluate(
        {method.name: output / "clips" / method.name for method in methods},
        material.reference,
        work,
        estimator=estimator,
        bundle=bundle,
        judges=judges,
        names={context.name for context in material.contexts},
        by_window=name in BY_WINDOW,
        progress=progress,
    )
    settings: dict[str, object] = {
        "material": material.says,
        "bundle": f"{given.bundle or 'embedded'} ({bundle.fingerprint[:12]})",
        "solver steps": given.steps or bundle.card.models.num_steps,
        "seed": given.seed,
        "clips generated in this run": generated,
    }
    written = write_reproduced(name, table, absent, settings, output)
    return Reproduced(table=table, absent=tuple(absent), generated=generated, written=tuple(written), settings=settings)
