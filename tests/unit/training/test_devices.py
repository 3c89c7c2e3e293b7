"""Learning on a device that is not the CPU.

PyTorch's `meta` device stands in for a card: a tensor there that meets one of the CPU, element by element, raises, and
so does every attempt to read a number from it, which would make a card wait.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.unit.training.test_context import CONFIG
from tests.unit.training.test_context import LESSON as CONTEXT_LESSON
from tests.unit.training.test_denoising import clip
from tests.unit.training.test_judges import speaking
from torch import nn

from contextalk.diffusion.process import Process
from contextalk.models.codec import Codec, CodecConfig
from contextalk.models.lips import LipGenerator, LipsConfig
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.reader import LandmarkReader, ReaderConfig
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from contextalk.training.checkpoint import load_checkpoint, save_checkpoint
from contextalk.training.config import Budget, TrainConfig
from contextalk.training.lip_references import FoldedLips
from contextalk.training.loop import Learner, Objective
from contextalk.training.objectives.codec import CodecObjective
from contextalk.training.objectives.context import ContextObjective
from contextalk.training.objectives.denoising import DenoisingObjective, Lesson
from contextalk.training.objectives.lips import LipsObjective
from contextalk.training.objectives.probe import ProbeObjective
from contextalk.training.objectives.reader import ReaderObjective
from contextalk.training.objectives.sync import SyncObjective
from contextalk.training.picture_set import PictureSet
from contextalk.training.windows import Guesses, WindowSet

ELSEWHERE = torch.device("meta")
CLIPS = [clip("a"), clip("bb")]
EVERYTHING = TrainConfig(
    first_share=0.5,
    carried_noise=0.05,
    condition_dropout=0.5,
    auxiliary_weight=0.1,
    mouth_weight=2.0,
    generated_first_share=0.5,
)
BUDGET = Budget(windows=8, batch=2, learning_rate=1e-3)


def codec(device: torch.device) -> Objective:
    pictures = PictureSet.__new__(PictureSet)  # without a dataset to read
    pictures.device = device
    frames = torch.zeros(6, 256, 256, 3, dtype=torch.uint8, device=device)
    pictures.pictures = {"face": frames, "masked": frames, "drawing": frames, "scene": frames}
    pictures._points = torch.rand(6, 70, 2) * 256
    config = CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1, latent_noise=0.1)
    return CodecObjective(Codec(config).to(device), pictures)


def face(device: torch.device) -> Objective:
    windows = WindowSet(CLIPS, device)
    lips = FoldedLips(LipGenerator(LipsConfig(channels=16)).to(device), CLIPS)
    lesson = Lesson(
        stage="face",
        steps=("first", "sequence"),
        modalities=("lips", "identity"),
        face_hints=("drawing", "bent"),
        residual=0.7,
    )
    shape = replace(CONFIG, modalities=lesson.modalities, num_hints=2, predict_points=False, hints_in_video_branch=True)
    network = MVControlNet(replace(shape, per_frame_time=True)).to(device)
    made = torch.zeros(80, 16, 16, 16)  # kept on the CPU, as a large one would be
    flow = Process(prediction="flow")
    return DenoisingObjective(
        "face", network, flow, lesson, EVERYTHING, windows, windows, lips=(lips, lips), generated_first=made
    )


def landmark(device: torch.device, *, residual: float = 0.0) -> Objective:
    windows = WindowSet(CLIPS, device)
    guess = torch.zeros(80, 16, 16, 16, device=device)
    windows.guesses = Guesses(first=guess, sequence=guess, stranger=guess)
    lesson = replace(CONTEXT_LESSON, residual=residual)
    network = MVControlNet(replace(CONFIG, num_hints=2 if residual else 1)).to(device)
    return DenoisingObjective("landmark", network, Process(), lesson, EVERYTHING, windows, windows)


def windows_of(make: Callable[[WindowSet, WindowSet], Objective]) -> Callable[[torch.device], Objective]:
    return lambda device: make(WindowSet(CLIPS, device), WindowSet(CLIPS, device))


# Not the lip reader: packed sequences want their lengths on the CPU, so a step of it waits.
OBJECTIVES: dict[str, Callable[[torch.device], Objective]] = {
    "codec": codec,
    "face": face,
    "landmark": landmark,
    "landmark on guesses": lambda device: landmark(device, residual=0.7),
    "context": windows_of(lambda *sets: ContextObjective(MVControlNet(CONFIG), CONTEXT_LESSON, *sets)),
    "probe": windows_of(ProbeObjective),
    "reader": windows_of(lambda *sets: ReaderObjective("reader", LandmarkReader(ReaderConfig(channels=16)), *sets)),
    "lips": lambda device: LipsObjective(LipGenerator(LipsConfig(channels=16)), CLIPS, CLIPS, device),
    "sync": lambda _: SyncObjective(SyncJudge(SyncJudgeConfig(channels=8, dim=8)), [speaking("1"), speaking("2")]),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_step_stays_on_the_device_of_its_network(name: str) -> None:
    objective = OBJECTIVES[name](ELSEWHERE)
    objective.network.to(ELSEWHERE)
    learner = Learner.start(objective, BUDGET, EVERYTHING)
    for seen in range(0, 6, 2):  # first frames and sequences, with and without what is dropped
        figures = learner.step(seen)
        assert {value.device for value in figures.values()} == {ELSEWHERE}
    assert {value.device for value in learner.averaged.values()} == {ELSEWHERE}


@pytest.mark.parametrize("name", ["face", "reader"])
def test_what_is_kept_on_the_cpu_is_moved_batch_by_batch(name: str) -> None:
    """Data too large for a card."""
    objective = OBJECTIVES[name](torch.device("cpu"))
    assert isinstance(objective, DenoisingObjective | ReaderObjective)
    objective.network.to(ELSEWHERE)
    objective.training.device = ELSEWHERE
    if isinstance(objective, DenoisingObjective):
        assert objective.lips is not None
        objective.lips[0].lips.to(ELSEWHERE)  # pyright: ignore[reportFunctionMemberAccess]
    figures = Learner.start(objective, BUDGET, EVERYTHING).step(0)
    assert figures["loss"].device == ELSEWHERE


def test_batches_are_the_same_on_every_device() -> None:
    here, there = (
        WindowSet(CLIPS, device).draw(5, torch.Generator().manual_seed(3))
        for device in (torch.device("cpu"), ELSEWHERE)
    )
    assert torch.equal(here.frames, there.frames)
    assert there.frames.device.type == "cpu"
    assert there.face.device == there.identity.device == ELSEWHERE
    assert (there.face.shape, there.lips.dtype) == (here.face.shape, here.lips.dtype)


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")  # that it has no numbers is the point
def test_a_checkpoint_may_go_on_elsewhere(tmp_path: Path) -> None:
    """A checkpoint is read to the CPU and put where the network is, optimiser and average with it."""
    objective = OBJECTIVES["reader"](torch.device("cpu"))
    learner = Learner.start(objective, BUDGET, EVERYTHING)
    learner.step(0)
    save_checkpoint(tmp_path, objective.network, learner.optimizer, learner.averaged, seen=2, figures={})
    elsewhere = OBJECTIVES["reader"](ELSEWHERE)
    elsewhere.network.to(ELSEWHERE)
    gone_on = Learner.start(elsewhere, BUDGET, EVERYTHING)
    assert load_checkpoint(tmp_path, elsewhere.network, gone_on.optimizer, gone_on.averaged) == (2, {})
    moments = [state["exp_avg"] for state in gone_on.optimizer.state.values()]
    assert moments
    for tensor in (*moments, *elsewhere.network.parameters(), *gone_on.averaged.values()):
        assert tensor.device == ELSEWHERE


def test_the_stand_in_notices_what_is_left_behind() -> None:
    """Of the tests above: a CPU tensor in a step on the device, or a number read from it, is an error."""

    class Careless:
        name = "careless"
        network: nn.Module = nn.Linear(4, 4).to(ELSEWHERE)

        def __init__(self, fault: str) -> None:
            self.fault = fault

        def loss(self, batch: int, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            x = torch.ones(batch, 4, device=ELSEWHERE)
            if self.fault == "left behind":
                x = x * torch.rand(batch, 4, generator=generator)
            out = self.network(x).square().mean()
            return out, {"read": out.detach() if self.fault == "left behind" else torch.tensor(float(out.detach()))}

        def evaluate(self) -> dict[str, float]:
            return {}

    # PyTorch says the one or the other of what a meta tensor cannot do, by version.
    for fault in ("left behind", "read"):
        with pytest.raises((RuntimeError, NotImplementedError)):
            Learner.start(Careless(fault), BUDGET, EVERYTHING).step(0)
