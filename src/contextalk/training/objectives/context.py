"""Context before generation: the condition encoders of stage 1 learn what they can tell of the points, without a U-Net.

A side is one example a scene: context wants many distinct frames a step, and a denoising step shows eight scenes. This
step shows hundreds for the same price.
"""

from dataclasses import replace

import torch
from torch import Tensor

from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.training.objectives.denoising import Lesson
from contextalk.training.objectives.points import point_figures, points_loss
from contextalk.training.voice_variation import vary_voices
from contextalk.training.windows import WindowBatch, WindowSet


class ContextObjective:
    """The points regressed from c_l, over single frames."""

    name = "context"

    def __init__(
        self,
        network: MVControlNet,
        lesson: Lesson,
        training: WindowSet,
        held_out: WindowSet,
        *,
        spoken: WindowSet | None = None,
        stranger_share: float = 0.0,
    ) -> None:
        """Bring data and network together.

        Args:
            network: Whose condition encoders learn.
            lesson: What they are told.
            training: Frames to learn from.
            held_out: Frames to look at.
            spoken: The same dubbed by real speakers, to look at besides.
            stranger_share: As in `TrainConfig`.
        """
        self.network = network
        self.lesson = lesson
        self.training = training
        self.held_out = held_out
        self.spoken = spoken
        self.stranger_share = stranger_share

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; a window is eight frames of eight clips, each in another voice than the clip's.

        Half of the steps are told who it is.
        """
        windows = self.training.draw(8 * batch, generator, length=1)
        windows = replace(windows, mel=vary_voices(windows.mel, generator))
        with_identity = bool(torch.rand((), generator=generator) < 0.5)
        stranger = self.lesson.meets_strangers and bool(torch.rand((), generator=generator) < self.stranger_share)
        points = self._regress(windows, first=with_identity, stranger=stranger)
        return points_loss(points, windows.points), {}

    def evaluate(self) -> dict[str, float]:
        """Distance, side and mouth on held-out frames."""
        figures = self._evaluate(self.held_out)
        if self.spoken is not None:
            figures |= {f"{name} real speech": value for name, value in self._evaluate(self.spoken).items()}
        return figures

    def _evaluate(self, held_out: WindowSet) -> dict[str, float]:
        windows = held_out.spread(512, length=1)
        figures = point_figures(self._regress(windows, first=True, stranger=False), windows.points)
        if self.lesson.meets_strangers:
            strangers = point_figures(self._regress(windows, first=True, stranger=True), windows.points)
            figures |= {f"{name} stranger": value for name, value in strangers.items()}
        return figures

    def _regress(self, windows: WindowBatch, *, first: bool, stranger: bool) -> Tensor:
        return self.network.regress_points(self.lesson.regression(windows, first=first, stranger=stranger))
