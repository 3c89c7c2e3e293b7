"""The paper's ControlNet row in our world: our U-Net, each frame a window of its own, scene and true landmarks."""

from pathlib import Path

import torch
from torch import Tensor

from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.core.runs import WEIGHTS
from contextalk.evaluation.baselines.ablation import draw, load_ablation
from contextalk.evaluation.baselines.ours import with_true_landmarks
from contextalk.evaluation.baselines.pipelines import open_bundle, with_stages
from contextalk.generation.generate import generate_with
from contextalk.generation.pipeline import Picture, Shown, Want
from contextalk.generation.stages import Drawing
from contextalk.generation.work import file_digest
from contextalk.models.bundle import Bundle
from contextalk.models.codec import latent_shape
from contextalk.models.conditions import Condition
from contextalk.models.machine import draw_normal, move
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.pictures import decode_pictures, encode_pictures, inference


class Framewise:
    """What time is worth: no frame knows of another. True landmarks, given or as the scene shows them."""

    name = "framewise, true landmarks"

    def __init__(self, weights: Path | None = None) -> None:
        """Take RUN/framewise; None: the bundle's own `framewise` network."""
        self.weights = weights

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`.

        Raises:
            ContextalkError: A mask without landmarks; no such network; bad input.
        """
        given = with_true_landmarks(request, progress)
        pipeline, stage = open_bundle(request)
        network = load_ablation("framewise", stage.bundle, self.weights, modalities={"identity"}, num_hints=2)
        told = with_stages(
            pipeline,
            self.name,
            "" if self.weights is None else file_digest(self.weights / WEIGHTS),
            faces=FramewiseFaces(stage.bundle, network, stage.drawing, seed=request.seed),
        )
        return generate_with(told, given, progress)


class FramewiseFaces:
    """c_v: scene view and drawing; c_l: identity. All frames start from the same noise, which flickers least."""

    wants: frozenset[Want] = frozenset({"scene_view"})

    def __init__(self, bundle: Bundle, network: MVControlNet, drawing: Drawing, *, seed: int) -> None:
        self.bundle = bundle
        self.network = network
        self.drawing = drawing
        self.seed = seed

    def window(self, shown: Shown, carried: Tensor | None, seed: int) -> tuple[Picture, Tensor]:
        """Heads (F, 256, 256, 3) and latents (F, 16, 16, 16); the carried frame is handed back, not looked at."""
        del seed
        assert shown.scene_view is not None
        first = 0 if carried is None else 1
        frames = len(shown.drawing) - first
        codec, device = self.bundle.codec, self.bundle.device
        with inference(device):
            known = encode_pictures(codec, shown.identity.picture[None], "face")
            condition = Condition(
                hints=(
                    encode_pictures(codec, shown.scene_view[first:], "scene")[:, None],
                    encode_pictures(codec, shown.drawing[first:], "drawing")[:, None],
                ),
                identity=known.expand(frames, -1, -1, -1) if self.network.config.modalities else None,
            )
            noise = draw_normal(latent_shape(1, 1), torch.Generator().manual_seed(self.seed), device)
            drawn = draw(
                self.network,
                self.bundle.card.models.process,
                condition,
                noise.repeat(frames, 1, 1, 1, 1),
                self.drawing,
                carried=None,
                seed=self.seed,
            )[:, 0]
        latents = drawn if carried is None else torch.cat([move(carried, device)[None], drawn])
        return decode_pictures(codec, latents, "face"), latents
