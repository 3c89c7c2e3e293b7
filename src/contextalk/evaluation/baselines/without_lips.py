"""Ours, its stage 2 not told the lip references (paper, Sec. 5.5: aborted at inference)."""

from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.evaluation.baselines.pipelines import open_bundle, with_stages
from contextalk.generation.generate import generate_with
from contextalk.generation.stages import Stage2


class WithoutLips:
    """The same bundle and the same landmarks; the lips' null token stands where the references would."""

    name = "ours without lips"

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`.

        Raises:
            ContextalkError: Bad input.
        """
        pipeline, stage = open_bundle(request)
        faces = Stage2(stage.bundle, stage.drawing, without="lips")
        told = with_stages(pipeline, self.name, faces=faces, encode=None)  # drawn, strangers too: that is compared
        return generate_with(told, request, progress)
