"""`contextalk generate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer, OptionalPath
from contextalk.core.choices import Device, MissingFace, Occlusion, Progress, Sampler, Sound
from contextalk.core.errors import ContextalkError

if TYPE_CHECKING:
    from contextalk.core.records import GenerateRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """Make the target of a scene say the driving audio. Stopped and started again, it goes on where it was.

    Attributes:
        scene: Video with the person to regenerate.
        audio: Driving speech: a sound file, or a video's sound.
        output: The video to write.
        identity: Picture or video of the target; default: the target's own face in the scene. Required with --mask.
            ME.landmarks.npz beside it says where the face is, for drawings that the face backend misreads.
        target: Who: largest, left, right, INDEX, X,Y@SECONDS, FACE.png, or auto (who speaks).
        mask: Picture or video of the scene's size, white = regenerate, for scenes that come masked.
        landmarks: Draw these landmarks instead of generating them.
        annotations: Where landmarks come from: auto (a landmarks-K.npz beside the scene, else the face backend), none
            (always the face backend), or a file or folder.
        active_speaker: Who says whom --target auto means: default, light-asd or RUN, as in `contextalk people`.
        bundle: Folder of trained models; default: the embedded one.
        sound: What is heard: the driving audio, the scene's sound under it, or the scene's sound alone.
        steps: Solver steps per window; default: the bundle's.
        sampler: Solver; default: the bundle's.
        seed: Root of all randomness.
        device: Where the networks run: cpu, cuda (a graphics card), or auto (a card where there is one).
        blinks: Blinks a minute of generated landmarks; 0: none but what stage 1 draws.
        range: Regenerate seconds A to B only, as A-B; the rest passes through.
        on_missing_face: In frames without the target's face: hold the last place, interpolate it, pass the frame
            through, or stop with an error.
        occluders: Where a hand or a nearer head is in front of the target: keep the scene's picture of it, or ignore it
            and draw the head over it.
        save_landmarks: Also write the landmarks that were drawn, to edit and to replay with --landmarks.
        report: Where to write the report; default: OUT.report.json.
        lossless: Without loss in the scene's own pixel format: H.264 where it has that format, else FFV1 (.mkv).
        force: Go on although the bundle says it cannot draw this face.
        json: Print the answer as JSON.
    """

    scene: Annotated[Positional[Path], arg(metavar="SCENE")]
    audio: Path
    output: Annotated[Path, arg(aliases=("-o",))]
    identity: OptionalPath = None
    target: str = "largest"
    mask: OptionalPath = None
    landmarks: Annotated[Path | None, arg(metavar="L.npz")] = None
    annotations: Annotated[str, arg(metavar="auto|none|FILE")] = "auto"
    active_speaker: Annotated[str, arg(metavar="default|light-asd|RUN")] = "default"
    bundle: OptionalPath = None
    sound: Sound = "driving"
    steps: Annotated[int | None, arg(metavar="INT")] = None
    sampler: Sampler = "default"
    seed: int = 0
    device: Device = "auto"
    blinks: float = 15.0
    range: Annotated[str | None, arg(metavar="A-B")] = None
    on_missing_face: MissingFace = "hold"
    occluders: Occlusion = "keep"
    save_landmarks: Annotated[Path | None, arg(metavar="L.npz")] = None
    report: Annotated[Path | None, arg(metavar="R.json")] = None
    lossless: bool = False
    force: bool = False
    json: bool = False

    def request(self) -> "GenerateRequest":
        """The same in the words of the API."""
        from contextalk.core.records import GenerateRequest

        return GenerateRequest(
            scene=self.scene,
            audio=self.audio,
            output=self.output,
            bundle=self.bundle,
            target=self.target,
            identity=self.identity,
            mask=self.mask,
            landmarks=self.landmarks,
            annotations=self.annotations,
            active_speaker=self.active_speaker,
            sound=self.sound,
            steps=self.steps,
            sampler=self.sampler,
            seed=self.seed,
            device=self.device,
            blinks_per_minute=self.blinks,
            time_range_s=None if self.range is None else parse_range(self.range),
            on_missing_face=self.on_missing_face,
            occluders=self.occluders,
            save_landmarks=self.save_landmarks,
            report=self.report,
            lossless=self.lossless,
            force=self.force,
        )

    def run(self, progress: Progress) -> Answer:
        """Generate."""
        request = self.request()
        from contextalk.generation.generate import generate

        result = generate(request, progress)
        return Answer(text=str(result.output), data={"output": str(result.output), "report": result.report})


def parse_range(text: str) -> tuple[float, float]:
    """Read `A-B`, seconds, 0 ≤ A < B.

    Raises:
        ContextalkError: It is something else.
    """
    try:
        start_s, stop_s = (float(part) for part in text.split("-"))
    except ValueError as error:
        raise ContextalkError(f"--range {text}: wanted A-B in seconds, such as 1.5-4") from error
    if not 0 <= start_s < stop_s:
        raise ContextalkError(f"--range {text}: wanted 0 <= A < B")
    return start_s, stop_s
