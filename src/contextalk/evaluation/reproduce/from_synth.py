"""Clips of synthetic footage: scenes and their twins, the target seen in the one for the other."""

import hashlib
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CropPath
from contextalk.core.records import TWIN, Landmarks, Shot
from contextalk.evaluation.features import EVERY, Frames, RealPictures
from contextalk.evaluation.reproduce.material import Context, Material, pair_up, picture_frame, write_identity
from contextalk.faces.annotations import picture_sidecar
from contextalk.faces.crop import crop_path
from contextalk.faces.views import head_crop, resized_scene
from contextalk.media.video import read_frames

_AROUND_FACE = 1.0
"""Border about the landmarks in an identity picture, in widths of their box: hair, ears and neck."""

_LEAST_REAL = 2
"""Scenes; a distribution of fewer is none."""


def is_footage(folder: Path) -> bool:
    """Whether `contextalk synth` wrote it."""
    return any(folder.glob("scene-*/scene.json"))


def synth_material(footage: Path, work: Path, clips: int | None) -> Material:
    """Scenes with a twin. What distributions are compared with are the scenes of the footage without one.

    Raises:
        ContextalkError: No scene has a twin.
    """
    scenes = sorted(path.parent for path in footage.glob("scene-*/scene.json"))
    twins = [scene for scene in scenes if scene.name.endswith(TWIN)]
    both = chain.from_iterable((twin.with_name(twin.name.removesuffix(TWIN)), twin) for twin in twins)
    chosen = list(both)[:clips]
    if not chosen:
        raise ContextalkError(f"{footage} has no scene with a twin: `contextalk synth --twins` writes them")
    contexts = [_context(scene, work / "identities") for scene in chosen]
    durations = [len(Landmarks.load(context.landmarks)) for context in contexts]
    talks = [context.name.removesuffix(TWIN) for context in contexts]
    scored = {*talks}
    spare = [scene for scene in scenes if scene.name.removesuffix(TWIN) not in scored]
    return Material(
        contexts=tuple(contexts),
        elsewhere=pair_up(contexts, durations, talks),
        reference=footage,
        real=_pictures(spare, footage) if len(spare) >= _LEAST_REAL else None,
        says=f"{len(contexts)} clips of synthetic footage {footage.name}, with twins",
    )


def main_person(scene: Path) -> int:
    """Index of the person who is generated."""
    return int(json.loads((scene / "scene.json").read_text())["main"])


def identity_picture(scene: Path, path: Path) -> Path:
    """The main person's head in the middle of a scene, as a picture of its own with its exact landmarks beside it.

    With open eyes, as people give their pictures. Kept where it is there.
    """
    if picture_sidecar(path) is None:
        landmarks = Landmarks.load(scene / f"landmarks-{main_person(scene)}.npz")
        middle = picture_frame(landmarks)
        low, high = landmarks.points[middle].min(axis=0), landmarks.points[middle].max(axis=0)
        border = _AROUND_FACE * (high - low)[0]
        frame = next(read_frames(scene / "scene.mp4", start=middle, stop=middle + 1)).rgb
        x0, y0 = np.maximum(low - border, 0).astype(int)
        x1, y1 = np.ceil(high + border).astype(int)
        face = np.concatenate([landmarks.points[middle], landmarks.pupils[middle]]) - np.array([x0, y0], np.float32)
        write_identity(path, frame[y0:y1, x0:x1], face, landmarks.head_pose[middle])
    return path


def _context(scene: Path, identities: Path) -> Context:
    """The target is shown as the twin has it, turned to somebody else: no picture of it tells the side."""
    person = main_person(scene)
    name = scene.name
    twin = scene.with_name(name.removesuffix(TWIN) if name.endswith(TWIN) else name + TWIN)
    return Context(
        name=name,
        scene=scene / "scene.mp4",
        audio=scene / f"speaker-{person}.wav",
        landmarks=scene / f"landmarks-{person}.npz",
        target=str(person),
        identity=identity_picture(twin, identities / f"{name}.png"),
    )


def _pictures(scenes: list[Path], footage: Path) -> RealPictures:
    def read() -> Iterator[tuple[Frames, Frames]]:
        for scene in scenes:
            yield _heads_and_scenes(scene)

    digest = hashlib.sha256()
    for scene in scenes:
        digest.update(scene.name.encode() + (scene / "scene.json").read_bytes())
    return RealPictures(says=f"scenes of {footage.name} that are not scored", key=digest.hexdigest(), read=read)


def _heads_and_scenes(scene: Path) -> tuple[Frames, Frames]:
    landmarks = Landmarks.load(scene / f"landmarks-{main_person(scene)}.npz")
    crop: CropPath = crop_path(landmarks, (Shot(start=0, stop=len(landmarks)),))
    pictures = [picture for picture in read_frames(scene / "scene.mp4") if picture.index % EVERY == 0]
    heads = [head_crop(p.rgb, crop.centre_px[p.index], float(crop.side_px[p.index])) for p in pictures]
    return np.stack(heads), np.stack([resized_scene(picture.rgb) for picture in pictures])
