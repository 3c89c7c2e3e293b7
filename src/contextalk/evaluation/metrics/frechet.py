"""How far the pictures of a method lie from real ones: Fréchet and kernel distances of features.

With the field's Inception weights these are FID and KID; on features of networks trained here they are FID-own and
KID-own, which compare methods of one table and nothing else. The reference is a declared split of a dataset, the same
for every method: the truth of the scored clips measured against it is the floor.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contextalk.evaluation.cells import SEED, Cell
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.features import EVERY, Extractor, Features, Reference
from contextalk.evaluation.metrics import Column, Part
from contextalk.evaluation.metrics.sync import frames_at_rate
from contextalk.evaluation.scenes import shown_scenes
from contextalk.faces.views import resized_scene

SUBSETS, SUBSET_SIZE = 100, 1000
"""Of the kernel distance (Bińkowski et al. 2018), pictures drawn without replacement."""

DRAWS = 100
"""Of clips, for the interval of a Fréchet distance."""

_NORMAL_95 = 1.96


def _columns(suffix: str, how: str, needs: str) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for what, seen in (("face", "head crops"), ("scene", "whole scenes at 256×256")):
        columns |= {
            f"FID{suffix} {what}": Column(
                unit="",
                better="lower",
                says=f"Fréchet distance of {how} of {seen} to real ones, five pictures a second; its interval is 1.96 "
                f"standard deviations of {DRAWS} bootstrap sets of clips on both sides: drawing clips twice biases the "
                "distance itself upwards",
                needs=needs,
            ),
            f"KID{suffix} {what}": Column(
                unit="",
                better="lower",
                says=f"unbiased cubic-kernel distance of the same, mean of {SUBSETS} subsets of at most {SUBSET_SIZE} "
                "pictures; its interval is 1.96 standard deviations over clips (jackknife) on both sides",
                needs=needs,
            ),
            f"FID{suffix} {what} pictures": Column(
                unit="",
                better="higher",
                says="pictures of the method; few of them bias a Fréchet distance upwards",
                needs=needs,
            ),
        }
    return columns


PUBLISHED_COLUMNS = _columns("", "Inception features", "the weights inception-2015-12-05 and real footage")
OWN_COLUMNS = _columns(
    "-own",
    "features of our landmark estimator (faces) or codec (scenes)",
    "an estimator of `contextalk train estimator` and real footage",
)


class PictureDistance:
    """FID and KID, or FID-own and KID-own; all NaN without features or reference."""

    def __init__(self, extractor: Extractor | None, reference: Reference | None, *, own: bool) -> None:
        self.extractor = extractor
        self.reference = reference
        self.columns = OWN_COLUMNS if own else PUBLISHED_COLUMNS
        self.suffix = "-own" if own else ""

    def part(self, evidence: Evidence) -> Part:
        """Features of the generated frames looked at: `face` and `scene` (N, D), and the `window` (N,) of each."""
        if self.extractor is None or self.reference is None:
            return {}
        frames = frames_at_rate(evidence)[::EVERY]
        frames = frames[evidence.generated[frames]]
        if not len(frames):
            return {}
        scenes = np.stack([resized_scene(rgb) for rgb in shown_scenes(evidence, frames)])
        return {
            "face": self.extractor.faces(evidence.seen.heads[frames]),
            "scene": self.extractor.scenes(scenes),
            "window": evidence.window[frames],
        }

    def measure(self, parts: Mapping[str, Part]) -> dict[str, Cell]:
        """Distances of heads and of scenes over all clips, with the counts they rest on."""
        known = [part for part in parts.values() if part]
        missing = len(parts) - len(known)
        pictures = sum(len(part["window"]) for part in known)
        if self.reference is None or min(pictures, len(self.reference.faces)) < 2:
            return {name: _cell(float("nan"), 0, len(parts), column.needs) for name, column in self.columns.items()}
        cells: dict[str, Cell] = {}
        for what, wanted in (("face", self.reference.faces), ("scene", self.reference.scenes)):
            seen = [part[what] for part in known]
            distance, spread = distance_over_clips(seen, wanted)
            mean, deviation = kernel_distance(np.concatenate(seen), wanted), kernel_spread(seen, wanted)
            figures = {
                f"FID{self.suffix} {what}": (distance, spread),
                f"KID{self.suffix} {what}": (mean, deviation),
                f"FID{self.suffix} {what} pictures": (float(sum(map(len, seen))), float("nan")),
            }
            for name, (value, apart) in figures.items():
                cells[name] = _cell(value, len(known), missing, self.columns[name].needs, apart)
        return cells


def _cell(value: float, count: int, missing: int, needs: str, spread: float = float("nan")) -> Cell:
    reach = _NORMAL_95 * spread
    return Cell(
        mean=value, low=value - reach, high=value + reach, count=count, missing=missing, why=needs if missing else ""
    )


def distance_over_clips(clips: list[Features], wanted: Features) -> tuple[float, float]:
    """The Fréchet distance of all pictures of some clips, and its standard deviation over bootstrap sets of clips.

    Args:
        clips: (N, D) of each clip.
        wanted: (M, D), M ≥ 2.

    Returns:
        The deviation is NaN for a single clip.
    """
    distance = FrechetDistance(wanted)
    whole = distance(np.concatenate(clips))
    if len(clips) < 2:
        return whole, float("nan")
    generator = np.random.default_rng(SEED)
    drawn = [
        distance(np.concatenate([clips[index] for index in generator.integers(len(clips), size=len(clips))]))
        for _ in range(DRAWS)
    ]
    return whole, float(np.std(drawn))


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
    return FrechetDistance(second)(first)


class FrechetDistance:
    """`frechet_distance` to one set from many."""

    def __init__(self, wanted: Features) -> None:
        self._count = len(wanted)
        if self._count > 1:
            self._mean: NDArray[np.float64] = wanted.mean(axis=0)
            self._factor = _factor(wanted)

    def __call__(self, seen: Features) -> float:
        """The distance of (N, D), N ≥ 2."""
        if min(len(seen), self._count) < 2:
            raise ValueError(f"{len(seen)} and {self._count} pictures, wanted at least two of each")
        one, other = _factor(seen), self._factor
        shift = ((seen.mean(axis=0) - self._mean) ** 2).sum()
        overlap = np.linalg.svd(one.T @ other, compute_uv=False).sum()
        return float(max(0.0, shift + (one**2).sum() + (other**2).sum() - 2 * overlap))


def _factor(features: Features) -> Features:
    """(D, min(N, D)) matrix whose product with its transpose is the unbiased covariance."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    if centred.shape[0] <= centred.shape[1]:
        return centred.T
    return np.asarray(np.linalg.qr(centred, mode="r")).T


