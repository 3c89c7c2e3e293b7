"""Ours, as it is and with true landmarks (paper, Table 1: "Ours gen-lmk" and "Ours gt-lmk")."""

from dataclasses import replace
from pathlib import Path

from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.evaluation.baselines.pipelines import refuse
from contextalk.faces.targets import choose_target
from contextalk.generation.checks import check_request
from contextalk.generation.generate import generate
from contextalk.generation.region import analyse_scene


class Ours:
    """Both stages of the request's bundle."""

    name = "ours"

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`.

        Raises:
            ContextalkError: Landmarks are given; bad input.
        """
        refuse(request, self.name, "landmarks")
        return generate(request, progress)


class OursTrueLandmarks:
    """Stage 2 alone, on the landmarks of the person who truly speaks: what stage 1 costs."""

    name = "ours, true landmarks"

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`, on the request's landmarks or else the target's own in the scene."""
        return generate(with_true_landmarks(request, progress), progress)


def with_true_landmarks(request: GenerateRequest, progress: Progress | None = None) -> GenerateRequest:
    """The request with the target's landmarks as the scene shows them, written beside the output.

    A fixed file name, so that interrupted work is found again.

    Raises:
        ContextalkError: With a mask the scene need not show the target: landmarks must be given.
    """
    if request.landmarks is not None:
        return request
    if request.mask is not None:
        raise ContextalkError("a mask was given without landmarks, wanted both: a masked scene does not show the truth")
    check_request(request)
    analysis = analyse_scene(request, progress)
    path = true_landmarks_path(request)
    choose_target(analysis, request.target).landmarks.save(path)
    return replace(request, landmarks=path)


def true_landmarks_path(request: GenerateRequest) -> Path:
    """Where the landmarks that were used are kept: OUT.true-landmarks.npz."""
    return request.output.with_suffix(".true-landmarks.npz")
