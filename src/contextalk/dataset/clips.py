"""Reading a dataset, from a folder or from any fsspec URL."""

import io
import json
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contextalk.core.choices import Progress
from contextalk.core.errors import DatasetError
from contextalk.core.geometry import CropPath
from contextalk.core.records import Landmarks
from contextalk.core.time import SAMPLE_RATE_HZ
from contextalk.dataset.manifest import ManifestRow, read_manifest
from contextalk.dataset.places import Folder, Place, open_place
from contextalk.dataset.shards import SAMPLE_FILES, read_shard
from contextalk.dataset.splits import SPLITS
from contextalk.media.audio import read_audio, write_wav
from contextalk.media.video import read_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Up to some seconds of one person, at 25 fps and 16 kHz, without a cut.

    Attributes:
        key: Unique in the dataset.
        source: The file it comes from.
        person: Who it is.
        split: `train`, `val` or `test`.
        head: (F, 256, 256, 3) uint8 RGB, the head crop, unmasked.
        scene: (F, 256, 256, 3) uint8 RGB, the whole scene squashed to a square, unmasked.
        wave: (F · 640,) float32 in [−1, 1], 16 kHz: the sound that drives this head.
        landmarks: 25 Hz from 0 s, scene px.
        crop: The head's square in each frame, scene px.
        others: The other people of the scene, same frames.
        meta: `size_px`, `text`, `rate_hz`, `start_s`, `stop_s`, `speaking`, `others`; of synth scenes also `main`,
            `scene`, `person_seed` and `addressee` (person index per frame, −1 for nobody).
    """

    key: str
    source: str
    person: str
    split: str
    head: NDArray[np.uint8]
    scene: NDArray[np.uint8]
    wave: NDArray[np.float32]
    landmarks: Landmarks
    crop: CropPath
    others: tuple[Landmarks, ...]
    meta: dict[str, Any]

    def __len__(self) -> int:
        return len(self.landmarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundtrack:
    """What is heard of a clip and how the face moves to it, without its pictures; attributes as of `Clip`."""

    key: str
    person: str
    split: str
    wave: NDArray[np.float32]
    landmarks: Landmarks


def bring_dataset(dataset: Path | str, split: str | None = None, *, progress: Progress | None = None) -> Path:
    """The folder of a dataset on this machine: of one at a URL a copy, for which what has changed there is fetched.

    Args:
        dataset: Local folder or fsspec URL.
        split: Fetch the shards of this one alone; None: all.
        progress: Told of shards.

    Raises:
        DatasetError: No dataset, or a shard that is missing.
        PlaceError: The URL is out of reach.
    """
    place = open_place(dataset)
    if isinstance(place, Folder):
        return place.folder
    rows = read_manifest(place).to_pylist()
    shards = list(dict.fromkeys(row["shard"] for row in rows if row["shard"] and split in (None, row["split"])))
    for done, shard in enumerate(shards, start=1):
        _fetch_shard(place, shard)
        if progress is not None:
            progress("fetch dataset, shards", done, len(shards))
    return place.folder


def read_clips(dataset: Path | str, split: str | None = None, *, keys: Collection[str] | None = None) -> Iterator[Clip]:
    """Clips in the order of the manifest, streaming.

    Args:
        dataset: Local folder or fsspec URL.
        split: `train`, `val` or `test`; None: all. A split may be empty.
        keys: Only these clips; the others are not decoded. None: all.

    Raises:
        DatasetError: No dataset, an unknown split, or a shard that is missing or lacks what the manifest lists.
        PlaceError: The URL is out of reach.
    """
    for row, files in _read_samples(dataset, split, keys):
        yield _decode(row, files)


def read_soundtracks(dataset: Path | str, *, keys: Collection[str] | None = None) -> Iterator[Soundtrack]:
    """As `read_clips`, without decoding a picture: a hundredth of its time."""
    for row, files in _read_samples(dataset, None, keys):
        with tempfile.TemporaryDirectory(prefix="contextalk-") as folder:
            wave = _read_wave(Path(folder), files)
        landmarks, _ = _unpack_track(files["track.npz"])
        yield Soundtrack(key=row.key, person=row.person, split=row.split, wave=wave, landmarks=landmarks)


def _read_samples(
    dataset: Path | str, split: str | None, keys: Collection[str] | None
) -> Iterator[tuple[ManifestRow, dict[str, bytes]]]:
    """Rows of the manifest with the files of their clips, all of `SAMPLE_FILES`."""
    if split is not None and split not in SPLITS:
        raise DatasetError(f"split {split!r} does not exist, wanted one of {', '.join(SPLITS)}")
    place = open_place(dataset)
    rows = [ManifestRow(**row) for row in read_manifest(place).to_pylist()]
    wanted = {row.key: row for row in rows if row.shard and split in (None, row.split)}
    if keys is not None:
        wanted = {key: row for key, row in wanted.items() if key in keys}
    for shard in dict.fromkeys(row.shard for row in wanted.values()):
        missing = {key for key, row in wanted.items() if row.shard == shard}
        for key, files in read_shard(_fetch_shard(place, shard)):
            if key not in missing:
                continue
            missing.remove(key)
            absent = [name for name in SAMPLE_FILES if name not in files]
            if absent:
                raise DatasetError(f"clip {key} in {shard} has no {absent[0]}: prepare it again")
            yield wanted[key], files
        if missing:
            raise DatasetError(f"{dataset}/{shard} lacks clip {min(missing)} of the manifest: prepare it again")


def _fetch_shard(place: Place, shard: str) -> Path:
    try:
        return place.fetch(shard)
    except FileNotFoundError as error:
        raise DatasetError(f"{place}/{shard} of the manifest is not there: prepare it again") from error


def pack_track(landmarks: Landmarks, crop: CropPath) -> bytes:
    """`track.npz`: the landmarks and the head's square."""
    return _pack({**_columns(landmarks), "crop_centre_px": crop.centre_px, "crop_side_px": crop.side_px})


