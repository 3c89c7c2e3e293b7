"""How far the pictures of a method lie from real ones: Fréchet and kernel distances of features.

With the field's Inception weights these are FID and KID; on features of networks trained here they are FID-own and
KID-own, which compare methods of one table and nothing else. The reference is a declared split of a dataset, the same
for every method: the truth of the scored clips measured against it is the floor.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.dataset.clips import read_clips
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.sync import frames_at_rate
from contextalk.faces.views import resized_scene
from contextalk.media.video import read_at
from contextalk.models.codec import Codec
from contextalk.models.inception import Inception
from contextalk.models.pictures import encode_pictures, inference
from contextalk.models.reader import LandmarkReader

Frames = NDArray[np.uint8]
Features = NDArray[np.float64]

EVERY = 5
"""Of 25 Hz frames: neighbours look alike and would only pretend to be many."""

SUBSETS, SUBSET_SIZE = 100, 1000
"""Of the kernel distance (Bińkowski et al. 2018), pictures drawn without replacement."""

_BATCH = 16
_SCENE_GRID = 4


def _columns(suffix: str, how: str, needs: str) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for what, seen in (("face", "head crops"), ("scene", "whole scenes at 256×256")):
        columns |= {
            f"FID{suffix} {what}": Column(
                unit="",
                better="lower",
                says=f"Fréchet distance of {how} of {seen} to the reference split, 5 a second",
                needs=needs,
            ),
            f"KID{suffix} {what}": Column(
                unit="",
                better="lower",
                says=f"unbiased cubic-kernel distance of the same, mean of {SUBSETS} subsets",
                needs=needs,
            ),
            f"KID{suffix} {what} ±": Column(
                unit="", better="lower", says="its standard deviation over subsets", needs=needs
            ),
            f"FID{suffix} {what} pictures": Column(
                unit="",
                better="higher",
                says="pictures of the method; few of them bias a Fréchet distance upwards",
                needs=needs,
            ),
            f"FID{suffix} {what} reference pictures": Column(
                unit="", better="higher", says="pictures of the reference split", needs=needs
            ),
        }
    return columns


COLUMNS = {
    **_columns("", "Inception features", "the weights inception-2015-12-05 and a reference split; scenes: videos"),
    **_columns(
        "-own",
        "features of our landmark estimator (faces) or codec (scenes)",
        "an estimator of `contextalk train estimator` and a reference split; scenes: videos",
    ),
}


class Extractor(Protocol):
    """Pictures (N, 256, 256, 3) uint8 → features (N, D)."""

    def faces(self, pictures: Frames) -> Features:
        """Of head crops."""
        ...

    def scenes(self, pictures: Frames) -> Features:
        """Of whole scenes."""
        ...


class InceptionExtractor:
    """The field's features, 2048 of each picture."""

    def __init__(self, network: Inception) -> None:
        self.network = network.eval()

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

    def __init__(self, codec: Codec, estimator: LandmarkReader) -> None:
        self.codec = codec
        self.estimator = estimator.eval()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What methods are measured against.

    Attributes:
        faces, scenes: (N, D) features.
        says: Which split of which dataset, and how many pictures.
    """

    faces: Features
    scenes: Features
    says: str


def reference_of(dataset: Path, split: str, extractor: Extractor) -> Reference:
    """Features of a split's unmasked heads and scenes, five a second of every clip.

    Raises:
        DatasetError: The split has no clips.
    """
    faces, scenes, clips = [], [], 0
    for clip in read_clips(dataset, split):
        faces.append(extractor.faces(clip.head[::EVERY]))
        scenes.append(extractor.scenes(clip.scene[::EVERY]))
        clips += 1
    if not clips:
        raise DatasetError(f"{dataset} has no clip in its {split} split, wanted some to measure against")
    stacked = np.concatenate(faces)
    says = f"{split} split of {dataset.name}: {clips} clips, {len(stacked)} pictures"
    return Reference(faces=stacked, scenes=np.concatenate(scenes), says=says)


class PictureDistance:
    """FID and KID, or FID-own and KID-own, of all clips of a method; all NaN without features or reference."""

    def __init__(self, extractor: Extractor | None, reference: Reference | None, *, own: bool) -> None:
        self.extractor = extractor
        self.reference = reference
        self.suffix = "-own" if own else ""

    def measure_set(self, evidence: list[Evidence]) -> dict[str, float]:
        """Distances of heads and of scenes, with the counts they rest on."""
        if self.extractor is None or self.reference is None or not evidence:
            return dict.fromkeys(_columns(self.suffix, "", ""), float("nan"))
        faces = _gather(self.extractor.faces, (_heads(clip) for clip in evidence))
        # Scenes only of a whole set: a method that shows some scenes would be measured on others than its neighbours.
        videos = all(clip.video is not None for clip in evidence)
        scenes = _gather(self.extractor.scenes, (_scenes(clip) for clip in evidence)) if videos else None
        return {
            **self._figures("face", faces, self.reference.faces),
            **self._figures("scene", scenes, self.reference.scenes),
        }

    def _figures(self, what: str, seen: Features | None, wanted: Features) -> dict[str, float]:
        if seen is None or min(len(seen), len(wanted)) < 2:
            return {name: float("nan") for name in _columns(self.suffix, "", "") if f" {what}" in name}
        mean, deviation = kernel_distance(seen, wanted)
        return {
            f"FID{self.suffix} {what}": frechet_distance(seen, wanted),
            f"KID{self.suffix} {what}": mean,
            f"KID{self.suffix} {what} ±": deviation,
            f"FID{self.suffix} {what} pictures": float(len(seen)),
            f"FID{self.suffix} {what} reference pictures": float(len(wanted)),
        }


def frechet_distance(first: Features, second: Features) -> float:
    """Squared Fréchet distance of the Gaussians fitted to two sets of features (Dowson & Landau 1982).

    With covariances A·Aᵀ and B·Bᵀ the trace of the root of their product is the nuclear norm of Aᵀ·B: no matrix root,
    no imaginary parts, and exact for sets smaller than the features are long.

    Args:
        first: (N, D), N ≥ 2.
        second: (M, D), M ≥ 2.

    Raises:
        ValueError: A set has fewer than two rows.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(f"{len(first)} and {len(second)} pictures, wanted at least two of each")
    one, other = _factor(first), _factor(second)
    shift = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    overlap = np.linalg.svd(one.T @ other, compute_uv=False).sum()
    return float(max(0.0, shift + (one**2).sum() + (other**2).sum() - 2 * overlap))


