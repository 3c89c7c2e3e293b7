"""Write plays to disk: video, voices, labels, landmarks, script."""

import json
import multiprocessing
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.records import TWIN, Progress
from contextalk.core.time import WINDOW_FRAMES
from contextalk.media.audio import write_wav
from contextalk.media.video import write_video
from contextalk.synth.people import HELD_OUT_PEOPLE, TRAIN_PEOPLE
from contextalk.synth.play import Play, play
from contextalk.synth.scene import RATE_HZ, Stage
from contextalk.synth.speech import RATE_HZ as SAMPLE_RATE_HZ

People = Literal["train", "held-out"]

_SPEAKING_GAP_S = 0.2
"""A pause inside speech up to this long still counts as speaking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    folder: Path
    seed: int
    frames: int
    people: People
    twin: bool


def write_scenes(
    output: Path,
    *,
    minutes: float,
    seed: int,
    twins: bool = False,
    scene_s: float = 4.0,
    people: People = "train",
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Path]:
    """Write conversation scenes into `output/scene-0000`, `scene-0001` … and, with `twins`, `scene-NNNN-twin`.

    A folder appears whole or not at all; those already there are kept, so the same call resumes.

    Args:
        output: Folder to write into.
        minutes: Footage in all, twins not counted, > 0; rounded up to whole scenes.
        seed: Decides everything; scenes of different seeds have nothing in common but the people's space.
        twins: Also write a twin of every scene whose main speaker has people on both sides.
        scene_s: Length of a scene, 0.32 (a window) to 60 s. Up to 6 s the main speaker keeps the word. Scenes of less
            than 2 s are the ends of scenes of 2 s: many rooms and casts for little drawing.
        people: Cast from the people that training may see or from those held out.
        workers: Processes.
        progress: Told the number of scenes done.

    Returns:
        The folders, in order.

    Raises:
        ContextalkError: A number is out of its range.
    """
    if not WINDOW_FRAMES / RATE_HZ <= scene_s <= 60:
        raise ContextalkError(f"scene length is {scene_s} s, wanted {WINDOW_FRAMES / RATE_HZ:g} (a window) to 60 s")
    if minutes <= 0:
        raise ContextalkError(f"minutes of footage is {minutes}, wanted more than 0")
    if seed < 0:
        raise ContextalkError(f"seed is {seed}, wanted 0 or more")
    output.mkdir(parents=True, exist_ok=True)
    jobs = [
        _Job(
            folder=output / f"scene-{k:04d}",
            seed=seed * 1_000_000 + k,
            frames=round(scene_s * RATE_HZ),
            people=people,
            twin=twins,
        )
        for k in range(ceil(minutes * 60 / scene_s))
    ]
    folders: list[Path] = []
    for done, made in enumerate(_run(jobs, workers), start=1):
        folders += made
        if progress is not None:
            progress("scenes", done, len(jobs))
    return folders


def _run(jobs: list[_Job], workers: int) -> Iterable[list[Path]]:
    if workers <= 1:
        yield from map(_write_job, jobs)
        return
    # Not fork: the caller may hold threads.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_write_job, jobs)


def _write_job(job: _Job) -> list[Path]:
    folders = [job.folder]
    made = play(job.seed, job.frames, TRAIN_PEOPLE if job.people == "train" else HELD_OUT_PEOPLE)
    if not job.folder.exists():
        write_play(made, job.folder)
    if job.twin and made.has_both_sides:
        folders.append(job.folder.with_name(job.folder.name + TWIN))
        if not folders[1].exists():
            write_play(made.twin(), folders[1])
    return folders


def write_play(what: Play, folder: Path) -> None:
    """Write one scene's folder, whole or not at all."""
    stage, waves = what.stage(), what.waves()
    part = folder.with_name(folder.name + ".part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    mixed = np.clip(waves.sum(axis=0), -1, 1)
    write_video(part / "scene.mp4", stage.frames(), rate_hz=RATE_HZ, crf=16, wave=mixed)
    for k in range(len(what.seats)):
        write_wav(part / f"speaker-{k}.wav", waves[k])
        stage.landmarks(k).save(part / f"landmarks-{k}.npz")
    with (part / "labels.npz").open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **labels(what, stage))
    (part / "scene.json").write_text(json.dumps(script(what), indent=1))
    part.rename(folder)


def labels(what: Play, stage: Stage) -> dict[str, NDArray[np.generic]]:
    """What `labels.npz` holds; keys end in the person's index."""
    frames = len(stage)
    out: dict[str, NDArray[np.generic]] = {"times_s": np.arange(frames) / RATE_HZ}
    for k, (actor, shapes) in enumerate(zip(stage.actors, stage.shapes, strict=True)):
        marks = stage.landmarks(k)
        addressee, speaking = _roles(what, k)
        out |= {
            f"landmarks_{k}": marks.points,
            f"pupils_{k}": marks.pupils,
            f"head_pose_{k}": marks.head_pose,
            f"gaze_{k}": stage.gaze(k),
            f"mouth_open_{k}": marks.mouth_open,
            f"blink_{k}": actor.motion.blink.astype(np.float32),
            f"head_box_{k}": shapes.box.astype(np.float32),
            f"speaking_{k}": speaking,
            f"addressee_{k}": addressee,
            f"valid_{k}": marks.valid,
        }
    return out


def _roles(what: Play, k: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Person k's addressee (−1: has not the word) and whether k makes sound, per frame."""
    times = what.run_in_s + np.arange(what.frames) / RATE_HZ
    addressee = np.full(what.frames, -1, np.int64)
    speaking = np.zeros(what.frames, bool)
    for turn in what.turns:
        if turn.speaker != k:
            continue
        addressee[(times >= turn.start_s) & (times < turn.stop_s)] = turn.addressee
        for phone in turn.phones():
            if phone.name or phone.stop_s - phone.start_s <= _SPEAKING_GAP_S:
                speaking |= (times + 1 / RATE_HZ > phone.start_s) & (times < phone.stop_s)
    return addressee, speaking


def script(what: Play) -> dict[str, object]:
    """What `scene.json` holds; times in seconds from the first frame shown, < 0 for what was said before it."""
    return {
        "seed": what.seed,
        "main": what.main,
        "held_out": any(s.person.seed in HELD_OUT_PEOPLE for s in what.seats),
        "frames": what.frames,
        "rate_hz": RATE_HZ,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "cast": [
            {
                "person": s.person.seed,
                "x": round(s.x, 2),
                "y": round(s.y, 2),
                "scale": round(s.scale, 3),
                "voice": s.person.voice,
            }
            for s in what.seats
        ],
        "turns": [
            {
                "speaker": turn.speaker,
                "addressee": turn.addressee,
                "start_s": round(turn.start_s - what.run_in_s, 3),
                "stop_s": round(turn.stop_s - what.run_in_s, 3),
                "text": " ".join(spoken.text for _, spoken in turn.said),
                "phones": [
                    [p.name, round(p.start_s - what.run_in_s, 3), round(p.stop_s - what.run_in_s, 3)]
                    for p in turn.phones()
                ],
            }
            for turn in what.turns
        ],
    }
