from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from contextalk.evaluation import fakes
from contextalk.evaluation.evidence import Evidence, Shown
from contextalk.evaluation.metrics import fidelity, landmarks
from contextalk.faces.crop import head_mask
from contextalk.models.codec import Codec, CodecConfig

Make = Callable[..., Evidence]
INSIDE = head_mask() > 0


def looked(heads: NDArray[np.uint8]) -> Shown:
    """An estimator that looks at nothing."""
    frames = len(heads)
    return Shown(
        heads=heads,
        points=np.zeros((frames, 68, 2), np.float32),
        pupils=np.zeros((frames, 2, 2), np.float32),
        head_pose=np.zeros((frames, 3), np.float32),
    )


def test_the_true_head_is_its_own_truth_in_the_real_video(clip: Make) -> None:
    fake = fakes.ground_truth(clip())
    assert (fake.video, fake.saved) == (fake.reference, None)
    assert fidelity.measure(fake)["PSNR head"] == np.inf
    assert landmarks.measure(fake)["mouth r"] == pytest.approx(1.0)


def test_a_still_head_is_the_first_one_in_all_frames(clip: Make) -> None:
    evidence = clip()
    fake = fakes.still_head(evidence, looked)
    middle = fake.seen.heads[:, 100:200, 80:176]
    # Far inside the mask the head's weight is 1 and its colour takes the mean difference at the border: the drawn
    # background is one for all frames, so there is none.
    assert np.abs(middle.astype(int) - evidence.truth.heads[0, 100:200, 80:176]).max() <= 1
    outside = ~INSIDE
    assert np.array_equal(fake.seen.heads[:, outside], evidence.truth.heads[:, outside])


def test_twins_share_the_first_head_of_the_first_of_them(clip: Make) -> None:
    one, other = clip(seed=1, name="a"), clip(seed=2, name="a-twin")
    middle = np.s_[100:200, 80:176]
    for evidence, twin in ((one, other), (other, one)):
        shown = fakes.shared_head(evidence, twin, looked).seen.heads[0][middle].ravel()
        # The surroundings' colour is added, a smooth field: what is drawn in the head stays.
        alike = [np.corrcoef(shown, true.truth.heads[0][middle].ravel())[0, 1] for true in (one, other)]
        assert alike[0] > max(0.99, alike[1])
    with pytest.raises(fakes.NoFakeError, match="not among the clips"):
        fakes.shared_head(one, None, looked)


def test_a_mean_head_stands_still_and_is_the_mean_of_the_others(clip: Make) -> None:
    evidence, others = clip(), [clip(seed=1), clip(seed=2, frames=20)]
    middle = np.s_[:, 100:200, 80:176]
    fake = fakes.mean_head(evidence, others, looked)
    wanted = np.concatenate([other.truth.heads for other in others]).mean(axis=0)[100:200, 80:176]
    heads = fake.seen.heads[middle].astype(float)
    # The surroundings' colour is added, a smooth field: what is drawn in the head stays.
    likeness = [np.corrcoef(head.ravel(), wanted.ravel())[0, 1] for head in heads]
    assert min(likeness) > 0.99
    assert np.ptp(heads, axis=0).max() <= 2, "it moves by rounding alone"
    alone = fakes.mean_head(evidence, [], looked)
    assert fidelity.measure(alone)["PSNR head"] > fidelity.measure(fake)["PSNR head"]


def test_another_head_is_never_the_twins(clip: Make) -> None:
    evidence, other = clip(), clip(seed=1, frames=20)
    fake = fakes.other_head(evidence, other, looked)
    assert fidelity.measure(fake)["PSNR head"] < 25
    assert not np.array_equal(fake.seen.heads[15, 100:200, 80:176], fake.seen.heads[19, 100:200, 80:176])
    # The shorter clip's last head is held.
    assert np.array_equal(fake.seen.heads[19, 100:200, 80:176], fake.seen.heads[49, 100:200, 80:176])
    assert evidence.around is not None
    twin = replace(evidence, around=replace(evidence.around, twin=other.name))
    for wrong in (evidence, other):
        with pytest.raises(fakes.NoFakeError, match="no other clip"):
            fakes.other_head(twin, wrong, looked)


def with_sound(evidence: Evidence, pitch: NDArray[np.floating]) -> Evidence:
    """A tone per frame."""
    phase = np.cumsum(2 * np.pi * np.repeat(pitch, 640) / 16000)
    return replace(evidence, wave=(0.5 * np.sin(phase)).astype(np.float32))


def coloured(evidence: Evidence, level: NDArray[np.integer]) -> Evidence:
    heads = np.zeros_like(evidence.truth.heads)
    heads[:, INSIDE] = level.astype(np.uint8)[:, None, None]
    return replace(evidence, truth=replace(evidence.truth, heads=heads))


def shown_level(fake: Evidence) -> NDArray[np.int64]:
    return fake.seen.heads[:, 121, 128, 0].astype(np.int64)


def test_the_copied_frame_is_the_one_that_sounds_alike(clip: Make) -> None:
    steps = np.arange(50) // 10
    evidence = coloured(with_sound(clip(), 300.0 + 400 * steps), 0 * steps)
    other = coloured(with_sound(clip(seed=1), 300.0 + 400 * steps[::-1]), 40 + 40 * steps[::-1])
    level = shown_level(fakes.nearest_frame(evidence, [other], looked))
    settled = np.arange(50) % 10
    # Chunks of 0.2 s around a change of pitch hold both tones.
    chosen = (settled >= 3) & (settled <= 6)
    assert np.array_equal(level[chosen], (40 + 40 * steps)[chosen])


def test_alone_a_clip_copies_from_a_quarter_of_it_away(clip: Make) -> None:
    evidence = coloured(with_sound(clip(), np.full(50, 440.0)), 4 * np.arange(50))
    level = shown_level(fakes.nearest_frame(evidence, [], looked)) / 4
    # Two seconds: at least 49 · 0.04 / 4 s, 12.25 frames, away; levels carry the rounding of the blend.
    assert np.abs(level - np.arange(50)).min() >= 12


def test_without_sound_nothing_is_copied(clip: Make) -> None:
    with pytest.raises(fakes.NoFakeError, match="audio"):
        fakes.nearest_frame(replace(clip(), wave=np.zeros(0, np.float32)), [], looked)


def test_the_codecs_row_goes_through_the_codec(clip: Make) -> None:
    torch.manual_seed(0)
    codec = Codec(CodecConfig(kind="compact", channels=(8, 8, 8), blocks=1)).eval()
    evidence = clip(frames=20)
    fake = fakes.codec_only(evidence, codec, looked)
    # An untrained codec keeps nothing inside, and outside nothing is touched.
    assert fidelity.measure(fake)["PSNR head"] < 20
    assert np.array_equal(fake.seen.heads[:, ~INSIDE], evidence.truth.heads[:, ~INSIDE])
