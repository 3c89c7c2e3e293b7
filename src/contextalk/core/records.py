"""What travels between rooms. Arrays are numpy; coordinates are scene px unless the name says otherwise."""

import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contextalk.core.choices import Device, MissingFace, Occlusion, Progress, Sampler, Sound
from contextalk.core.errors import ContextalkError, ShapeError
from contextalk.core.geometry import CropPath

TWIN = "-twin"
"""What `synth` appends to a scene's name to name the scene that differs in the addressee alone."""

NUM_POINTS = 68
"""Points of a face, iBUG order: jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, outer lip 48–59, inner lip 60–67."""

OTHERS_SHAPE = (3, 7)
"""People around a target and numbers of each, as stage 1 is told of them (`faces/others.py`)."""

NUM_DRAWN = NUM_POINTS + 2
"""What a drawing shows: the points and two pupils."""


def mouth_opening(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Inner-lip gap over the distance of the outer eye corners: (..., 68 or more, 2) in any px → (...)."""
    gap = np.linalg.norm(points[..., 62, :] - points[..., 66, :], axis=-1)
    eyes = np.linalg.norm(points[..., 36, :] - points[..., 45, :], axis=-1)
    return (gap / np.maximum(eyes, 1e-6)).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks:
    """A face over time; the `.npz` that stage 1 writes, a person edits and stage 2 draws.

    Attributes:
        points: (F, 68, 2) float32, scene px, iBUG order. NaN where `valid` is false.
        pupils: (F, 2, 2) float32, scene px, image-left eye first (the eye of points 36–41); NaN where unknown.
        head_pose: (F, 3) float32, degrees yaw, pitch, roll. yaw > 0: image right; pitch > 0: up; roll > 0: clockwise.
        valid: (F,) bool, whether the face was seen.
        times_s: (F,) float64, increasing.
        size_px: (width, height) of the scene, display orientation.
    """

    points: NDArray[np.float32]
    pupils: NDArray[np.float32]
    head_pose: NDArray[np.float32]
    valid: NDArray[np.bool_]
    times_s: NDArray[np.float64]
    size_px: tuple[int, int]

    def __post_init__(self) -> None:
        frames = len(self.times_s)
        wanted = {
            "points": (frames, NUM_POINTS, 2),
            "pupils": (frames, 2, 2),
            "head_pose": (frames, 3),
            "valid": (frames,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ShapeError(f"landmarks.{name} is {getattr(self, name).shape}, wanted {shape}")

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, frames: slice) -> "Landmarks":
        return replace(
            self,
            points=self.points[frames],
            pupils=self.pupils[frames],
            head_pose=self.head_pose[frames],
            valid=self.valid[frames],
            times_s=self.times_s[frames],
        )

    def at(self, at_s: NDArray[np.float64]) -> "Landmarks":
        """Landmarks at other times: linear between valid neighbours, held outside; invalid next to an invalid frame.

        Coordinates may be interpolated, so this is how a 25 Hz stage 1 meets a scene of any rate.
        """
        right = np.clip(np.searchsorted(self.times_s, at_s, side="left"), 0, len(self) - 1)
        left = np.where(self.times_s[right] <= at_s, right, np.maximum(right - 1, 0))
        gap = self.times_s[right] - self.times_s[left]
        share = np.divide(at_s - self.times_s[left], gap, out=np.zeros(len(at_s)), where=gap > 0)
        share = np.clip(share, 0.0, 1.0)

        def blend(values: NDArray[np.float32]) -> NDArray[np.float32]:
            weight = share.reshape(-1, *(1,) * (values.ndim - 1))
            mixed = values[left] * (1 - weight) + values[right] * weight
            # 0 · NaN is NaN: a time that is exactly a frame takes that frame alone.
            mixed = np.where(weight == 0, values[left], np.where(weight == 1, values[right], mixed))
            return mixed.astype(np.float32)

        valid = np.where(
            share == 0, self.valid[left], np.where(share == 1, self.valid[right], self.valid[left] & self.valid[right])
        )
        return Landmarks(
            points=blend(self.points),
            pupils=blend(self.pupils),
            head_pose=blend(self.head_pose),
            valid=valid.astype(bool),
            times_s=at_s.astype(np.float64),
            size_px=self.size_px,
        )

    @property
    def mouth_open(self) -> NDArray[np.float32]:
        """(F,) inner-lip gap over the distance of the outer eye corners."""
        return mouth_opening(self.points)

    def save(self, path: Path) -> None:
        """Write the `.npz` whole or not at all."""
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                points=self.points,
                pupils=self.pupils,
                head_pose=self.head_pose,
                valid=self.valid,
                times_s=self.times_s,
                size_px=np.array(self.size_px, np.int64),
            )
        temporary.replace(path)

    @staticmethod
    def load(path: Path) -> "Landmarks":
        """Read a landmarks file.

        Raises:
            ContextalkError: The file is missing, is no `.npz`, or lacks a field.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                return Landmarks(
                    points=stored["points"].astype(np.float32),
                    pupils=stored["pupils"].astype(np.float32),
                    head_pose=stored["head_pose"].astype(np.float32),
                    valid=stored["valid"].astype(bool),
                    times_s=stored["times_s"].astype(np.float64),
                    size_px=(int(stored["size_px"][0]), int(stored["size_px"][1])),
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ContextalkError(f"{path} is no landmarks file (.npz as DESIGN lists it): {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a video file says of itself. Sizes are those of the display: after rotation, in square pixels.

    Attributes:
        path: The file.
        size_px: (width, height), display orientation.
        times_s: (F,) float64, presentation time of each frame from the first one's, increasing.
        duration_s: End of the last frame.
        rotation_deg: Clockwise turn (0, 90, 180, 270) the player applies to the stored picture.
        has_audio: Whether there is a sound stream.
    """

    path: Path
    size_px: tuple[int, int]
    times_s: NDArray[np.float64]
    duration_s: float
    rotation_deg: int
    has_audio: bool

    @property
    def rate_hz(self) -> float:
        """Mean frame rate."""
        return len(self.times_s) / self.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames `[start, stop)` of a scene between two cuts."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One person over a whole scene.

    Attributes:
        index: What `--target INDEX` means: 0, 1 … from image left to right by mean position.
        landmarks: One row per scene frame; `valid` is false where the person is not seen.
        speaking: (F,) float32 in [0, 1], how sure it is that the person speaks.
    """

    index: int
    landmarks: Landmarks
    speaking: NDArray[np.float32]

    @property
    def box_px(self) -> NDArray[np.float32]:
        """(F, 4) x0 y0 x1 y1 around the 68 points; NaN where unseen."""
        points = self.landmarks.points
        return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHands:
    """All that was taken for a hand near a face, before it is asked whether it stays.

    Attributes:
        name: What found them, with its version.
        frames: (N,) int64, scene frames, increasing; a frame with two hands is there twice.
        joints: (N, 21, 2) float32 scene px.
        presence: (N,) float32 in [0, 1].
    """

    name: str
    frames: NDArray[np.int64]
    joints: NDArray[np.float32]
    presence: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Who is where in a scene, and when; made once per scene and cached.

    Attributes:
        scene: The file and its frame times.
        shots: Tile the frames.
        tracks: People in order of `index`.
        damaged: (F,) whether a frame's stored picture is damaged or missing; nobody is seen in it.
        voice: (F,) float32 in [0, 1], how sure it is that somebody is heard to speak, seen or not.
        backend: Name and version of what found the faces.
        hearing: Name and version of what heard the voices.
        active_speaker: Name and version of what said who speaks.
        hands: What was taken for a hand; None: hands were not looked for, as their models are not installed.
    """

    scene: Scene
    shots: tuple[Shot, ...]
    tracks: tuple[Track, ...]
    damaged: NDArray[np.bool_]
    voice: NDArray[np.float32]
    backend: str
    hearing: str
    active_speaker: str
    hands: SeenHands | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest:
    """Everything `generate` needs; the command line and the studio build the same one.

    Attributes:
        scene: Video with the person to regenerate.
        audio: Driving speech, any container or sound file.
        output: The video to write.
        bundle: Folder of trained models; None: the embedded default.
        target: `largest | left | right | INDEX | X,Y@SECONDS | FACE.png | auto`.
        identity: Picture or video of the target; None: the target's own face in the scene (needed with `mask`).
        mask: Picture or video of the scene's size, white = regenerate.
        landmarks: Replay these instead of running stage 1.
        annotations: `auto` (a `landmarks-K.npz` beside the scene, else the face backend), `none`, or a file or folder.
        active_speaker: Who says whom `auto` means: `default | light-asd | RUN`, a run of `contextalk train sync`.
        sound: What is heard in the output.
        steps: Solver steps per window; None: the bundle's.
        sampler: Solver.
        seed: Root of all randomness.
        device: Where the networks run; `auto`: a graphics card where there is one.
        blinks_per_minute: Of generated landmarks; 0: none but what stage 1 draws.
        time_range_s: Regenerate only frames with start ≤ time < stop; the others pass through.
        on_missing_face: What happens in frames without the target's face.
        occluders: What becomes of a hand or a nearer head in front of the target: `keep` leaves its pixels the scene's,
            `ignore` draws the head over it. With `mask` the mask alone decides.
        save_landmarks: Where to write stage 1's landmarks.
        report: Where to write the report; None: beside the output.
        lossless: Without loss in the source's own pixel format: H.264 where it has that format, else FFV1 (.mkv).
        force: Go on although the bundle says it cannot draw this face.
    """

    scene: Path
    audio: Path
    output: Path
    bundle: Path | None = None
    target: str = "largest"
    identity: Path | None = None
    mask: Path | None = None
    landmarks: Path | None = None
    annotations: str = "auto"
    active_speaker: str = "default"
    sound: Sound = "driving"
    steps: int | None = None
    sampler: Sampler = "default"
    seed: int = 0
    device: Device = "auto"
    blinks_per_minute: float = 15.0
    time_range_s: tuple[float, float] | None = None
    on_missing_face: MissingFace = "hold"
    occluders: Occlusion = "keep"
    save_landmarks: Path | None = None
    report: Path | None = None
    lossless: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateResult:
    """What `generate` made.

    Attributes:
        output: The video.
        landmarks: What was drawn, one row per scene frame.
        crop: The head's square, one row per scene frame.
        report: The report as written: inputs, seeds, time per stage, affected frames.
    """

    output: Path
    landmarks: Landmarks
    crop: CropPath
    report: dict[str, object] = field(default_factory=dict[str, object])


class Generator(Protocol):
    """Anything that fills a masked head: ours, a baseline, a fake."""

    name: str

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """Write `request.output` and say what was done."""
        ...
