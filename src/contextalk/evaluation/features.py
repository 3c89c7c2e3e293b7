"""What pictures are compared by, and the real pictures that methods are compared with."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.dataset.clips import read_clips
from contextalk.dataset.manifest import MANIFEST
from contextalk.evaluation.estimator import HeadEstimator
from contextalk.evaluation.held_out import held_out_figures
from contextalk.models.bundle import Bundle
from contextalk.models.codec import Codec
from contextalk.models.inception import Inception
from contextalk.models.pictures import encode_pictures, inference
from contextalk.models.reader import LandmarkReader

Frames = NDArray[np.uint8]
Features = NDArray[np.float64]

EVERY = 5
"""Of 25 Hz frames: neighbours look alike and would only pretend to be many."""

_BATCH = 16
_SCENE_GRID = 4


class Extractor(Protocol):
    """Pictures (N, 256, 256, 3) uint8 → features (N, D)."""

    name: str
    """Names the weights: two that extract alike have one name."""

    error: str
    """What is known of the networks' own error; empty where nothing is."""

    def faces(self, pictures: Frames) -> Features:
        """Of head crops."""
        ...

    def scenes(self, pictures: Frames) -> Features:
        """Of whole scenes."""
        ...


class InceptionExtractor:
    """The field's features, 2048 of each picture."""

    def __init__(self, network: Inception, name: str = "Inception") -> None:
        self.network = network.eval()
        self.name = name
        self.error = ""

    def faces(self, pictures: Frames) -> Features:
        """Of head crops."""
        parts = []
        for start in range(0, len(pictures), _BATCH):
            pixels = torch.from_numpy(np.ascontiguousarray(pictures[start : start + _BATCH])).permute(0, 3, 1, 2)
            with torch.no_grad():  # in float32: the field's figures are not of bfloat16
                parts.append(self.network(pixels.float() / 255))
        return torch.cat(parts).double().numpy()

    scenes = faces


class OwnExtractor:
    """Features of networks trained here: of heads the estimator's, of scenes the codec's latents."""

    def __init__(self, codec: Codec, estimator: LandmarkReader, name: str = "own", error: str = "") -> None:
        self.codec = codec
        self.estimator = estimator.eval()
        self.name = name
        self.error = error

    def faces(self, pictures: Frames) -> Features:
        """(N, channels of the estimator): its last convolutional layer, averaged over the crop."""
        parts = []
        for start in range(0, len(pictures), _BATCH):
            latents = encode_pictures(self.codec, pictures[start : start + _BATCH], "face")
            with inference():
                x = self.estimator.enter(latents)
                for block in self.estimator.blocks:
                    x = x + block(x)
                parts.append(functional.silu(x).float().mean(dim=(2, 3)))
        return torch.cat(parts).double().numpy()

    def scenes(self, pictures: Frames) -> Features:
        """(N, 256): latents averaged over a grid of 4×4."""
        latents = encode_pictures(self.codec, pictures, "scene").float()
        return functional.adaptive_avg_pool2d(latents, _SCENE_GRID).flatten(1).double().numpy()


def own_extractor(bundle: Bundle, weights: Path | None) -> OwnExtractor | None:
    """Features of a bundle's codec and the estimator of a run, trained on that codec; None where no run has one.

    Raises:
        BundleError: No estimator of this codec there.
    """
    if weights is None:
        return None
    estimator = HeadEstimator(bundle, weights)
    name = f"{estimator.name} and the codec of bundle {bundle.fingerprint[:12]}"
    return OwnExtractor(bundle.codec, estimator.reader, name, held_out_figures(weights.parent, "estimator"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPictures:
    """Real footage that methods are measured against; never that of the scored clips.

    Attributes:
        says: Which footage, in words.
        key: Changes when the footage does.
        read: Clip by clip, heads (N, 256, 256, 3) and scenes (N, 256, 256, 3), five a second.
    """

    says: str
    key: str
    read: Callable[[], Iterator[tuple[Frames, Frames]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What methods are measured against.

    Attributes:
        faces, scenes: (N, D) features.
        says: Of which footage, and how many clips and pictures.
    """

    faces: Features
    scenes: Features
    says: str


def dataset_pictures(dataset: Path, split: str) -> RealPictures:
    """A split's unmasked heads and scenes.

    Raises:
        DatasetError: No dataset.
    """
    manifest = dataset / MANIFEST
    if not manifest.is_file():
        raise DatasetError(f"{dataset} is no dataset: wanted a readable {MANIFEST} in it")

    def read() -> Iterator[tuple[Frames, Frames]]:
        for clip in read_clips(dataset, split):
            yield clip.head[::EVERY], clip.scene[::EVERY]

    key = hashlib.sha256(split.encode() + manifest.read_bytes()).hexdigest()
    return RealPictures(says=f"{split} split of {dataset.name}", key=key, read=read)


def reference_of(real: RealPictures, extractor: Extractor, cache: Path | None = None) -> Reference:
    """Features of real footage.

    Args:
        real: The footage.
        extractor: What pictures are compared by.
        cache: Folder in which the features are put by.

    Raises:
        DatasetError: The footage has no clips.
    """
    digest = hashlib.sha256(f"{real.key} {extractor.name} {EVERY}".encode()).hexdigest()[:32]
    path = None if cache is None else cache / f"{digest}.npz"
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return Reference(faces=stored["faces"], scenes=stored["scenes"], says=str(stored["says"]))
    faces, scenes = [], []
    for heads, views in real.read():
        faces.append(extractor.faces(heads))
        scenes.append(extractor.scenes(views))
    if not faces:
        raise DatasetError(f"{real.says} has no clip, wanted some to measure against")
    stacked = np.concatenate(faces)
    says = f"{real.says}: {len(faces)} clips, {len(stacked)} pictures"
    reference = Reference(faces=stacked, scenes=np.concatenate(scenes), says=says)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        with temporary.open("wb") as stream:
            np.savez(stream, faces=reference.faces, scenes=reference.scenes, says=np.array(says))
        temporary.replace(path)
    return reference
