"""`contextalk train` and `contextalk bundle`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer
from contextalk.core.choices import Device, LipsKind, Progress

Network = Literal[
    "codec",
    "probe",
    "familiarity",
    "context",
    "lips",
    "reader",
    "estimator",
    "sync",
    "lip-reader",
    "landmark",
    "landmark-first",
    "landmark-sequence",
    "face",
    "face-first",
    "face-sequence",
    "one-stage",
    "framewise",
    "expression",
    "all",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Train a network, or all of them in order. Stopped and started again, it goes on where it was.

    Attributes:
        network: What to train.
        data: Folder or URL of a prepared dataset.
        run_folder: Folder of the run: checkpoints, curves, resolved configuration.
        preset: Sizes and schedules: paper (Table 3 to the letter), quality, compact (the embedded default) or debug
            (seconds).
        bundle: Start from the networks of this bundle; its codec is kept as it is, unless `codec` is named
            with `--windows`, which tunes it.
        windows: Train the network for this many windows instead of the preset's number.
        speech: Folder or URL of a prepared dataset of real speakers: stage 1 (`context`, `landmark`) also learns the
            clips of DATASET dubbed by them.
        lips: Where stage 2's lip references come from, decided when a run begins: own (a generator trained in the run),
            or wav2lip or wav2lip_gan (published weights that `contextalk weights import` took in, which generating
            then needs too); default: as the bundle of --from, else own.
        device: Where networks learn: cpu, cuda (a graphics card), or auto (a card where there is one). A run may go on
            elsewhere than it began.
        workers: Processes at once that read clips and draw what networks see of them.
        json: Print the answer as JSON.
    """

    network: Annotated[Positional[Network], arg(metavar="NETWORK")]
    data: Annotated[str, arg(metavar="DATASET")]
    run_folder: Annotated[Path, arg(name="run")]
    preset: str = "compact"
    bundle: Annotated[Path | None, arg(name="from", metavar="PATH")] = None
    windows: Annotated[int | None, arg(metavar="INT")] = None
    speech: Annotated[str | None, arg(metavar="DATASET")] = None
    lips: Annotated[LipsKind | None, arg(metavar="own|wav2lip|wav2lip_gan")] = None
    device: Device = "auto"
    workers: int = 1
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Train, and say what the held-out data say."""
        from contextalk.training.run import train

        figures = train(
            self.network,
            data=self.data,
            run=self.run_folder,
            preset=self.preset,
            from_bundle=self.bundle,
            windows=self.windows,
            speech=self.speech,
            lips=self.lips,
            device=self.device,
            workers=self.workers,
            progress=progress,
        )
        lines = [
            f"{network}: " + ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            for network, values in figures.items()
        ]
        return Answer(
            text="\n".join([*lines, f"trained in {self.run_folder}"]),
            data={"network": self.network, "run": str(self.run_folder), "figures": figures},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRun:
    """Make a bundle, the folder `generate` draws with, of a run's networks.

    Attributes:
        run_folder: Folder of the run.
        output: Folder of the bundle; it is made.
        bundle: Take networks that the run has not trained from this bundle, the one it started from.
        whom: Whom it can draw, in words; default: the people it was trained on.
        json: Print the answer as JSON.
    """

    run_folder: Annotated[Positional[Path], arg(metavar="RUN")]
    output: Annotated[Path, arg(aliases=("-o",))]
    bundle: Annotated[Path | None, arg(name="from", metavar="PATH")] = None
    whom: Annotated[str | None, arg(metavar="WORDS")] = None
    json: bool = False

    def run(self, progress: Progress) -> Answer:  # noqa: ARG002 - the same for every verb
        """Collect the networks."""
        from contextalk.training.run import bundle_run

        card = bundle_run(self.run_folder, self.output, whom=self.whom, from_bundle=self.bundle)
        return Answer(
            text=f"{self.output} can draw {card.whom}",
            data={"bundle": str(self.output), "whom": card.whom, "persons": card.persons, "record": card.record},
        )
