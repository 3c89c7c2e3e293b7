"""Distances of features against closed forms; pictures and counts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

from contextalk.core.errors import DatasetError
from contextalk.evaluation.features import (
    EVERY,
    InceptionExtractor,
    OwnExtractor,
    RealPictures,
    Reference,
    reference_of,
)
from contextalk.evaluation.metrics.frechet import (
    OWN_COLUMNS,
    PUBLISHED_COLUMNS,
    PictureDistance,
    distance_over_clips,
    frechet_distance,
    kernel_distance,
    kernel_spread,
)
from contextalk.media.video import write_video
from contextalk.models.codec import Codec, CodecConfig
from contextalk.models.inception import Inception
from contextalk.models.reader import LandmarkReader, ReaderConfig
from judges_kit import evidence, grey_heads

RNG = np.random.default_rng(0)


def gaussian(count: int, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Rows with exactly this mean and unbiased covariance."""
    length = len(mean)
    raw = RNG.normal(size=(count, length))
    raw -= raw.mean(axis=0)
    white = np.linalg.qr(raw)[0] * np.sqrt(count - 1)
    return white @ np.linalg.cholesky(covariance).T + mean


def test_gaussians_with_common_axes_have_their_closed_form() -> None:
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    first, second = RNG.uniform(0.5, 3, (2, 5))
    means = RNG.normal(size=(2, 5))
    seen = frechet_distance(
        gaussian(40, means[0], turn @ np.diag(first**2) @ turn.T),
        gaussian(300, means[1], turn @ np.diag(second**2) @ turn.T),
    )
    wanted = ((means[0] - means[1]) ** 2).sum() + ((first - second) ** 2).sum()
    # float64 over a few decompositions.
    assert seen == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("count", [6, 60])
def test_it_equals_the_matrix_root_also_for_few_pictures(count: int) -> None:
    first, second = RNG.normal(size=(count, 12)) * np.arange(1, 13), RNG.normal(size=(50, 12)) + 1
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    shift = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    wanted = shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * root
    # The root of a singular product is good to the root of float64's 1e-16, times a trace of hundreds.
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-5)


def test_a_set_is_at_no_distance_from_itself() -> None:
    features = RNG.normal(size=(30, 8))
    # Traces of 8 cancel in float64.
    assert frechet_distance(features, features[::-1]) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="1 and 30"):
        frechet_distance(features[:1], features)


def test_the_kernel_distance_is_its_definition() -> None:
    first, second = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)) + 0.5

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / 3 + 1) ** 3

    pairs = [(i, j) for i in range(4) for j in range(4)]
    within = sum(kernel(rows[i], rows[j]) for rows in (first, second) for i, j in pairs if i != j) / 12
    across = sum(kernel(first[i], second[j]) for i, j in pairs) / 16
    # All subsets are the whole sets in another order: float64.
    assert kernel_distance(first, second) == pytest.approx(within - 2 * across, rel=1e-9)


def test_the_kernel_distance_is_unbiased() -> None:
    same = [kernel_distance(*RNG.normal(size=(2, 20, 4))) for _ in range(60)]
    # Zero in the mean; the standard error is of these very values.
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(60)
    assert min(same) < 0  # the biased estimate never is
    assert kernel_distance(RNG.normal(size=(20, 4)), RNG.normal(size=(20, 4)) + 1) > 10 * np.std(same) / np.sqrt(60)


class Levels:
    """Features of a picture: its mean level per channel."""

    name = "levels"

    def faces(self, pictures: np.ndarray) -> np.ndarray:
        return pictures.reshape(len(pictures), -1, 3).mean(axis=1) + np.arange(len(pictures))[:, None] % 2

    scenes = faces


