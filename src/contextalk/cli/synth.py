"""`contextalk synth`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from contextalk.cli.console import Answer
from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError


@dataclass(frozen=True, slots=True, kw_only=True)
class Synth:
    """Draw procedural conversations with exact truth (extra `synth`). Finished scenes are not drawn again.

    Attributes:
        output: Folder for scene-0000, scene-0001 …; it is made.
        minutes: Length of all scenes together; twins come on top.
        seed: Root of people, rooms, words and moves.
        twins: Beside each scene its twin: same cast, sound and mask, the speaker turned to somebody else.
        report: Also measure the difficulty floors.
        scene_s: Length of a scene, 0.32 to 60 s; short ones are many rooms and casts for little drawing.
        people: Cast from the people training may see, or from those held out.
        workers: Processes at once.
        json: Print the answer as JSON.
    """

    output: Annotated[Path, arg(aliases=("-o",))]
    minutes: float
    seed: int = 0
    twins: bool = False
    report: bool = False
    scene_s: float = 4.0
    people: Literal["train", "held-out"] = "train"
    workers: int = 1
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Draw."""
        try:
            from contextalk.synth.report import report
            from contextalk.synth.write import write_scenes
        except ImportError as error:
            raise ContextalkError(
                f"synth draws with skia and speaks with espeak-ng, which cannot be loaded ({error}): "
                "pip install 'contextalk[synth]' and, where libEGL is missing, apt-get install libegl1 libgl1"
            ) from error
        scenes = write_scenes(
            self.output,
            minutes=self.minutes,
            seed=self.seed,
            twins=self.twins,
            scene_s=self.scene_s,
            people=self.people,
            workers=self.workers,
            progress=progress,
        )
        floors = report(self.output) if self.report else None
        return Answer(
            text=f"{self.output}: scenes {len(scenes)}" + (f"\n{floors.table()}" if floors else ""),
            data={
                "output": str(self.output),
                "scenes": len(scenes),
                "floors": floors.as_dict() if floors else None,
            },
        )
