import numpy as np
import torch

from contextalk.models.familiarity import Familiarity, texture


def drawn(count: int, seed: int) -> torch.Tensor:
    """Flat colours with hard edges."""
    random = np.random.default_rng(seed)
    heads = np.empty((count, 256, 256, 3), np.uint8)
    for head in heads:
        head[:] = random.integers(0, 255, 3)
        for _ in range(12):
            x, y, width, height = random.integers(20, 200), random.integers(20, 200), *random.integers(20, 90, 2)
            head[y : y + height, x : x + width] = random.integers(0, 255, 3)
    return torch.from_numpy(heads)


def grained(heads: torch.Tensor, seed: int) -> torch.Tensor:
    """The same as a camera would see them."""
    noise = np.random.default_rng(seed).normal(0, 6, heads.shape)
    return torch.from_numpy(np.clip(heads.numpy() + noise, 0, 255).astype(np.uint8))


def test_heads_like_those_taught_are_familiar_and_others_are_not():
    familiarity = Familiarity()
    familiarity.settle(texture(drawn(150, 0)))
    assert (familiarity(drawn(60, 1)) <= 1).float().mean() > 0.95
    assert (familiarity(grained(drawn(20, 2), 3)) > 1).all()


def test_the_wall_behind_says_nothing():
    familiarity = Familiarity()
    familiarity.settle(texture(drawn(50, 0)))
    seen = drawn(3, 1)
    elsewhere = seen.clone()
    elsewhere[:, :50], elsewhere[:, :, 210:] = 9, 250
    torch.testing.assert_close(familiarity(elsewhere), familiarity(seen), rtol=0, atol=0)


def test_one_person_whose_heads_are_alike_can_be_familiar():
    familiarity = Familiarity()
    one = drawn(1, 0).expand(100, -1, -1, -1)
    familiarity.settle(texture(grained(one, 1)))
    assert (familiarity(grained(one, 2)) <= 1).float().mean() > 0.95
    assert familiarity(one[:1]).min() > 1
