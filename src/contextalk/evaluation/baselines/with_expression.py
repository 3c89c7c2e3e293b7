"""Ours, its stage 2 told the expression besides (paper, Sec. 5.5), by a network trained for it."""

from pathlib import Path

from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.core.runs import WEIGHTS
from contextalk.evaluation.baselines.ablation import load_ablation
from contextalk.evaluation.baselines.pipelines import open_bundle, with_stages
from contextalk.generation.generate import generate_with
from contextalk.generation.stages import Stage2
from contextalk.generation.work import file_digest


class WithExpression:
    """The same stage 1; the expression is measured on the landmarks that are drawn."""

    name = "ours with expression"

    def __init__(self, weights: Path | None = None) -> None:
        """Take RUN/expression; None: the bundle's own `expression` network."""
        self.weights = weights

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`.

        Raises:
            ContextalkError: No such network; bad input.
        """
        pipeline, stage = open_bundle(request)
        network = load_ablation(
            "expression",
            stage.bundle,
            self.weights,
            modalities={"lips", "identity", "expression"},
            num_hints=len(stage.bundle.card.models.face_hints),
        )
        told = with_stages(
            pipeline,
            self.name,
            "" if self.weights is None else file_digest(self.weights / WEIGHTS),
            faces=Stage2(stage.bundle, stage.drawing, network=network),
            encode=None,  # drawn, strangers too: that is compared
        )
        return generate_with(told, request, progress)