def pack_others(others: tuple[Landmarks, ...]) -> bytes:
    """`others.npz`: field_N for person N of those around the target."""
    columns = {
        f"{name}_{index}": value for index, other in enumerate(others) for name, value in _columns(other).items()
    }
    return _pack({"num_others": np.array(len(others)), **columns})


def pack_wave(wave: NDArray[np.float32]) -> bytes:
    """`audio.wav`."""
    with tempfile.TemporaryDirectory(prefix="contextalk-") as folder:
        path = Path(folder) / "audio.wav"
        write_wav(path, wave, SAMPLE_RATE_HZ)
        return path.read_bytes()


def _columns(landmarks: Landmarks) -> dict[str, NDArray[Any]]:
    return {
        "points": landmarks.points,
        "pupils": landmarks.pupils,
        "head_pose": landmarks.head_pose,
        "valid": landmarks.valid,
        "times_s": landmarks.times_s,
        "size_px": np.array(landmarks.size_px, np.int64),
    }


def _pack(columns: dict[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **columns)
    return buffer.getvalue()


def _decode(row: ManifestRow, files: dict[str, bytes]) -> Clip:
    with tempfile.TemporaryDirectory(prefix="contextalk-") as name:
        folder = Path(name)
        for file in ("head.mp4", "scene.mp4"):
            (folder / file).write_bytes(files[file])
        head, scene = (_read_all(folder / file) for file in ("head.mp4", "scene.mp4"))
        wave = _read_wave(folder, files)
    landmarks, crop = _unpack_track(files["track.npz"])
    if not len(head) == len(scene) == len(landmarks) == row.num_frames:
        raise DatasetError(f"clip {row.key} has {len(head)} heads and {len(scene)} scenes, wanted {row.num_frames}")
    return Clip(
        key=row.key,
        source=row.source,
        person=row.person,
        split=row.split,
        head=head,
        scene=scene,
        wave=wave,
        landmarks=landmarks,
        crop=crop,
        others=_unpack_others(files["others.npz"]),
        meta=json.loads(files["meta.json"]),
    )


def _read_wave(folder: Path, files: dict[str, bytes]) -> NDArray[np.float32]:
    path = folder / "audio.wav"
    path.write_bytes(files["audio.wav"])
    return read_audio(path, rate_hz=SAMPLE_RATE_HZ)


def _read_all(path: Path) -> NDArray[np.uint8]:
    return np.stack([picture.rgb for picture in read_frames(path)])


def _landmarks(columns: dict[str, NDArray[Any]], suffix: str = "") -> Landmarks:
    width, height = columns["size_px" + suffix].tolist()
    names = ("points", "pupils", "head_pose", "valid", "times_s")
    return Landmarks(**{name: columns[name + suffix] for name in names}, size_px=(width, height))


def _unpack_track(content: bytes) -> tuple[Landmarks, CropPath]:
    columns = _unpack(content)
    crop = CropPath(centre_px=columns["crop_centre_px"], side_px=columns["crop_side_px"])
    return _landmarks(columns), crop


def _unpack_others(content: bytes) -> tuple[Landmarks, ...]:
    columns = _unpack(content)
    return tuple(_landmarks(columns, f"_{index}") for index in range(int(columns["num_others"])))


def _unpack(content: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return dict(stored)
