"""The training rule: what is clean, what is in the loss, what may be seen (paper, Sec. 4.4 and Eq. 8)."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from contextalk.diffusion.process import Process
from contextalk.models.conditions import Condition
from contextalk.models.expression import expression
from contextalk.presets import compact, paper
from contextalk.training.config import TrainConfig
from contextalk.training.latents import LatentClip
from contextalk.training.objectives.denoising import DenoisingObjective, Lesson
from contextalk.training.objectives.lips import fold_of
from contextalk.training.windows import WindowSet


def clip(key: str, frames: int = 40, person: str = "anna") -> LatentClip:
    generator = torch.Generator().manual_seed(len(key))

    def random(*shape: int) -> Tensor:
        return torch.randn(frames, *shape, generator=generator)

    return LatentClip(
        key=key,
        person=person,
        split="train",
        face=random(16, 16, 16),
        masked=random(16, 16, 16),
        bent=random(16, 16, 16),
        drawing=random(16, 16, 16),
        scene=random(16, 16, 16),
        mel=random(80, 16),
        place=random(3),
        others=random(3, 7),
        points=random(70, 2) * 20 + 128,
        lips=torch.randint(0, 256, (frames, 16, 16), dtype=torch.uint8, generator=generator),
    )


class Spy(nn.Module):
    """Predicts nothing and remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.shown: list[tuple[Tensor, Condition, bool]] = []

    def predict(
        self, noisy: Tensor, time: Tensor, condition: Condition, *, first_is_clean: bool
    ) -> tuple[Tensor, None]:
        assert time.shape == noisy.shape[:1]
        self.shown.append((noisy, condition, first_is_clean))
        return self.weight + torch.zeros_like(noisy), None


def objective(
    stage: str = "face", step: str = "sequence", *, generated: Tensor | None = None, **config: float
) -> DenoisingObjective:
    windows = WindowSet([clip("a"), clip("bb")])
    lesson = Lesson(stage=stage, steps=(step,), modalities=("audio", "identity"), face_hints=("drawing", "masked"))  # pyright: ignore[reportArgumentType]
    training = TrainConfig(**config)  # pyright: ignore[reportArgumentType]
    return DenoisingObjective("x", Spy(), Process(), lesson, training, windows, windows, generated_first=generated)  # pyright: ignore[reportArgumentType]


def test_the_first_frame_goes_in_clean_and_is_not_in_the_loss() -> None:
    learning = objective()
    windows = learning.training.draw(4, torch.Generator().manual_seed(0))
    errors, _ = learning._errors(
        windows,
        learning._condition(windows, 0, first=False, stranger=False),
        windows.face[:, 0],
        torch.Generator().manual_seed(1),
    )
    noisy, _, first_is_clean = learning.network.shown[-1]
    assert first_is_clean
    assert torch.equal(noisy[:, 0], windows.face[:, 0])
    assert not torch.isclose(noisy[:, 1:], windows.face[:, 1:]).any(dim=(2, 3, 4)).all()
    assert errors.shape == (4, 7, 16, 16, 16)
    # The spy predicts 0 where noise is wanted: its error is the noise's variance, 1, from 114 688 values (s.e. 0.004).
    assert errors.mean().item() == pytest.approx(1.0, abs=0.02)


def test_a_first_frame_is_noised_and_learnt() -> None:
    learning = objective(step="first")
    loss, _ = learning.loss(2, torch.Generator().manual_seed(0))
    noisy, _, first_is_clean = learning.network.shown[-1]
    assert not first_is_clean
    assert noisy.shape == (16, 1, 16, 16, 16)  # eight single frames cost what a window costs
    loss.backward()
    assert learning.network.weight.grad is not None


def test_generated_first_frames_are_fed_to_sequences() -> None:
    marked = torch.full((80, 16, 16, 16), 7.0)
    marked[::2] = float("nan")  # none was made of these
    learning = objective(generated=marked, generated_first_share=1.0)
    generator = torch.Generator().manual_seed(3)
    windows = learning.training.draw(32, generator)
    carried = learning._carried(windows, generator)
    made = ~marked[windows.frames[:, 0]].flatten(1).isnan().any(dim=1)
    assert 0 < made.sum() < 32
    assert (carried[made] == 7).all()
    assert torch.equal(carried[~made], windows.face[~made][:, 0])
    true = objective(generated=marked, generated_first_share=0.0)
    assert torch.equal(true._carried(windows, generator), windows.face[:, 0])


@pytest.mark.parametrize("step", ["first", "sequence"])
def test_stage_1_is_told_identity_for_its_first_frame_only(step: str) -> None:
    learning = objective(stage="landmark", step=step)
    learning.loss(2, torch.Generator().manual_seed(0))
    noisy, condition, _ = learning.network.shown[-1]
    assert (condition.identity is not None) == (step == "first")
    assert condition.audio is not None
    assert len(condition.hints) == 1
    assert condition.hints[0].shape == noisy.shape


def test_expression_is_measured_on_the_points_where_it_is_told() -> None:
    windows = WindowSet([clip("a"), clip("bb")]).spread(3)
    lesson = Lesson(stage="face", steps=("first",), modalities=("identity",), face_hints=("drawing",))
    assert lesson.condition(windows, None, first=True).expression is None
    told = replace(lesson, modalities=("identity", "expression")).condition(windows, None, first=True).expression
    assert told is not None
    assert torch.equal(told, expression(windows.points[..., :68, :]))


def test_folds_share_clips_evenly_and_for_good() -> None:
    folds = [fold_of(f"clip-{number}", 2) for number in range(400)]
    assert folds == [fold_of(f"clip-{number}", 2) for number in range(400)]
    # 400 fair coins: six standard deviations of 10.
    assert abs(sum(folds) - 200) < 60


def test_a_residual_is_what_the_bent_identity_lacks() -> None:
    learning = objective()
    windows = learning.training.draw(2, torch.Generator().manual_seed(0))
    lesson = replace(learning.lesson, residual=0.5, face_hints=("drawing", "bent"))
    torch.testing.assert_close(windows.bent + 0.5 * lesson.clean(windows), windows.face)
    assert torch.equal(learning.lesson.clean(windows), windows.face)
    hints = lesson.condition(windows, None, first=True).hints
    assert torch.equal(hints[1], windows.bent)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"face_hints": ("drawing",)}, "wants bent"),
        ({"face_residual": -1.0}, "face_residual is -1.0, wanted 0 or more"),
        ({"noise_scale": 0.0}, "noise_scale is 0.0, wanted 0 < scale"),
        ({"networks": paper().models.networks}, "wants predict_points"),
    ],
)
def test_models_that_cannot_be_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(compact().models, **wrong)
