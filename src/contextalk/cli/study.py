"""`contextalk study make` and `contextalk study report`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, OmitSubcommandPrefixes, Positional, arg, subcommand

from contextalk.cli.console import Answer, OptionalPath, table
from contextalk.core.choices import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyMake:
    """Make a page on which people score videos without knowing whose they are.

    Attributes:
        methods: Folder of METHOD/CONTEXT.mp4, with CONTEXT.report.json beside them.
        output: The page, one HTML file with all videos in it; the key that names the methods is written beside it.
        seed: Of the trials' codes and of each rater's order.
        crops: Folder of CONTEXT.json (centre_px, side_px per frame) where no report says where the head is.
        json: Print the answer as JSON.
    """

    methods: Annotated[Positional[Path], arg(metavar="METHODS_DIR")]
    output: Annotated[Path, arg(aliases=("-o",))]
    seed: Annotated[int, arg(metavar="INT")] = 0
    crops: OptionalPath = None
    json: bool = False

    def run(self, progress: Progress) -> Answer:  # noqa: ARG002 - the same for every verb
        """Cut the faces and write the page."""
        from contextalk.evaluation.study.page import LARGE_BYTES, make_study

        made = make_study(self.methods, self.output, seed=self.seed, crops=self.crops)
        large = made.size_bytes > LARGE_BYTES
        lines = [
            f"{made.page}: {made.num_trials} pairs, {made.size_bytes / 1e6:.1f} MB",
            f"{made.key} names the methods: keep it from raters",
            *([f"the page is above {LARGE_BYTES / 1e6:.0f} MB: browsers may refuse it, take fewer contexts"] * large),
        ]
        return Answer(text="\n".join(lines), data={**asdict(made), "large": large})


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """Say what raters said: a mean per method and question, how sure it is, and how far raters agree.

    Attributes:
        answers: Files that raters downloaded at the end of the page.
        key: The key file that was written beside the page.
        json: Print the answer as JSON.
    """

    answers: Annotated[Positional[tuple[Path, ...]], arg(metavar="ANSWERS...")]
    key: Annotated[Path, arg(metavar="PAGE.key.json")]
    json: bool = False

    def run(self, progress: Progress) -> Answer:  # noqa: ARG002 - the same for every verb
        """Count."""
        from contextalk.evaluation.study.answers import report

        counted = report(self.answers, self.key)
        rows = [
            (
                score.method,
                score.question,
                f"{score.mean:.2f}",
                f"{score.low:.2f} to {score.high:.2f}",
                str(score.num_scores),
            )
            for score in counted.scores
        ]
        lines = [
            table(("method", "question", "mean", "95 % of raters' means", "scores"), rows),
            *(f"agreement, {name}: Krippendorff's alpha {value:.3f}" for name, value in counted.agreement.items()),
            f"raters: {counted.num_raters}, of whom unfinished: {len(counted.unfinished)}",
        ]
        return Answer(text="\n".join(lines), data=asdict(counted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Ask people: make the page, count the answers."""

    action: OmitSubcommandPrefixes[
        OmitArgPrefixes[Annotated[StudyMake, subcommand("make")] | Annotated[StudyReport, subcommand("report")]]
    ]

    @property
    def json(self) -> bool:
        """Whether a program reads the answer."""
        return self.action.json

    def run(self, progress: Progress) -> Answer:
        """Do either."""
        return self.action.run(progress)
