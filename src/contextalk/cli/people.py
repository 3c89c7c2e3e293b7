"""`contextalk people`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer, table
from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Say who is in a scene, where, when, and who speaks.

    Attributes:
        scene: The video.
        sheet: Also draw a contact sheet here: a row a person, thumbnails over time.
        annotations: Where landmarks come from: auto (a landmarks-K.npz beside the scene, else the face backend), none
            (always the face backend), or a file or folder.
        active_speaker: Who says who speaks: default (mouths that move while a voice is heard), light-asd (a published
            network, see `contextalk weights`), or the folder of a run of `contextalk train sync`.
        json: Print the answer as JSON.
    """

    scene: Annotated[Positional[Path], arg(metavar="SCENE")]
    sheet: Annotated[Path | None, arg(metavar="P.png")] = None
    annotations: Annotated[str, arg(metavar="auto|none|FILE")] = "auto"
    active_speaker: Annotated[str, arg(metavar="default|light-asd|RUN")] = "default"
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Analyse the scene and describe its people."""
        from contextalk.faces.analysis import analyse
        from contextalk.faces.sheet import contact_sheet, describe_people, describe_voices
        from contextalk.models.active_speaker import open_active_speaker

        analysis = analyse(
            self.scene,
            annotations=self.annotations,
            progress=progress,
            active_speaker=open_active_speaker(self.active_speaker),
        )
        people, voices = describe_people(analysis), describe_voices(analysis)
        if self.sheet is not None:
            try:
                contact_sheet(analysis).save(self.sheet)
            except (OSError, ValueError) as error:
                raise ContextalkError(f"cannot write --sheet {self.sheet}: {error}") from error
        rows = [
            (
                str(person.index),
                person.position,
                f"{person.seen_s:.1f}",
                f"{person.speaking_s:.1f}",
                " ".join(f"{edge:.0f}" for edge in person.box_px),
                f"{person.first_centre_px[0]:.0f},{person.first_centre_px[1]:.0f}@{person.first_seen_s:.2f}",
            )
            for person in people
        ]
        header = ("person", "position", "seen s", "speaking s", "box x0 y0 x1 y1", "first at")
        scene = analysis.scene
        facts = (
            f"{self.scene.name}: {scene.size_px[0]}x{scene.size_px[1]}, {len(scene.times_s)} frames, "
            f"{scene.duration_s:.2f} s, shots: {len(analysis.shots)}, faces by {analysis.backend}"
        )
        said = (
            f"voices: {voices.voice_s:.1f} s, off screen {voices.off_screen_s:.1f} s, "
            f"overlapping {voices.overlapping_s:.1f} s, by {voices.hearing}; who speaks, by {voices.active_speaker}"
        )
        return Answer(
            text=f"{facts}\n{table(header, rows) if rows else 'nobody found'}\n{said}",
            data={
                "scene": str(self.scene),
                "size_px": scene.size_px,
                "frames": len(scene.times_s),
                "duration_s": scene.duration_s,
                "shots": [asdict(shot) for shot in analysis.shots],
                "backend": analysis.backend,
                "people": [asdict(person) for person in people],
                "voices": asdict(voices),
                "sheet": None if self.sheet is None else str(self.sheet),
            },
        )
