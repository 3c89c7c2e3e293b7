"""Both stages on networks of random weights: what is carried comes back, what is generated is added to the guess."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.generation_kit import face_points
from torch.overrides import TorchFunctionMode

from contextalk.core.records import OTHERS_SHAPE
from contextalk.faces.warp import lay_heads
from contextalk.generation.identity import IdentityHead
from contextalk.generation.pipeline import Shown, Told
from contextalk.generation.stages import Drawing, Stage1, Stage2
from contextalk.models.bundle import Bundle, BundleCard
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.pictures import encode_pictures
from contextalk.presets import compact


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    torch.manual_seed(0)
    models = compact().models
    tiny = {
        name: replace(config, base_channels=8, head_dim=8, condition_dim=16, time_dim=16)
        for name, config in models.networks.items()
    }
    card = BundleCard(models=replace(models, networks=tiny), whom="nobody", persons=(), record={}, licence="none")
    made = Bundle(card)
    for module in made.modules.values():
        module.eval().requires_grad_(requires_grad=False)
    return made


DRAWING = Drawing(sampler="dpm", num_steps=2)
FACE = face_points((128, 140), 120)
PUPILS = np.stack([FACE[36:42].mean(axis=0), FACE[42:48].mean(axis=0)])
WHOLE = np.concatenate([FACE, PUPILS])


def pictures(frames: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (frames, 256, 256, 3), dtype=np.uint8)


def shown(frames: int, mel: np.ndarray | None = None, **changes: Any) -> Shown:
    """All that a stage 2 is shown."""
    mel = np.zeros((frames, 80, 16), np.float32) if mel is None else mel
    points, head = np.repeat(WHOLE[None], frames, axis=0), IdentityHead(picture=pictures(1, 1)[0], points=WHOLE)
    masked = pictures(frames, 3)
    everything = Shown(
        drawing=pictures(frames, 2),
        masked_crop=masked,
        points=points,
        times_s=np.arange(frames) / 25,
        mel=mel,
        lip_mel=mel,
        identity=head,
        bent=lay_heads(masked, head.picture, head.points, points),
    )
    return replace(everything, **changes)


def told(mel: np.ndarray) -> Told:
    """All that a stage 1 is told of somebody it knows."""
    return Told(
        mel=mel,
        others=np.full((len(mel), *OTHERS_SHAPE), 0.5, np.float32),
        scene_view=pictures(len(mel), 0),
        place=np.full((len(mel), 3), 0.5, np.float32),
        identity_head=pictures(1, 1)[0],
    )


def test_stage_1_gives_back_the_carried_face_and_follows_the_sound(bundle: Bundle):
    stage = Stage1(bundle, DRAWING)
    mel = np.random.default_rng(0).normal(size=(8, 80, 16)).astype(np.float32)
    points, pupils = stage.window(told(mel[:1]), None, 0)
    assert points.shape == (1, 68, 2)
    points, pupils = stage.window(told(mel), (FACE, PUPILS), 0)
    assert np.array_equal(points[0], FACE)
    assert np.array_equal(pupils[0], PUPILS)
    other, _ = stage.window(told(mel + 1), (FACE, PUPILS), 0)
    assert np.abs(other[1:] - points[1:]).max() > 0


def test_stage_1_of_a_stranger_is_told_of_the_others_and_sees_nothing(bundle: Bundle):
    stage = Stage1(bundle, DRAWING)
    known = told(np.zeros((1, 80, 16), np.float32))
    stranger = Told(mel=known.mel, others=known.others)
    first, _ = stage.window(stranger, None, 0)
    assert np.isfinite(first).all()
    assert not np.array_equal(first, stage.window(known, None, 0)[0])
    moved = replace(stranger, others=stranger.others * -1)
    assert not np.array_equal(first, stage.window(moved, None, 0)[0])


def test_stage_2_gives_back_the_carried_latent(bundle: Bundle):
    stage = Stage2(bundle, DRAWING)
    carried = torch.randn(16, 16, 16, generator=torch.Generator().manual_seed(0))
    heads, latents = stage.window(shown(8), carried, 0)
    assert heads.shape == (8, 256, 256, 3)
    # (carried − base) / scale · scale + base in float32.
    torch.testing.assert_close(latents[0], carried, atol=1e-5, rtol=0)


def test_what_stage_2_generates_is_added_to_the_bent_identity(bundle: Bundle):
    """A network that says all noise is noise leaves the bent identity, whatever its scale."""
    stage = Stage2(bundle, DRAWING)
    network = bundle.network("face", "first")
    drawn: list[torch.Tensor] = []

    def nothing(noisy: torch.Tensor, time: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        drawn.append(noisy)
        return noisy / (time / 1000).clamp(min=1e-3).reshape(-1, 1, 1, 1, 1)  # flow ε − 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(network), "forward", lambda _, *given, **named: nothing(*given, **named))
        _, latents = stage.window(shown(1), None, 0)
    bent = encode_pictures(bundle.codec, shown(1).bent, "face")
    # Solver and bf16 rounding of latents of unit size.
    torch.testing.assert_close(latents, bent.float(), atol=0.05, rtol=0)
    assert len(drawn) == 2


def test_stage_2_wants_what_its_networks_were_taught_on(bundle: Bundle):
    assert Stage2(bundle, DRAWING).wants == {"bent"}
    plain = replace(bundle.card, models=replace(bundle.card.models, face_hints=("drawing",), face_residual=0.0))
    assert not Stage2(Bundle(plain), DRAWING).wants


class EverythingHasAPlace(TorchFunctionMode):
    """Refuses tensors that our code makes without saying where: on a card's window they would be on the CPU.

    Draws with a generator are the CPU's on every device and moved; so is the schedule of the noise.
    """

    MAKERS = frozenset({torch.zeros, torch.ones, torch.full, torch.empty, torch.arange, torch.linspace, torch.eye})
    DRAWS = frozenset({torch.rand, torch.randn, torch.randint})

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        caller = sys._getframe(1)
        placed = kwargs.get("device") is not None or (func in self.DRAWS and kwargs.get("generator") is not None)
        if func in self.MAKERS | self.DRAWS and caller.f_globals["__name__"].startswith("contextalk.") and not placed:
            raise AssertionError(f"{caller.f_code.co_filename}:{caller.f_lineno} makes a tensor without a device")
        return func(*args, **kwargs)


@pytest.mark.parametrize("frames", [1, 8])
def test_every_tensor_of_a_window_has_its_device(bundle: Bundle, frames: int):
    mel = np.zeros((frames, 80, 16), np.float32)
    carried = None if frames == 1 else torch.zeros(16, 16, 16)
    face = None if frames == 1 else (FACE, PUPILS)
    with EverythingHasAPlace():
        Stage1(bundle, DRAWING).window(told(mel), face, 0)
        Stage2(bundle, DRAWING).window(shown(frames), carried, 0)
    with EverythingHasAPlace(), pytest.raises(AssertionError, match="makes a tensor without a device"):
        _made_by("contextalk.elsewhere")


def _made_by(module: str) -> torch.Tensor:
    """A tensor without a device, made by code of a module of that name."""
    return eval("torch.zeros(1)", {"torch": torch, "__name__": module})


def test_stage_2_is_told_the_expression_of_what_is_drawn_where_its_network_wants_it(bundle: Bundle):
    plain = bundle.network("face", "first").config
    closed, opened = FACE[None].copy(), FACE[None].copy()
    opened[:, 65:68, 1] += 9  # without the drawing: what is told of them alone is looked at
    models = replace(bundle.card.models, face_hints=("drawing",), face_residual=0.0)
    alone = Bundle(replace(bundle.card, models=models))
    for modalities, moves in ((plain.modalities, False), ((*plain.modalities, "expression"), True)):
        torch.manual_seed(1)
        network = MVControlNet(replace(plain, modalities=modalities, num_hints=1))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        stage = Stage2(alone, DRAWING, network=network.eval())
        seen = [stage.window(shown(1, points=points, bent=None), None, 0)[1] for points in (closed, opened)]
        assert (not torch.equal(*seen)) == moves, modalities


def test_lips_can_be_kept_from_stage_2(bundle: Bundle):
    network = MVControlNet(replace(bundle.network("face", "first").config, dropout=0.0)).eval()
    torch.manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    mels = [np.full((1, 80, 16), level, np.float32) for level in (-3, 3)]
    for without, same in ((None, False), ("lips", True)):
        stage = Stage2(bundle, DRAWING, network=network, without=without)
        seen = [stage.window(shown(1, mel), None, 0)[1] for mel in mels]
        assert torch.equal(*seen) == same, without
