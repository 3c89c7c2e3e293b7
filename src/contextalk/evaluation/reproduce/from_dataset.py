"""Clips of a prepared dataset's test split, written out as scenes again.

A dataset keeps the head at full size and the scene squeezed to 256×256. The scene written here is that squeezed one at
its own size with the head's square laid in: sharp where heads are judged, soft around it.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError
from contextalk.dataset.clips import Clip, read_clips
from contextalk.dataset.manifest import ManifestRow, read_manifest
from contextalk.evaluation.features import dataset_pictures
from contextalk.evaluation.reproduce.material import Context, Material, pair_up, picture_frame, write_identity
from contextalk.evaluation.scenes import lay_square
from contextalk.faces.annotations import picture_sidecar
from contextalk.media.audio import write_wav
from contextalk.media.video import write_video

SPLIT, REAL_SPLIT = "test", "train"

_CRF = 6
"""Near lossless: this is the truth that everything is measured against."""


def dataset_material(dataset: Path, work: Path, clips: int | None, progress: Progress | None) -> Material:
    """Clips of the test split. Distributions are compared with the training split.

    Raises:
        DatasetError: No test clip of a person of whom there is a second clip, to show who it is.
    """
    rows = [ManifestRow(**row) for row in read_manifest(dataset).to_pylist() if row["shard"] and not row["copy"]]
    test = [row for row in rows if row.split == SPLIT]
    lenders = {row.key: lender for row in test if (lender := _lender(row, rows)) is not None}
    chosen = [row for row in test if row.key in lenders][:clips]
    if not chosen:
        raise DatasetError(
            f"{dataset} has {len(test)} clips in its test split and of none of them a second clip of the same person, "
            "wanted one to show who it is"
        )
    scenes, identities = work / "scenes", work / "identities"
    _write_scenes(dataset, [row for row in chosen if not (scenes / row.key).is_dir()], scenes, progress)
    _write_identities(dataset, {lenders[row.key] for row in chosen}, identities)
    contexts = [_context(scenes / row.key, identities / f"{lenders[row.key]}.png") for row in chosen]
    return Material(
        contexts=tuple(contexts),
        elsewhere=pair_up(contexts, [row.num_frames for row in chosen], [f"{row.source} {row.name}" for row in chosen]),
        reference=scenes,
        real=dataset_pictures(dataset, REAL_SPLIT) if any(row.split == REAL_SPLIT for row in rows) else None,
        says=f"{len(contexts)} clips of the {SPLIT} split of {dataset.name}",
    )


def _lender(row: ManifestRow, rows: list[ManifestRow]) -> str | None:
    """Key of another clip of the person: the next in the test split, round the end, else the first of any."""
    others = [other for other in rows if other.person == row.person and other.key != row.key]
    same = sorted(other.key for other in others if other.split == row.split)
    later = [key for key in same if key > row.key]
    return next(iter([*later, *same, *(other.key for other in others)]), None)


def _context(scene: Path, identity: Path) -> Context:
    return Context(
        name=scene.name,
        scene=scene / "scene.mp4",
        audio=scene / "speaker-0.wav",
        landmarks=scene / "landmarks-0.npz",
        target="0",
        identity=identity,
    )


def _write_scenes(dataset: Path, rows: list[ManifestRow], scenes: Path, progress: Progress | None) -> None:
    for done, clip in enumerate(read_clips(dataset, keys={row.key for row in rows}) if rows else (), start=1):
        write_scene(clip, scenes / clip.key)
        if progress is not None:
            progress("scenes of the dataset", done, len(rows))


def write_scene(clip: Clip, folder: Path) -> None:
    """A clip as a folder of `scene.mp4`, what is said by whom, the voice and the landmarks; whole or not at all."""
    width, height = (size // 2 * 2 for size in clip.landmarks.size_px)  # 4:2:0 wants even sizes
    pictures = []
    for frame, (view, head) in enumerate(zip(clip.scene, clip.head, strict=True)):
        whole = np.asarray(cv2.resize(view, clip.landmarks.size_px, interpolation=cv2.INTER_CUBIC), np.uint8)
        laid = lay_square(whole, head, clip.crop.centre_px[frame], float(clip.crop.side_px[frame]))
        pictures.append(laid[:height, :width])
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    write_video(part / "scene.mp4", pictures, crf=_CRF, wave=clip.wave)
    write_wav(part / "speaker-0.wav", clip.wave)
    replace(clip.landmarks, size_px=(width, height)).save(part / "landmarks-0.npz")
    (part / "scene.txt").write_text(f"{clip.meta.get('text', '')}\n")
    (part / "person.txt").write_text(f"{clip.person}\n")
    part.rename(folder)


def _write_identities(dataset: Path, keys: set[str], folder: Path) -> None:
    """The head in the middle of each clip, with open eyes, and its landmarks beside it."""
    missing = {key for key in keys if picture_sidecar(folder / f"{key}.png") is None}
    for clip in read_clips(dataset, keys=missing) if missing else ():
        middle = picture_frame(clip.landmarks)
        faces = clip.crop.to_crop(np.concatenate([clip.landmarks.points, clip.landmarks.pupils], axis=1))
        pose = clip.landmarks.head_pose[middle]
        write_identity(folder / f"{clip.key}.png", clip.head[middle], faces[middle], pose)
