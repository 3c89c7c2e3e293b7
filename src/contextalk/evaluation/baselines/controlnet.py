"""ControlNet on Stable Diffusion 1.5: scene and true landmarks, frame by frame (paper, Sec. 5.2, Table 1)."""

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.evaluation.baselines.controlnet_models import SceneControlNet, read_card
from contextalk.evaluation.baselines.one_stage import NoLandmarks
from contextalk.evaluation.baselines.ours import with_true_landmarks
from contextalk.generation.generate import generate_with
from contextalk.generation.identity import IdentityHead
from contextalk.generation.pipeline import Picture, Pipeline
from contextalk.generation.work import file_digest, work_key

NUM_STEPS = 20


class ControlNet:
    """Heads of 256 px, as everybody here draws them, where Stable Diffusion was trained at 512."""

    name = "ControlNet (SD 1.5), true landmarks"

    def __init__(self, base: Path, controls: Path, device: torch.device | None = None) -> None:
        """Name the weights; they are read when first needed.

        Args:
            base: Folder of Stable Diffusion 1.5 in diffusers' layout.
            controls: Folder that `train_controlnet` wrote.
            device: None: CUDA where there is one.
        """
        self.base = base
        self.controls = controls
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`; `steps` is DDIM's, 20 unless asked otherwise.

        Raises:
            ContextalkError: Missing weights, a mask without landmarks, another sampler; bad input.
        """
        if request.sampler not in ("default", "ddim"):
            raise ContextalkError(f"the sampler is {request.sampler}, wanted ddim: {self.name!r} draws with no other")
        given = with_true_landmarks(request, progress)
        return generate_with(self._pipeline(request), given, progress)

    @cached_property
    def _models(self) -> SceneControlNet:
        return SceneControlNet.load(self.base, self.controls, self.device)

    @cached_property
    def _fingerprint(self) -> str:
        files = [path for folder in (self.base, self.controls) for path in sorted(folder.rglob("*.safetensors"))]
        return work_key({str(number): file_digest(path) for number, path in enumerate(files)})

    def _pipeline(self, request: GenerateRequest) -> Pipeline:
        card, models = read_card(self.controls), self._models
        num_steps = NUM_STEPS if request.steps is None else request.steps
        return Pipeline(
            landmarks=NoLandmarks(),  # not asked: the landmarks are given
            faces=ControlNetFaces(models, num_steps=num_steps, seed=request.seed),
            decode=models.decode,
            draws_pupils=card.draws_pupils,
            why_not=lambda _: None,
            fingerprint=f"{self.name} {self._fingerprint} {num_steps}",
            description={"baseline": self.name, "pictures_seen": card.seen, "sampler": "ddim", "steps": num_steps},
        )


class ControlNetFaces:
    """Stage 2 that sees scene view and drawing, one frame at a time."""

    def __init__(self, models: SceneControlNet, *, num_steps: int, seed: int) -> None:
        self.models = models
        self.num_steps = num_steps
        self.seed = seed

    def window_in_scene(
        self,
        *,
        drawing: Picture,
        masked_crop: Picture,
        scene_view: Picture,
        times_s: NDArray[np.float64],
        mel: NDArray[np.float32],
        lip_mel: NDArray[np.float32],
        identity: IdentityHead,
        carried: Tensor | None,
        seed: int,
    ) -> tuple[Picture, Tensor]:
        """Heads (F, 256, 256, 3) and latents (F, 16, 16, 16); the carried frame is handed back, not looked at."""
        del masked_crop, times_s, mel, lip_mel, identity, seed
        first = 0 if carried is None else 1
        drawn = self.models.draw(scene_view[first:], drawing[first:], num_steps=self.num_steps, seed=self.seed)
        latents = drawn if carried is None else torch.cat([carried[None], drawn])
        return self.models.decode(latents), latents
