"""Ours without sight of the scene: the floor of every figure that is about context."""

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.evaluation.baselines.pipelines import open_bundle, refuse, with_stages
from contextalk.faces.views import GREY
from contextalk.generation.generate import generate_with
from contextalk.generation.pipeline import Face, LandmarkStage, Picture


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

    def window(
        self,
        scene_view: Picture,
        mel: NDArray[np.float32],
        place: NDArray[np.float32],
        identity_head: Picture,
        carried: Face | None,
        seed: int,
    ) -> tuple[Points, Points]:
        """As the stage's own, of a view in the masks' grey all over."""
        return self._stage.window(np.full_like(scene_view, GREY), mel, place, identity_head, carried, seed)