def kernel_distance(first: Features, second: Features, *, seed: int = SEED) -> float:
    """Mean over subsets of the unbiased squared MMD with kernel (x·y / D + 1)³ (Bińkowski et al. 2018, Eq. 4).

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
        values.append(_within(_kernel(one, one)) + _within(_kernel(other, other)) - 2 * _kernel(one, other).mean())
    return float(np.mean(values))


def kernel_spread(clips: list[Features], wanted: Features) -> float:
    """Standard deviation of the kernel distance over sets of clips, by the jackknife; NaN for a single clip.

    Subsets say nothing of it: where a set is no larger than they are, they are all the same. Nor does the bootstrap: a
    clip drawn twice is at no distance from itself.
    """
    if len(clips) < 2:
        return float("nan")
    counts = np.array([len(clip) for clip in clips])
    # Sums of the kernel over pairs of clips: all that leaving one out needs, block by block.
    within = np.array([[_kernel(one, other).sum() for other in clips] for one in clips])
    itself = np.array([(((clip**2).sum(axis=1) / clip.shape[1] + 1) ** 3).sum() for clip in clips])
    across = np.array([_kernel(clip, wanted).mean(axis=1).sum() for clip in clips])
    values = []
    for without in range(len(clips)):
        kept = np.arange(len(clips)) != without
        size = int(counts[kept].sum())
        if size > 1:
            pairs = within[np.ix_(kept, kept)].sum() - itself[kept].sum()
            values.append(pairs / (size * (size - 1)) - 2 * across[kept].sum() / size)
    return float(np.sqrt(len(values) - 1) * np.std(values)) if len(values) > 1 else float("nan")


def _kernel(first: Features, second: Features) -> Features:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _within(kernel: Features) -> float:
    """Mean over pairs of two pictures."""
    size = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (size * (size - 1)))
