"""Ours without sight of the scene: the floor of every figure that is about context."""

from dataclasses import replace

import numpy as np

from contextalk.core.geometry import Points
from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.evaluation.baselines.pipelines import open_bundle, refuse, with_stages
from contextalk.faces.views import GREY
from contextalk.generation.generate import generate_with
from contextalk.generation.pipeline import Face, LandmarkStage, Told


class SceneBlind:
    """The same bundle, its stage 1 shown a grey picture where the scene would be."""

    name = "scene-blind"

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`.

        Raises:
            ContextalkError: Landmarks are given, so that there is no stage 1; bad input.
        """
        refuse(request, self.name, "landmarks")
        pipeline, _ = open_bundle(request)
        blind = with_stages(pipeline, self.name, landmarks=BlindLandmarks(pipeline.landmarks))
        return generate_with(blind, request, progress)


class BlindLandmarks:
    """A stage 1 behind a blindfold. Where the target stands it is still told; who else is there it is not."""

    def __init__(self, stage: LandmarkStage) -> None:
        self._stage = stage

    def window(self, told: Told, carried: Face | None, seed: int) -> tuple[Points, Points]:
        """As the stage's own, of a view in the masks' grey all over and of nobody around."""
        view = None if told.scene_view is None else np.full_like(told.scene_view, GREY)
        return self._stage.window(replace(told, scene_view=view, others=np.zeros_like(told.others)), carried, seed)
