"""MVControlNet: predict the noise of a window (paper, Eq. 6 and 8)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from contextalk.core.geometry import CROP_PX, LATENT_CELLS
from contextalk.core.records import NUM_POINTS
from contextalk.core.time import WINDOW_FRAMES
from contextalk.diffusion.process import Process
from contextalk.models.conditions import Condition, Modality
from contextalk.models.config import FaceHint, Step
from contextalk.models.expression import expression
from contextalk.models.machine import draw_normal, move
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.training.config import TrainConfig
from contextalk.training.objectives.points import point_figures, points_loss
from contextalk.training.windows import WindowBatch, WindowSet, take_frames

Stage = Literal["landmark", "face", "one_stage", "framewise"]

_DROPPABLE: tuple[Modality, ...] = ("audio", "lips", "identity")
"""Not the place: the scene is understood from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a network learns from a window.

    Attributes:
        stage: Whose x it is: drawings or heads.
        steps: `first`, `sequence`, or both for a network that does both.
        modalities: Parts of c_l it takes.
        face_hints: c_v of stage 2.
        residual: `landmark_residual` or `face_residual` of `ModelsConfig`; 0: x itself is generated.
    """

    stage: Stage
    steps: tuple[Step, ...]
    modalities: tuple[Modality, ...]
    face_hints: tuple[FaceHint, ...]
    residual: float = 0.0

    def clean(self, windows: WindowBatch) -> Tensor:
        """x_0: (B, F, 16, 16, 16), or what the stage's guess lacks."""
        whole = windows.drawing if self.stage == "landmark" else windows.face
        return (whole - self._guess(windows)) / self.residual if self.residual else whole

    @property
    def meets_strangers(self) -> bool:
        """Whether the network can do without sight of the scene and of who it is."""
        return "others" in self.modalities

    def regression(self, windows: WindowBatch, *, first: bool, stranger: bool = False) -> Condition:
        """c_l for the points that the condition encoders regress, before there is a guess."""
        return replace(self, residual=0.0).condition(windows, None, first=first, stranger=stranger)

    def _guess(self, windows: WindowBatch) -> Tensor:
        if self.stage == "face":
            return windows.bent
        assert windows.guess is not None  # made before training begins
        return windows.guess

    def condition(self, windows: WindowBatch, lips: Tensor | None, *, first: bool, stranger: bool = False) -> Condition:
        """c_l and c_v as DESIGN's table lists them; identity leaves stage 1 after the first frame.

        A stranger is a target unlike all that the bundle has seen. Of them stage 1 is told the sound and the numbers of
        the people around, which mean the same whatever the footage looks like; the scene view is blank, and neither
        identity nor place is told.
        """
        with_identity = "identity" in self.modalities and (first or self.stage == "face")
        hints = self._hints(windows)
        if stranger:
            hints, with_identity = (torch.zeros_like(hints[0]), *hints[1:]), False
        return Condition(
            hints=hints,
            audio=windows.mel if "audio" in self.modalities else None,
            lips=lips if "lips" in self.modalities else None,
            identity=windows.identity if with_identity else None,
            place=windows.place if "place" in self.modalities and not stranger else None,
            others=windows.others if "others" in self.modalities else None,
            expression=expression(windows.points[..., :NUM_POINTS, :]) if "expression" in self.modalities else None,
        )

    def _hints(self, windows: WindowBatch) -> tuple[Tensor, ...]:
        if self.stage == "landmark" and self.residual:
            return (windows.scene, self._guess(windows))
        if self.stage == "framewise":
            return (windows.scene, windows.drawing)
        if self.stage != "face":
            return (windows.scene,)
        frames = windows.face.shape[1]
        hints = {
            "drawing": windows.drawing,
            "masked": windows.masked,
            "identity": windows.identity[:, None].expand(-1, frames, -1, -1, -1),
            "bent": windows.bent,
        }
        return tuple(hints[name] for name in self.face_hints)


LipSource = Callable[[WindowBatch], Tensor]
"""(B, F, 1, 16, 16) lip references of a batch."""


