import torch

from contextalk.models.familiarity import Familiarity


def heads(count: int, seed: int, *, shift: float = 0.0, spread: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, 16, 16, 16, generator=generator) * spread
    kind = torch.randn(count, 16, 1, 1, generator=generator) * 0.3
    return latents + kind + shift


def test_heads_like_those_taught_are_familiar_and_others_are_not():
    familiarity = Familiarity()
    familiarity.settle(heads(500, 0))
    assert (familiarity(heads(200, 1)) <= 1).float().mean() > 0.99
    assert (familiarity(heads(50, 2, shift=3.0)) > 1).all()
    assert (familiarity(heads(50, 3, spread=3.0)) > 1).all()


def test_the_wall_behind_says_nothing():
    familiarity = Familiarity()
    familiarity.settle(heads(100, 0))
    seen = heads(5, 1)
    elsewhere = seen.clone()
    elsewhere[:, :, :4], elsewhere[..., 12:] = 9.0, -9.0
    torch.testing.assert_close(familiarity(elsewhere), familiarity(seen), rtol=0, atol=0)


def test_one_person_whose_latents_span_few_directions_can_be_familiar():
    familiarity = Familiarity()
    one = heads(1, 0)
    familiarity.settle(one + 0.01 * heads(40, 1))
    assert familiarity(one + 0.01 * heads(20, 2)).max() <= 1
    assert familiarity(one + 2.0).min() > 1