def _factor(features: Features) -> Features:
    """(D, min(N, D)) matrix whose product with its transpose is the unbiased covariance."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    if centred.shape[0] <= centred.shape[1]:
        return centred.T
    return np.asarray(np.linalg.qr(centred, mode="r")).T


def kernel_distance(first: Features, second: Features, *, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation over subsets of the unbiased squared MMD with kernel (x·y / D + 1)³.

    Args:
        first: (N, D), N ≥ 2.
        second: (M, D), M ≥ 2.
        seed: Of the subsets, of min(1000, N, M) pictures each.
    """
    size = min(SUBSET_SIZE, len(first), len(second))
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(SUBSETS):
        one = first[generator.choice(len(first), size, replace=False)]
        other = second[generator.choice(len(second), size, replace=False)]
        values.append(_unbiased_mmd(one, other))
    return float(np.mean(values)), float(np.std(values))


def _unbiased_mmd(first: Features, second: Features) -> float:
    size, length = first.shape
    within = 0.0
    for rows in (first, second):
        kernel = (rows @ rows.T / length + 1) ** 3
        within += (kernel.sum() - np.trace(kernel)) / (size * (size - 1))
    return float(within - 2 * ((first @ second.T / length + 1) ** 3).mean())


def _gather(extract: Callable[[Frames], Features], pictures: Iterable[Frames]) -> Features | None:
    parts = [extract(part) for part in pictures if len(part)]
    return np.concatenate(parts) if parts else None


def _looked_at(evidence: Evidence) -> NDArray[np.int64]:
    frames = frames_at_rate(evidence)[::EVERY]
    return frames[evidence.generated[frames]]


def _heads(evidence: Evidence) -> Frames:
    return evidence.seen.heads[_looked_at(evidence)]


def _scenes(evidence: Evidence) -> Frames:
    assert evidence.video is not None
    times_s = evidence.times_s[_looked_at(evidence)]
    if not len(times_s):
        return np.zeros((0, 256, 256, 3), np.uint8)
    return np.stack([resized_scene(rgb) for rgb in read_at(evidence.video, times_s)])
