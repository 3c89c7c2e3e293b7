"""Who is in a source, from its analysis or from the exact labels of a synth scene."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError, TargetError
from contextalk.core.records import Analysis, Landmarks, Scene, Shot, Track
from contextalk.core.time import clip_times
from contextalk.dataset.bounds import Bound
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.sampling import Sampling
from contextalk.dataset.sources import Source
from contextalk.media.video import probe

if TYPE_CHECKING:
    from contextalk.faces.occluders import Occluders


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a source.

    Attributes:
        index: Track of the analysis, or person K of the synth scene.
        name: Name in the dataset.
        landmarks: One row per frame of the source.
        speaking: (F,) in [0, 1].
        voice: Where the sound of this person's clips comes from: the scene, or the person's own voice in a synth scene.
        said: What this person says and when, where known.
        addressee: (F,) index of the person spoken to, −1 for nobody; None where unknown.
        about: More for `meta.json`.
    """

    index: int
    name: str
    landmarks: Landmarks
    speaking: NDArray[np.float32]
    voice: Path
    said: tuple[Bound, ...] = ()
    addressee: NDArray[np.int64] | None = None
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The people of a source and which of them become clips.

    Attributes:
        scene: The source's frames.
        shots: Tile the frames.
        people: Everybody known.
        targets: Indices of those to make clips of, the main one first.
        split_names: What the source may be called in a split file.
        hash_key: What decides its split; twins share it. Empty: each clip is hashed for itself.
        held_out: Whether its people must never be trained on.
        damaged: (F,) whether the stored picture is damaged or missing.
        analysis: What all this was read from; None for a synth scene.
        occluders: What is in front of each target, by index; nobody's where nothing was looked for.
    """

    scene: Scene
    shots: tuple[Shot, ...]
    people: tuple[Person, ...]
    targets: tuple[int, ...]
    split_names: tuple[str, ...]
    damaged: NDArray[np.bool_]
    hash_key: str = ""
    held_out: bool = False
    analysis: Analysis | None = None
    occluders: "Mapping[int, Occluders]" = field(default_factory=dict[int, "Occluders"])


def read_cast(source: Source, config: PrepareConfig, progress: Progress | None = None) -> Cast:
    """Find the people of a source.

    Raises:
        MediaError: The video cannot be read.
        TargetError: Nobody there, or not the target.
        DatasetError: Labels that do not belong to the video.
    """
    if source.synth and config.annotations == "auto":
        return _synth_cast(source, config)
    return _analysed_cast(source, config, progress)


def analyse_source(source: Source, config: PrepareConfig, progress: Progress | None = None) -> Analysis:
    """One look at a real video, or what is kept of it.

    Raises:
        MediaError: The video cannot be read.
        ContextalkError: Annotations or an active speaker that are not there.
    """
    # Imported late: footage with exact labels needs no face backend.
    from contextalk.faces.analysis import analyse
    from contextalk.models.active_speaker import open_active_speaker

    return analyse(
        source.path,
        annotations=config.annotations,
        progress=progress,
        active_speaker=open_active_speaker(config.active_speaker),
    )


def with_occluders(cast: Cast, config: PrepareConfig) -> Cast:
    """The cast with what is in front of its targets; synth scenes, whose people keep apart, are left alone."""
    if cast.analysis is None or config.max_covered >= 1:
        return cast
    from contextalk.faces.occluders import find_occluders

    rows = {person.index: row for row, person in enumerate(cast.people)}
    people = [person.landmarks for person in cast.people]
    targets = [rows[index] for index in cast.targets]
    found = find_occluders(cast.scene, cast.shots, people, targets, cast.analysis.hands)
    return replace(cast, occluders=dict(zip(cast.targets, found, strict=True)))


def _analysed_cast(source: Source, config: PrepareConfig, progress: Progress | None) -> Cast:
    analysis = analyse_source(source, config, progress)
    if not analysis.tracks:
        raise TargetError(f"no face in {source.shown}")
    everybody = config.target == "all"
    name = config.person or source.name
    tracks = analysis.tracks if everybody else _chosen(analysis, config, source)
    people = tuple(
        Person(
            index=track.index,
            name=f"{name}-{track.index}" if everybody and len(tracks) > 1 else name,
            landmarks=track.landmarks,
            speaking=track.speaking,
            voice=source.path,
        )
        for track in analysis.tracks
    )
    return Cast(
        scene=analysis.scene,
        shots=analysis.shots,
        people=people,
        targets=tuple(track.index for track in tracks),
        split_names=(source.name, source.shown, source.path.stem),
        damaged=analysis.damaged,
        analysis=analysis,
    )


def _chosen(analysis: Analysis, config: PrepareConfig, source: Source) -> tuple[Track, ...]:
    """The track that is meant; of `group:N` there may be several, seen one after the other."""
    from contextalk.faces.targets import choose_target

    if group_number(config.target) is None:
        return (choose_target(analysis, config.target),)
    if not config.members:
        raise TargetError(f"{config.target} is not in {source.shown}")
    return tuple(track for track in analysis.tracks if track.index in config.members)


def group_number(target: str) -> int | None:
    """N of the target `group:N`; None for any other."""
    found = re.fullmatch(r"group:(\d+)", target)
    return int(found.group(1)) if found else None


def _synth_cast(source: Source, config: PrepareConfig) -> Cast:
    folder, scene = source.path.parent, probe(source.path)
    info = _read_info(folder / "scene.json")
    labels = _read_labels(folder / "labels.npz", len(info["cast"]))
    people = tuple(_synth_person(folder, scene, index, info, labels) for index in range(len(info["cast"])))
    return Cast(
        scene=scene,
        shots=(Shot(start=0, stop=len(scene.times_s)),),
        people=people,
        targets=_synth_targets(people, int(info.get("main", 0)), config.target, source),
        split_names=(source.name, source.shown, folder.name),
        damaged=np.zeros(len(scene.times_s), bool),
        hash_key=f"synth-{info['seed']}",
        held_out=bool(info.get("held_out", False)),
    )


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info: dict[str, Any] = json.loads(path.read_text())
        if not isinstance(info["cast"], list) or "seed" not in info:
            raise KeyError("seed")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} describes no synth scene: wanted seed and cast ({error!r})") from error
    return info


def _read_labels(path: Path, num_people: int) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {
                f"{name}_{k}": stored[f"{name}_{k}"] for name in ("speaking", "addressee") for k in range(num_people)
            }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DatasetError(
            f"{path} is no label file, wanted speaking_K and addressee_K of each person ({error})"
        ) from error


def _synth_person(
    folder: Path, scene: Scene, index: int, info: dict[str, Any], labels: dict[str, NDArray[Any]]
) -> Person:
    entry = info["cast"][index]
    landmarks = Landmarks.load(folder / f"landmarks-{index}.npz")
    if len(landmarks) != len(scene.times_s) or landmarks.size_px != scene.size_px:
        raise DatasetError(
            f"{folder / f'landmarks-{index}.npz'} has {len(landmarks)} frames of {landmarks.size_px}, "
            f"wanted {len(scene.times_s)} of {scene.size_px} as in {scene.path.name}"
        )
    return Person(
        index=index,
        name=f"person-{entry['person']}",
        landmarks=landmarks,
        speaking=np.asarray(labels[f"speaking_{index}"], np.float32),
        voice=folder / f"speaker-{index}.wav",
        said=_said(info.get("turns", []), index),
        addressee=np.asarray(labels[f"addressee_{index}"], np.int64),
        about={"scene": folder.name, "person_seed": entry["person"], "main": info.get("main", 0)},
    )


def _said(turns: Sequence[dict[str, Any]], index: int) -> tuple[Bound, ...]:
    return tuple(
        Bound(start_s=turn["start_s"], stop_s=turn["stop_s"], name=str(number), text=turn["text"])
        for number, turn in enumerate(turns)
        if turn["speaker"] == index
    )


def _synth_targets(people: Sequence[Person], main: int, target: str, source: Source) -> tuple[int, ...]:
    by_place = sorted(people, key=lambda person: float(np.nanmean(person.landmarks.points[..., 0])))
    match target:
        case "largest" | "auto":
            return (main,)
        case "all":
            return (main, *(person.index for person in people if person.index != main))
        case "left":
            return (by_place[0].index,)
        case "right":
            return (by_place[-1].index,)
        case _ if target.isdecimal() and int(target) < len(people):
            return (by_place[int(target)].index,)
        case _:
            wanted = f"largest, auto, all, left, right or 0 … {len(people) - 1}"
            raise TargetError(f"target {target!r} in the synth scene {source.shown}: wanted {wanted}")


def clip_landmarks(landmarks: Landmarks, sampling: Sampling) -> Landmarks:
    """Landmarks of the frames of a clip, timed from 0 at 25 fps: what is seen and what is said of it stay together."""
    return replace(
        landmarks,
        points=sampling.mix(landmarks.points),
        pupils=sampling.mix(landmarks.pupils),
        head_pose=sampling.mix(landmarks.head_pose),
        valid=sampling.both(landmarks.valid),
        times_s=clip_times(len(sampling)),
    )