class DenoisingObjective:
    """Mean squared error of the prediction over all frames but the carried one."""

    def __init__(
        self,
        name: str,
        network: MVControlNet,
        process: Process,
        lesson: Lesson,
        config: TrainConfig,
        training: WindowSet,
        held_out: WindowSet,
        *,
        lips: tuple[LipSource, LipSource] | None = None,
        generated_first: Tensor | None = None,
    ) -> None:
        """Bring data and network together.

        Args:
            name: Of the run.
            network: What is trained.
            process: What it predicts.
            lesson: Its inputs and target.
            config: Weights of the loss's parts.
            training: Windows to learn from.
            held_out: Windows to look at.
            lips: Lip references of training and held-out batches.
            generated_first: (N, 16, 16, 16) generated stand-in for each training frame as a sequence's first; NaN:
                none made.
        """
        self.name = name
        self.network = network
        self.process = process
        self.lesson = lesson
        self.config = config
        self.training = training
        self.held_out = held_out
        self.lips = lips
        self.generated_first = generated_first

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`. A step of first frames has eight times as many, so that every step costs the same."""
        first = self._is_first_step(generator)
        stranger = self._is_strangers_step(generator)
        count, length = (8 * batch, 1) if first else (batch, WINDOW_FRAMES)
        windows = self.training.draw(count, generator, length=length, stranger=stranger)
        condition = self._condition(windows, 0, first=first, stranger=stranger)
        condition = self._drop(condition, generator)
        carried = None if first else self._carried(windows, generator)
        error, points = self._errors(windows, condition, carried, generator)
        loss = (error * self._cell_weights(windows)).mean()
        figures = {"denoising": error.mean().detach()}
        if points is not None and self.config.auxiliary_weight and not self.lesson.residual:
            auxiliary = points_loss(points, windows.points)
            figures["auxiliary"] = auxiliary.detach()
            loss = loss + self.config.auxiliary_weight * auxiliary
        return loss, figures

    def evaluate(self) -> dict[str, float]:
        """Denoising error on held-out windows, always the same noise; side and mouth of the auxiliary points."""
        figures: dict[str, float] = {}
        for step in self.lesson.steps:
            figures |= self._evaluate_step(step, stranger=False)
            if self.lesson.meets_strangers:
                figures |= self._evaluate_step(step, stranger=True)
        return figures

    def _evaluate_step(self, step: Step, *, stranger: bool) -> dict[str, float]:
        first, name = step == "first", f"{step} stranger" if stranger else step
        windows = self.held_out.spread(128 if first else 48, length=1 if first else WINDOW_FRAMES, stranger=stranger)
        condition = self._condition(windows, 1, first=first, stranger=stranger)
        carried = None if first else self.lesson.clean(windows)[:, 0]
        error, points = self._errors(windows, condition, carried, torch.Generator().manual_seed(0))
        figures = {f"denoising {name}": float(error.mean())}
        if points is not None:
            figures |= {f"{what} {name}": value for what, value in point_figures(points, windows.points).items()}
        return figures

    def _is_first_step(self, generator: torch.Generator) -> bool:
        if len(self.lesson.steps) == 2:
            return bool(torch.rand((), generator=generator) < self.config.first_share)
        return self.lesson.steps[0] == "first"

    def _is_strangers_step(self, generator: torch.Generator) -> bool:
        # Drawn only where there are such steps: nothing changes for networks without them.
        return self.lesson.meets_strangers and bool(torch.rand((), generator=generator) < self.config.stranger_share)

    def _condition(self, windows: WindowBatch, source: int, *, first: bool, stranger: bool) -> Condition:
        lips = self.lips[source](windows) if self.lips is not None else None
        return self.lesson.condition(windows, lips, first=first, stranger=stranger)

    def _drop(self, condition: Condition, generator: torch.Generator) -> Condition:
        """Each modality of a whole batch now and then becomes its null token, so that its absence is understood."""
        # Drawn last, and only where they are told: nothing changes for networks without them.
        late = tuple(name for name in ("expression", "others") if name in self.lesson.modalities)
        names = (*_DROPPABLE, *late)
        dropped = {
            name: None for name in names if float(torch.rand((), generator=generator)) < self.config.condition_dropout
        }
        return replace(condition, **dropped)

    def _carried(self, windows: WindowBatch, generator: torch.Generator) -> Tensor:
        """The clean first frame, true or generated (paper, Sec. 4.4), slightly noised against drift."""
        carried = self.lesson.clean(windows)[:, 0]
        if self.generated_first is not None:
            stand_in = take_frames(self.generated_first, windows.frames[:, 0], carried.device)
            drawn = move(torch.rand(len(carried), generator=generator), carried.device)
            wanted = drawn < self.config.generated_first_share
            usable = ~stand_in.flatten(1).isnan().any(dim=1)
            carried = torch.where((wanted & usable)[:, None, None, None], stand_in, carried)
        return carried + self.config.carried_noise * draw_normal(carried.shape, generator, carried.device)

    def _errors(
        self, windows: WindowBatch, condition: Condition, carried: Tensor | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Squared errors (B, F or F − 1, 16, 16, 16) of the noised frames, and the auxiliary points."""
        clean = self.lesson.clean(windows)
        time = move(self.process.sample_times(len(clean), generator), clean.device)
        noise = draw_normal(clean.shape, generator, clean.device)
        noisy = self.process.add_noise(clean, noise, time)
        if carried is not None:
            noisy = torch.cat([carried[:, None], noisy[:, 1:]], dim=1)
        predicted, points = self.network.predict(noisy, time, condition, first_is_clean=carried is not None)
        error = (predicted - self.process.target(clean, noise, time)).square()
        return (error if carried is None else error[:, 1:]), points

    def _cell_weights(self, windows: WindowBatch) -> Tensor:
        """(B, F or F − 1, 1, 16, 16), mean about 1: more at mouth and eyes."""
        points = windows.points
        axis = (torch.arange(LATENT_CELLS, device=points.device) + 0.5) * (CROP_PX / LATENT_CELLS)
        bumps = torch.zeros(*points.shape[:2], LATENT_CELLS, LATENT_CELLS, device=points.device)
        for part, reach in ((slice(48, 68), 20.0), (slice(36, 48), 24.0)):
            x, y = points[..., part, :].mean(dim=-2).unbind(dim=-1)
            squared = (axis - x[..., None, None]) ** 2 + (axis[:, None] - y[..., None, None]) ** 2
            bumps = bumps + torch.exp(-squared / (2 * reach**2))
        weights = (1 + self.config.mouth_weight * bumps)[:, :, None]
        return weights if windows.face.shape[1] == 1 else weights[:, 1:]
