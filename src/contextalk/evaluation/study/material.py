"""What raters are shown: each method's video of each context, and the face alone cut out of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from contextalk.core.errors import ContextalkError, MediaError
from contextalk.core.geometry import CropPath
from contextalk.faces.views import head_crop
from contextalk.media.audio import read_audio
from contextalk.media.files import error_reason
from contextalk.media.video import probe, read_frames, write_video

SOUND_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One context by one method: a trial has both questions, the face alone first.

    Attributes:
        method: Name of its folder.
        context: Name of its video, without suffix.
        scene: The whole scene.
        face: The head alone.
    """

    method: str
    context: str
    scene: Path
    face: Path


def collect(methods: Path, faces: Path, crops: Path | None) -> list[Pair]:
    """Every method's video of every context, the faces cut into `faces`.

    Args:
        methods: Folder of METHOD/CONTEXT.mp4, reports CONTEXT.report.json beside them.
        faces: Folder for the face-only videos; it is there.
        crops: Folder of CONTEXT.json with `centre_px` (F, 2) and `side_px` (F,); None: those in the reports.

    Raises:
        ContextalkError: Fewer than two methods, a method without one of the contexts, a video no browser plays, or a
            context of which nothing says where the head is.
    """
    videos = _videos(methods)
    pairs: list[Pair] = []
    for number, context in enumerate(sorted(videos[min(videos)])):
        scenes = {method: found[context] for method, found in sorted(videos.items())}
        crop = _crop(context, scenes, crops)
        for method, scene in scenes.items():
            check_plays(scene)
            face = faces / f"{number:03d}-{len(pairs):04d}.mp4"
            cut_face(scene, crop, face)
            pairs.append(Pair(method=method, context=context, scene=scene, face=face))
    return pairs


def cut_face(scene: Path, crop: CropPath, face: Path) -> None:
    """Write the head's square of a scene as a video of 256 px, with the scene's sound, at its mean frame rate.

    Raises:
        ContextalkError: Crop and scene differ in length.
    """
    facts = probe(scene)
    if len(crop) != len(facts.times_s):
        raise ContextalkError(f"{scene} has {len(facts.times_s)} frames and its crop {len(crop)}, wanted as many")
    heads = (
        head_crop(picture.rgb, crop.centre_px[picture.index], float(crop.side_px[picture.index]))
        for picture in read_frames(scene)
    )
    wave = read_audio(scene, rate_hz=SOUND_RATE_HZ) if facts.has_audio else None
    write_video(face, heads, rate_hz=facts.rate_hz, crf=16, wave=wave, wave_rate_hz=SOUND_RATE_HZ)


def check_plays(video: Path) -> None:
    """Refuse what browsers do not play.

    Raises:
        MediaError: It is no H.264 with 4:2:0 of 8 bits.
    """
    try:
        with av.open(str(video)) as container:
            context = container.streams.video[0].codec_context
            seen = (context.name, context.pix_fmt)
    except (FFmpegError, IndexError) as error:
        raise MediaError(f"{video} is no video that can be read: {error_reason(error)}") from error
    if seen[0] not in ("h264", "libx264") or seen[1] not in ("yuv420p", "yuvj420p"):
        raise MediaError(f"{video} is {seen[0]} {seen[1]}, wanted h264 yuv420p: browsers play no other")


def _videos(methods: Path) -> dict[str, dict[str, Path]]:
    """Method → context → video."""
    if not methods.is_dir():
        raise ContextalkError(f"{methods} is no folder, wanted one of METHOD/CONTEXT.mp4")
    found = {
        folder.name: {video.stem: video for video in sorted(folder.glob("*.mp4"))}
        for folder in sorted(methods.iterdir())
        if folder.is_dir()
    }
    found = {method: videos for method, videos in found.items() if videos}
    if len(found) < 2:
        raise ContextalkError(f"{methods} has {len(found)} folders with .mp4 files, wanted at least two methods")
    contexts = set[str]().union(*found.values())
    for method, videos in found.items():
        missing = sorted(contexts - set(videos))
        if missing:
            raise ContextalkError(f"{methods / method} has no {missing[0]}.mp4, wanted every context of every method")
    return found


def _crop(context: str, scenes: dict[str, Path], crops: Path | None) -> CropPath:
    """One square for all methods of a context, so that nobody is framed better."""
    if crops is not None:
        path = crops / f"{context}.json"
        if not path.is_file():
            raise ContextalkError(f"{crops} has no {context}.json, wanted the head's square of that context")
        return _parse(_read(path), path)
    reports = [scene.with_suffix(".report.json") for scene in scenes.values()]
    said = [(path, _read(path)["crop"]) for path in reports if path.is_file() and "crop" in _read(path)]
    if not said:
        raise ContextalkError(
            f"no report beside {context}.mp4 says where the head is (`crop`), wanted one, or --crops DIR"
        )
    first = _parse(said[0][1], said[0][0])
    for path, values in said[1:]:
        if not _parse(values, path).is_like(first):
            raise ContextalkError(f"{path} and {said[0][0]} put the head elsewhere, wanted one square per context")
    return first


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ContextalkError(f"{path} is no JSON: {error}") from error


def _parse(values: dict[str, Any], path: Path) -> CropPath:
    try:
        return CropPath(
            centre_px=np.asarray(values["centre_px"], np.float32).reshape(-1, 2),
            side_px=np.asarray(values["side_px"], np.float32),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ContextalkError(f"{path} has no crop with centre_px (F, 2) and side_px (F,): {error}") from error
