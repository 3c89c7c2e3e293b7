"""`contextalk train` and `contextalk bundle`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer
from contextalk.core.choices import Progress

Network = Literal[
    "codec",
    "lips",
    "landmark",
    "landmark-first",
    "landmark-sequence",
    "face",
    "face-first",
    "face-sequence",
    "all",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Train a network, or all of them in order. Stopped and started again, it goes on where it was.

    Attributes:
        network: What to train.
        data: Folder of a prepared dataset.
        run_folder: Folder of the run: checkpoints, curves, resolved configuration.
        preset: Sizes and schedules: paper (Table 3 to the letter), quality, compact (the embedded default) or debug
            (seconds).
        bundle: Start from the networks of this bundle.
        json: Print the answer as JSON.
    """

    network: Annotated[Positional[Network], arg(metavar="NETWORK")]
    data: Path
    run_folder: Annotated[Path, arg(name="run")]
    preset: str = "compact"
    bundle: Annotated[Path | None, arg(name="from", metavar="PATH")] = None
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Train."""
        from contextalk.training.run import train

        train(
            self.network,
            data=self.data,
            run=self.run_folder,
            preset=self.preset,
            from_bundle=self.bundle,
            progress=progress,
        )
        return Answer(
            text=f"{self.network} trained in {self.run_folder}; next: contextalk bundle {self.run_folder} -o BUNDLE",
            data={"network": self.network, "run": str(self.run_folder), "preset": self.preset},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRun:
    """Make a bundle, the folder `generate` draws with, of a run's networks.

    Attributes:
        run_folder: Folder of the run.
        output: Folder of the bundle; it is made.
        json: Print the answer as JSON.
    """

    run_folder: Annotated[Positional[Path], arg(metavar="RUN")]
    output: Annotated[Path, arg(aliases=("-o",))]
    json: bool = False

    def run(self, progress: Progress) -> Answer:  # noqa: ARG002 - the same for every verb
        """Collect the networks."""
        from contextalk.training.run import bundle_run

        bundle_run(self.run_folder, self.output)
        return Answer(text=str(self.output), data={"bundle": str(self.output)})