def test_methods_are_counted_and_measured_against_the_declared_reference(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    write_video(video, grey_heads(np.full(50, 90)))
    wanted = Levels().faces(grey_heads(np.full(8, 100)))
    judge = PictureDistance(Levels(), Reference(faces=wanted, scenes=wanted, says="test"), own=True)
    cells = judge.measure({"clip": judge.part(evidence(grey_heads(np.full(50, 100)), video=video))})
    assert cells["FID-own face pictures"].mean == 50 / EVERY
    # 10 pictures and 8, each half even and half odd: deviations of 0.527 and 0.535, three channels.
    assert cells["FID-own face"].mean < 0.01
    # Ten levels darker in three channels; the codec moves flat grey by a level at most.
    assert cells["FID-own scene"].mean == pytest.approx(300, abs=65)
    assert set(cells) == set(OWN_COLUMNS)


def test_a_fake_shows_its_head_in_the_real_scene(tmp_path: Path) -> None:
    real = tmp_path / "real.mp4"
    write_video(real, grey_heads(np.full(50, 90)))
    reference = Levels().faces(grey_heads(np.full(8, 90)))
    judge = PictureDistance(Levels(), Reference(faces=reference, scenes=reference, says="test"), own=True)
    fakes = [replace(evidence(grey_heads(np.full(50, level))), reference=real) for level in (90, 190)]
    near, far = (judge.measure({"clip": judge.part(fake)})["FID-own scene"].mean for fake in fakes)
    # The mask covers a third of these crops, which are their scenes: 100 levels there are 30 in a channel's mean.
    assert near < 10
    assert far > 3 * 20**2


def test_the_interval_lies_about_the_distance_and_shrinks_with_clips() -> None:
    wanted = RNG.normal(size=(200, 4))
    widths = []
    for count in (6, 60):
        clips = [RNG.normal(size=(10, 4)) + RNG.normal(size=4) for _ in range(count)]
        distance, spread = distance_over_clips(clips, wanted)
        assert distance == pytest.approx(frechet_distance(np.concatenate(clips), wanted))
        widths.append(spread)
    # Ten times the clips: the deviation falls by √10, seen over a hundred draws within a factor of two.
    assert 1.6 < widths[0] / widths[1] < 6.4
    assert np.isnan(distance_over_clips([RNG.normal(size=(10, 4))], wanted)[1])


def test_the_kernel_distances_spread_is_the_jackknifes() -> None:
    clips, wanted = [RNG.normal(size=(count, 3)) for count in (3, 1, 4, 2)], RNG.normal(size=(10, 3))
    # Wanted is the same whatever is left out, and so is its own part of the distance: it cancels in the deviation.
    without = [
        kernel_distance_of_all(np.concatenate(clips[:left] + clips[left + 1 :]), wanted) for left in range(len(clips))
    ]
    spread = np.sqrt(3 / 4 * sum((value - np.mean(without)) ** 2 for value in without))
    assert kernel_spread(clips, wanted) == pytest.approx(spread, rel=1e-9)
    # One of the two sets with a clip left out is a single picture, which has no distance.
    assert np.isnan(kernel_spread([wanted[:5], wanted[5:6]], wanted))


def kernel_distance_of_all(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased squared MMD of whole sets of any sizes."""
    kernels = [(one @ other.T / 3 + 1) ** 3 for one, other in ((first, first), (second, second), (first, second))]
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in kernels[:2]]
    return float(sum(within) - 2 * kernels[2].mean())


def test_the_kernel_distances_interval_is_that_of_new_clips() -> None:
    wanted = RNG.normal(size=(300, 4))

    def clips() -> list[np.ndarray]:
        return [RNG.normal(size=(5, 4)) + RNG.normal(size=4) for _ in range(20)]

    anew = [kernel_distance(np.concatenate(clips()), wanted) for _ in range(40)]
    guessed = [kernel_spread(clips(), wanted) for _ in range(10)]
    # Forty sets know their deviation to a tenth, ten guesses of twenty clips theirs to as much.
    assert 0.6 < np.mean(guessed) / np.std(anew) < 1.7
    assert np.isnan(kernel_spread(clips()[:1], wanted))


def test_what_cannot_be_measured_is_nan() -> None:
    heads = grey_heads(np.full(25, 100))
    features = Levels().faces(grey_heads(np.full(8, 100)))
    reference = Reference(faces=features, scenes=features, says="test")
    absent = PictureDistance(None, reference, own=False)
    cells = absent.measure({"clip": absent.part(evidence(heads))})
    assert set(cells) == set(PUBLISHED_COLUMNS)
    assert all(np.isnan(cell.mean) and "inception" in cell.why for cell in cells.values())
    nothing = PictureDistance(Levels(), reference, own=True).measure({"clip": {}})
    assert all(np.isnan(cell.mean) and (cell.count, cell.missing) == (0, 1) for cell in nothing.values())


def test_features_of_real_footage_are_kept_by_footage_and_extractor(tmp_path: Path) -> None:
    calls: list[str] = []

    def footage(key: str, clips: int) -> RealPictures:
        def read() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            calls.append(key)
            for _ in range(clips):
                yield grey_heads(np.full(3, 90)), grey_heads(np.full(3, 20))

        return RealPictures(says="real", key=key, read=read)

    first = reference_of(footage("a", 2), Levels(), tmp_path)
    again = reference_of(footage("a", 2), Levels(), tmp_path)
    assert calls == ["a"]
    assert first.says == again.says == "real: 2 clips, 6 pictures"
    assert np.array_equal(first.scenes, again.scenes)
    assert first.faces.mean() > 89 > 22 > first.scenes.mean()
    reference_of(footage("b", 2), Levels(), tmp_path)
    assert calls == ["a", "b"]
    with pytest.raises(DatasetError, match="no clip"):
        reference_of(footage("c", 0), Levels())


def test_extractors_give_a_row_a_picture() -> None:
    heads = RNG.integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)
    own = OwnExtractor(
        Codec(CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1)), LandmarkReader(ReaderConfig(channels=8))
    )
    assert own.faces(heads).shape == (3, 8)
    assert own.scenes(heads).shape == (3, 256)
    assert InceptionExtractor(Inception()).faces(heads[:1]).shape == (1, 2048)
