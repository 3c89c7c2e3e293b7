"""`contextalk prepare`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer
from contextalk.core.choices import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Turn videos into a dataset: manifest.parquet, shards of clips, report.html. What is finished is not done again.

    Attributes:
        sources: Videos, or folders of them; folders of `synth` scenes with their exact labels. Paths or URLs: s3://,
            gs://, https:// and what else fsspec knows.
        output: Folder or URL of the dataset; it is made, or grows.
        target: Whom to learn in each video: largest, left, right, INDEX, X,Y@SECONDS, FACE.png, auto (who speaks),
            all (everybody), or group:N (person N of all videos together, as --contact-sheet numbers them).
        annotations: Where landmarks come from: auto (a landmarks-K.npz beside the video, else the face backend), none
            (always the face backend), or a file or folder.
        active_speaker: Who says who speaks in real videos: default, light-asd or RUN, as in `contextalk people`.
        person: Name of the person in real videos; default: group-N for somebody whom several of them show, else the
            source's name.
        split_by: JSON file {"test": [names], "val": [names]} of sentences or sources put into a split by hand.
        augment: Reframed copies of each training clip of a real video.
        seed: Root of the reframing.
        min_s: Shortest clip to keep, seconds; 0.32 (a window) for the short scenes of `synth --scene-s 0.32`.
        min_sync: Least agreement of mouth and sound (a correlation) around a clip; 0: sync is not looked at.
        max_covered: Largest share of the head's mask that a hand or a nearer head may cover in a frame to be kept; 1:
            neither counts.
        interpolate: Let sources of 10 to 23 fps train, too; pictures between theirs are made along optical flow.
            Without it they are turned down for their rate.
        contact_sheet: Also draw, before the first clip is cut, who is in all videos together: a row a person.
        workers: Processes at once; a long video is shared among them, and one that dies costs the source it was at.
        ray: Let the processes of a Ray cluster do it, at most --workers at once if that is more than 1; without ADDRESS
            those of a cluster on this machine, begun for it. All its machines must reach sources and dataset.
        forget_sources: Remove the local copy of a video at a URL when its clips are finished.
        json: Print the answer as JSON.
    """

    sources: Annotated[Positional[tuple[str, ...]], arg(metavar="SOURCE...")]
    output: Annotated[str, arg(aliases=("-o",), metavar="DATASET")]
    target: str = "largest"
    annotations: Annotated[str, arg(metavar="auto|none|FILE")] = "auto"
    active_speaker: Annotated[str, arg(metavar="default|light-asd|RUN")] = "default"
    person: Annotated[str | None, arg(metavar="NAME")] = None
    split_by: Annotated[Path | None, arg(metavar="SPLIT.json")] = None
    augment: int = 0
    seed: int = 0
    min_s: float = 1.0
    min_sync: float = 0.15
    max_covered: Annotated[float, arg(metavar="SHARE")] = 0.05
    interpolate: bool = False
    contact_sheet: Annotated[Path | None, arg(metavar="P.png")] = None
    workers: int = 1
    ray: Annotated[tuple[()] | tuple[str] | None, arg(metavar="[ADDRESS]")] = None
    forget_sources: bool = False
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Prepare, and say what was kept and why the rest was not."""
        from contextalk.dataset.prepare import prepare

        report = prepare(
            self.sources,
            self.output,
            target=self.target,
            annotations=self.annotations,
            active_speaker=self.active_speaker,
            workers=self.workers,
            ray=None if self.ray is None else next(iter(self.ray), "local"),
            forget_sources=self.forget_sources,
            progress=progress,
            person=self.person,
            split_by=self.split_by,
            augment=self.augment,
            seed=self.seed,
            min_s=self.min_s,
            min_sync=self.min_sync,
            max_covered=self.max_covered,
            interpolate=self.interpolate,
            contact_sheet=self.contact_sheet,
        )
        clips = ", ".join(f"{count} {split}" for split, count in sorted(report.num_clips.items())) or "none"
        without = report.summary.num_without_hands
        lines = [
            f"{self.output}: {report.num_sources} sources, {report.num_reused} as before; {report.seconds:.0f} s",
            f"clips: {clips}; {report.summary.hours:.2f} h",
            *(f"rejected: {reason.count} x {reason.name}" for reason in report.summary.reasons),
            *([f"hands were not looked for in {without} clips: their models are not installed"] if without else []),
            *(
                f"{group.target}: {len(group.sources)} sources, {group.seen_s:.1f} s, speaks {group.speaking_s:.1f} s"
                for group in report.groups
                if len(group.sources) > 1
            ),
            f"report: {report.page}",
        ]
        return Answer(text="\n".join(lines), data=asdict(report))
