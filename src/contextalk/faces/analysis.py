"""One look at a scene: shots, people, who speaks. Every verb takes an `Analysis` or makes it here."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Analysis, Progress, Scene, SeenHands, Track
from contextalk.faces import cache, shots
from contextalk.faces.active_speaker import LOOK_VERSION, ActiveSpeaker, who_speaks
from contextalk.faces.annotations import AnnotationsBackend, sidecars
from contextalk.faces.backends import FaceBackend, Person
from contextalk.faces.blocks import BLOCK_FRAMES, FaceBlock, look_at_blocks, num_blocks
from contextalk.faces.cache import BlockFolder, stage_key
from contextalk.faces.face_alignment_backend import FaceAlignmentBackend
from contextalk.faces.hand_watch import watch_version
from contextalk.faces.hands import HandFinder
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.faces.speaking import MOUTH_MOTION
from contextalk.faces.voice import Voice, default_voice
from contextalk.media.source import expected_frames, source_format
from contextalk.media.video import probe

_SEEING: dict[str, object] = {"block": BLOCK_FRAMES, "shots": shots.LONGEST_SIDE_PX, "shrunk": 2}
"""What a block depends on, apart from the video and the backend."""

_GATHERING: dict[str, object] = {
    "shots": shots.SHORTEST_SHOT_FRAMES,
    "tracks": 2,
    "speaking": 3,
    "look": LOOK_VERSION,
}
"""What is made of blocks depends on these, too; a change costs no decode."""


def analyse(
    scene: Path,
    *,
    annotations: str = "auto",
    work_dir: Path | None = None,
    progress: Progress | None = None,
    backend: str = "mediapipe",
    active_speaker: ActiveSpeaker | None = None,
) -> Analysis:
    """Find the shots, the people and the hands of a scene in one decode, or take them from the cache.

    What was seen is kept in blocks of `BLOCK_FRAMES` frames, so an interrupted call goes on where it was. A judge of
    who speaks looks at the pictures in a second decode, which begins anew when it is interrupted.

    Args:
        scene: The video.
        annotations: `auto` (`landmarks-K.npz` in the scene's folder if there are any, else the face backend), `none`
            (the face backend), or a landmarks file or folder of them.
        work_dir: Where analyses are kept; None: the user's cache folder.
        progress: Called with ("faces", done, total) frames, then as `who_speaks` says.
        backend: `mediapipe` or `face-alignment`: the face backend where no annotations are used.
        active_speaker: Judges who speaks, of `models.active_speaker.open_active_speaker` or your own; None: mouth
            motion and voice. Whoever's speech is annotated is not judged.

    Raises:
        MediaError: No readable video.
        ContextalkError: Annotations that are missing or of another scene; the face backend's models are not installed.
    """
    look = FaceLook(scene, annotations=annotations, work_dir=work_dir, backend=backend)
    voice = default_voice()
    judge_name = MOUTH_MOTION if active_speaker is None else active_speaker.name
    parameters = {**look.seeing, **_GATHERING, "voice": voice.name, "active_speaker": judge_name}
    path = look.folder / f"{stage_key(scene, look.backend.name, parameters)}.npz"
    if look.blocks.recall_times(scene) and (known := cache.load(path, probe(scene))) is not None:
        return known
    look.make(look.missing(), progress)
    made = _gather(probe(scene), look, voice, active_speaker, progress)
    cache.store(path, made)
    return made


class FaceLook:
    """The first decode of a scene, in blocks that may be made apart and in any order."""

    def __init__(
        self, scene: Path, *, annotations: str = "auto", work_dir: Path | None = None, backend: str = "mediapipe"
    ) -> None:
        """Args and errors as in `analyse`."""
        source_format(scene)  # refuses what is no video before anything else is asked
        self.scene = scene
        self.backend = _backend(scene, annotations, backend)
        self.folder = work_dir if work_dir is not None else cache.default_folder()
        self.hands = watch_version()
        self.seeing = {**_SEEING, "hands": self.hands}
        self.blocks = BlockFolder(self.folder / stage_key(scene, self.backend.name, self.seeing))

    def missing(self) -> list[int] | None:
        """Blocks that were not made; None: unknown how many there are, as only decoding the whole file tells."""
        if not self.blocks.recall_times(self.scene):
            return None
        return [number for number in range(num_blocks(self.scene) or 0) if not self.blocks.has(number)]

    def make(self, numbers: Sequence[int] | None, progress: Progress | None = None) -> None:
        """See some blocks, or the whole file, and keep them."""
        total = expected_frames(self.scene)
        made = self.blocks.has if numbers is None else lambda _: False
        done = 0 if numbers is None else max(0, total - len(numbers) * BLOCK_FRAMES)

        def tell(count: int) -> None:
            if progress is not None:
                progress("faces", min(done + count, total), total)

        hands = HandFinder() if self.hands else None
        for number, block in look_at_blocks(self.scene, numbers, self.backend, hands=hands, made=made, progress=tell):
            self.blocks.keep(number, block)
        if numbers is None:
            self.blocks.keep_times(self.scene)


_FACE_BACKENDS: dict[str, Callable[[], FaceBackend]] = {
    "mediapipe": MediapipeBackend,
    "face-alignment": FaceAlignmentBackend,
}


def _backend(scene: Path, annotations: str, name: str) -> FaceBackend:
    if name not in _FACE_BACKENDS:
        raise ContextalkError(f"face backend {name!r} is none of {', '.join(_FACE_BACKENDS)}")
    if annotations == "auto" and sidecars(scene.parent):
        return AnnotationsBackend(scene.parent)
    if annotations in ("auto", "none"):
        return _FACE_BACKENDS[name]()
    place = Path(annotations)
    if not place.exists():
        raise ContextalkError(f"annotations {annotations!r} do not exist, wanted auto, none, or a file or folder")
    return AnnotationsBackend(place)


def _gather(
    scene: Scene, look: FaceLook, voice: Voice, judge: ActiveSpeaker | None, progress: Progress | None
) -> Analysis:
    cuts: list[int] = []
    damaged: list[NDArray[np.bool_]] = []
    hands: list[SeenHands] = []
    for block in look.blocks:
        cuts += block.cuts.tolist()
        damaged.append(block.damaged)
        hands.append(_hands_of(block, look.hands))
    found = shots.shots_between(cuts, len(scene.times_s))
    people = _seen_from_the_left(look.backend.people(look.blocks, scene, found))
    heard = voice.hear(scene.path, scene.times_s) if scene.has_audio else np.zeros(len(scene.times_s), np.float32)
    speech = [person.speaking for person in people if person.speaking is not None]
    told_by = look.backend.name
    if not people or len(speech) < len(people):
        guessed = who_speaks(scene, found, [person.landmarks for person in people], heard, judge, progress)
        both = zip(people, guessed, strict=True)
        speech = [guess if person.speaking is None else person.speaking for person, guess in both]
        told_by = MOUTH_MOTION if judge is None else judge.name
    return Analysis(
        scene=scene,
        shots=found,
        tracks=tuple(
            Track(index=index, landmarks=person.landmarks, speaking=speaks)
            for index, (person, speaks) in enumerate(zip(people, speech, strict=True))
        ),
        damaged=np.concatenate(damaged),
        voice=heard,
        backend=look.backend.name,
        hearing=voice.name,
        active_speaker=told_by,
        hands=_joined(hands) if look.hands else None,
    )


def _hands_of(block: FaceBlock, name: str) -> SeenHands:
    return SeenHands(name=name, frames=block.hand_frames, joints=block.hand_joints, presence=block.hand_presence)


def _joined(parts: Sequence[SeenHands]) -> SeenHands:
    return SeenHands(
        name=parts[0].name,
        frames=np.concatenate([part.frames for part in parts]),
        joints=np.concatenate([part.joints for part in parts]),
        presence=np.concatenate([part.presence for part in parts]),
    )


def _seen_from_the_left(people: Sequence[Person]) -> list[Person]:
    """Whoever is seen at all, by mean position."""
    seen = [person for person in people if person.landmarks.valid.any()]
    return sorted(seen, key=lambda person: float(np.nanmean(person.landmarks.points[..., 0])))
