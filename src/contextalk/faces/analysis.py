"""One look at a scene: shots, people, who speaks. Every verb takes an `Analysis` or makes it here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from contextalk.core.errors import ContextalkError
from contextalk.core.records import Analysis, Progress, Scene, Track
from contextalk.faces import cache, shots
from contextalk.faces.annotations import AnnotationsBackend, sidecars
from contextalk.faces.backends import FaceBackend, Person
from contextalk.faces.face_alignment_backend import FaceAlignmentBackend
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.faces.speaking import speaking
from contextalk.media.audio import read_audio
from contextalk.media.video import probe, read_frames

_PARAMETERS: dict[str, object] = {
    "shots": [shots.SHORTEST_SHOT_FRAMES, shots.LONGEST_SIDE_PX],
    "speaking": 1,
}


def analyse(
    scene: Path,
    *,
    annotations: str = "auto",
    work_dir: Path | None = None,
    progress: Progress | None = None,
    backend: str = "mediapipe",
) -> Analysis:
    """Find the shots and the people of a scene in one decode, or take them from the cache.

    Args:
        scene: The video.
        annotations: `auto` (`landmarks-K.npz` in the scene's folder if there are any, else the face backend), `none`
            (the face backend), or a landmarks file or folder of them.
        work_dir: Where analyses are kept; None: the user's cache folder.
        progress: Called with ("faces", done, total) frames.
        backend: `mediapipe` or `face-alignment`: the face backend where no annotations are used.

    Raises:
        MediaError: No readable video.
        ContextalkError: Annotations that are missing or of another scene; the face backend's models are not installed.
    """
    probed = probe(scene)
    finder = _backend(scene, annotations, backend)
    folder = work_dir if work_dir is not None else cache.default_folder()
    path = folder / f"{cache.analysis_key(scene, finder.name, _PARAMETERS)}.npz"
    known = cache.load(path, probed)
    if known is not None:
        return known
    made = _look(probed, finder, progress)
    cache.store(path, made)
    return made


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


def _look(scene: Scene, backend: FaceBackend, progress: Progress | None) -> Analysis:
    finder = shots.ShotFinder(scene.rate_hz)
    total = len(scene.times_s)
    for picture in read_frames(scene.path):
        backend.see(picture, changed=finder.see(picture))
        if progress is not None:
            progress("faces", picture.index + 1, total)
    found = finder.shots(total)
    people = backend.people(scene, found)
    return Analysis(scene=scene, shots=found, tracks=_tracks(scene, people), backend=backend.name)


def _tracks(scene: Scene, people: list[Person]) -> tuple[Track, ...]:
    """People from image left to right by their mean position, with who speaks."""
    seen = [person for person in people if person.landmarks.valid.any()]
    seen.sort(key=lambda person: float(np.nanmean(person.landmarks.points[..., 0])))
    needs_sound = scene.has_audio and any(person.speaking is None for person in seen)
    wave = read_audio(scene.path) if needs_sound else None
    guessed = speaking([person.landmarks for person in seen], wave)
    return tuple(
        Track(
            index=index,
            landmarks=person.landmarks,
            speaking=guess if person.speaking is None else person.speaking,
        )
        for index, (person, guess) in enumerate(zip(seen, guessed, strict=True))
    )
