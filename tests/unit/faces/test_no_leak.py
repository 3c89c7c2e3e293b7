"""The probe of the no-leak contract: what a regressor reads of mouth and yaw from the crop alone."""

import numpy as np
import pytest
import torch

from contextalk.core.records import Landmarks, Shot
from contextalk.faces.crop import crop_path, head_mask
from faces_kit import animate

LARGEST_SHARE = 0.05
"""Variance a regressor may explain (DESIGN, contracts)."""

NUM_CLIPS = 48


def crop_features(landmarks: Landmarks) -> np.ndarray:
    path = crop_path(landmarks, [Shot(start=0, stop=len(landmarks))])
    return np.concatenate([path.centre_px, path.side_px[:, None]], axis=1) / path.side_px.mean()


def box_features(landmarks: Landmarks) -> np.ndarray:
    """The planted fault: the box of the points, unfiltered, as naive pipelines crop."""
    low, high = landmarks.points.min(axis=1), landmarks.points.max(axis=1)
    box = np.concatenate([(low + high) / 2, (high - low).max(axis=1, keepdims=True)], axis=1)
    return box / np.median(high - low)


def about_mean(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=0)


def explained(features, clips: list[Landmarks]) -> dict[str, np.ndarray]:
    """Share of the variance of (mouth opening, yaw) about their shot means on held-out clips, by each regressor."""
    inputs = [about_mean(features(clip)) for clip in clips]
    truths = [about_mean(np.stack([clip.mouth_open, clip.head_pose[:, 0]], axis=1)) for clip in clips]
    half = len(clips) // 2
    seen, held = (np.concatenate(inputs[part]) for part in (slice(half), slice(half, None)))
    truth, asked = (np.concatenate(truths[part]) for part in (slice(half), slice(half, None)))
    # A deviation far below a pixel of the crop is resampling dust; dividing by it would invent a signal to fit.
    spread = np.maximum(seen.std(axis=0), 1e-4)
    scale = truth.std(axis=0)
    seen, held, truth, asked = seen / spread, held / spread, truth / scale, asked / scale
    predictions = {"ridge": ridge(seen, truth, held), "mlp": mlp(seen, truth, held)}
    return {
        name: 1 - ((asked - guess) ** 2).sum(axis=0) / (asked**2).sum(axis=0) for name, guess in predictions.items()
    }


def ridge(seen: np.ndarray, truth: np.ndarray, held: np.ndarray) -> np.ndarray:
    def expand(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.clip(values**2, 0, 9), values[:, :1] * values[:, 1:]], axis=1)

    design = expand(seen)
    return expand(held) @ np.linalg.solve(design.T @ design + np.eye(design.shape[1]), design.T @ truth)


def mlp(seen: np.ndarray, truth: np.ndarray, held: np.ndarray) -> np.ndarray:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 32), torch.nn.SiLU(), torch.nn.Linear(32, 2))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2, weight_decay=1e-4)
    inputs, wanted = (torch.tensor(values, dtype=torch.float32) for values in (seen, truth))
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(network(inputs), wanted).backward()
        optimiser.step()
    with torch.no_grad():
        return network(torch.tensor(held, dtype=torch.float32)).numpy()


@pytest.fixture(scope="module")
def clips() -> list[Landmarks]:
    return [animate(seed) for seed in range(NUM_CLIPS)]


def test_the_crop_tells_neither_mouth_nor_yaw(clips: list[Landmarks]) -> None:
    for name, share in explained(crop_features, clips).items():
        assert (share <= LARGEST_SHARE).all(), f"{name} reads mouth, yaw to {share}"


def test_the_probe_sees_a_leak(clips: list[Landmarks]) -> None:
    for name, share in explained(box_features, clips).items():
        assert (share > LARGEST_SHARE).all(), f"{name} reads only {share} from an unfiltered box"


@pytest.fixture(scope="module")
def conversations(skia_drawing: None) -> list[Landmarks]:  # noqa: ARG001 (skips where skia cannot be loaded)
    from contextalk.synth import TRAIN_PEOPLE
    from contextalk.synth.play import play

    stages = [play(seed, 100, TRAIN_PEOPLE).stage() for seed in range(8)]
    return [stage.landmarks(person) for stage in stages for person in range(len(stage.actors))]


def test_the_crop_of_synth_tells_neither(conversations: list[Landmarks]) -> None:
    for name, share in explained(crop_features, conversations).items():
        assert (share <= LARGEST_SHARE).all(), f"{name} reads mouth, yaw to {share}"
    leaking = explained(box_features, conversations)
    # Few people, held-out ones with other proportions: a leak is seen where either regressor sees it.
    best = np.maximum(leaking["ridge"], leaking["mlp"])
    assert (best > LARGEST_SHARE).all(), f"the probe reads only {leaking} from an unfiltered box"


def test_the_mask_is_one_shape() -> None:
    assert head_mask() is not head_mask()
    np.testing.assert_array_equal(head_mask(), head_mask())
