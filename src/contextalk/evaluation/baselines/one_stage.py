"""Heads straight from the scene and the sound, without landmarks between (paper, Sec. 5.5, Table 4, Figs. 6-7)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from contextalk.core.geometry import Points
from contextalk.core.records import NUM_POINTS, GenerateRequest, GenerateResult, Progress
from contextalk.core.runs import WEIGHTS
from contextalk.evaluation.baselines.ablation import draw, load_ablation
from contextalk.evaluation.baselines.pipelines import open_bundle, refuse, with_stages
from contextalk.generation.generate import generate_with
from contextalk.generation.lip_references import LipReferences
from contextalk.generation.pipeline import Face, Picture, Shown, Told, Want
from contextalk.generation.stages import Drawing
from contextalk.generation.work import file_digest
from contextalk.models.bundle import Bundle
from contextalk.models.codec import latent_shape
from contextalk.models.conditions import Condition
from contextalk.models.machine import draw_normal, move
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.pictures import decode_pictures, encode_pictures, inference


class OneStage:
    """One network for the whole way, window by window with a carried latent like stage 2."""

    name = "one stage"

    def __init__(self, weights: Path | None = None) -> None:
        """Take RUN/one_stage; None: the bundle's own `one_stage` network."""
        self.weights = weights

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`; the result's landmarks are invalid in every row, as none were drawn.

        Raises:
            ContextalkError: Landmarks are given or asked for; no such network; bad input.
        """
        refuse(request, self.name, "landmarks", "save_landmarks")
        pipeline, stage = open_bundle(request)
        network = load_ablation(
            "one_stage", stage.bundle, self.weights, modalities={"audio", "lips", "identity"}, num_hints=1
        )
        told = with_stages(
            pipeline,
            self.name,
            "" if self.weights is None else file_digest(self.weights / WEIGHTS),
            landmarks=NoLandmarks(),
            faces=OneStageFaces(stage.bundle, network, stage.drawing),
        )
        result = generate_with(told, request, progress)
        unseen = np.zeros(len(result.landmarks), bool)
        return replace(result, landmarks=replace(result.landmarks, valid=unseen))


class NoLandmarks:
    """A stage 1 that draws nothing: NaN points, of which the drawing is empty."""

    def window(self, told: Told, carried: Face | None, seed: int) -> tuple[Points, Points]:
        """(F, 68, 2) and (F, 2, 2) of NaN."""
        del carried, seed
        frames = len(told.mel)
        return np.full((frames, NUM_POINTS, 2), np.nan, np.float32), np.full((frames, 2, 2), np.nan, np.float32)


class OneStageFaces:
    """c_v: the scene view; c_l: audio and lips, and identity in the first frame of a stretch."""

    wants: frozenset[Want] = frozenset({"scene_view"})

    def __init__(self, bundle: Bundle, network: MVControlNet, drawing: Drawing) -> None:
        self.bundle = bundle
        self.network = network
        self.drawing = drawing
        self._lips = LipReferences(bundle)

    def window(self, shown: Shown, carried: Tensor | None, seed: int) -> tuple[Picture, Tensor]:
        """Heads (F, 256, 256, 3) and latents (F, 16, 16, 16); neither drawing nor masked crop is looked at."""
        assert shown.scene_view is not None
        device = self.bundle.device
        heard = move(torch.from_numpy(np.ascontiguousarray(shown.mel, np.float32)), device)[None]
        told = self.network.config.modalities
        with inference(device):
            known = encode_pictures(self.bundle.codec, shown.identity.picture[None], "face")
            condition = Condition(
                hints=(encode_pictures(self.bundle.codec, shown.scene_view, "scene")[None],),
                audio=heard if "audio" in told else None,
                lips=self._lips(shown.lip_mel, shown.identity, known) if "lips" in told else None,
                identity=known if "identity" in told and carried is None else None,
            )
            noise = draw_normal(latent_shape(1, len(shown.scene_view)), torch.Generator().manual_seed(seed), device)
            latents = draw(
                self.network,
                self.bundle.card.models.process,
                condition,
                noise,
                self.drawing,
                carried=None if carried is None else move(carried, device)[None],
                seed=seed,
            )[0]
        return decode_pictures(self.bundle.codec, latents, "face"), latents
