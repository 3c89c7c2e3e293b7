"""The two stages on one window each: what a bundle's networks draw from what they see (paper, Fig. 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.geometry import CROP_PX, Points
from contextalk.diffusion.samplers import SamplerName, sample
from contextalk.generation.detail import restore_detail
from contextalk.generation.lip_references import LipReferences
from contextalk.generation.pipeline import Face, Shown, Told, Want
from contextalk.media.drawing import draw_faces, draw_landmarks
from contextalk.models.bundle import Bundle
from contextalk.models.codec import latent_shape
from contextalk.models.conditions import Condition, Modality
from contextalk.models.config import Step
from contextalk.models.expression import expression
from contextalk.models.machine import draw_normal, move
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.pictures import Frames, decode_pictures, encode_pictures, inference


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How samples are drawn.

    Attributes:
        sampler: Solver.
        num_steps: Network calls a window.
    """

    sampler: SamplerName
    num_steps: int


class Stage1:
    """Landmarks from the masked scene and the sound: `landmark_first`, then `landmark_sequence` window by window."""

    def __init__(self, bundle: Bundle, drawing: Drawing) -> None:
        self.bundle = bundle
        self.drawing = drawing

    def window(self, told: Told, carried: Face | None, seed: int) -> tuple[Points, Points]:
        """Draw one window.

        Args:
            told: What it is drawn from; F = 1 without `carried`, else 8.
            carried: Points (68, 2) and pupils (2, 2) in crop px of the frame before; it is redrawn, not carried as a
                latent, so that the drawing cannot drift.
            seed: Of this window's noise.

        Returns:
            Points (F, 68, 2) and pupils (F, 2, 2) in crop px; frame 0 is the carried one.
        """
        models = self.bundle.card.models
        step: Step = "first" if carried is None else "sequence"
        network = self.bundle.network("landmark", step)
        frames, device = len(told.mel), self.bundle.device
        with inference(device):
            scene = self._scene(told)
            condition = self._condition(told, scene, network.config.modalities, first=carried is None)
            base, scale = torch.zeros(latent_shape(1, frames), device=device), models.landmark_residual or 1.0
            if models.landmark_residual:
                base = self._guess(network, condition)
                condition = replace(condition, hints=(scene, base))
            first = None
            if carried is not None:
                pupils = carried[1] if models.draws_pupils else np.full_like(carried[1], np.nan)
                first = encode_pictures(self.bundle.codec, draw_landmarks(carried[0], pupils)[None], "drawing")
            residual = sample(
                lambda noisy, time: network(noisy, time, condition, first_is_clean=first is not None),
                models.process,
                models.noise_scale * _noise(frames, seed, device),
                sampler=self.drawing.sampler,
                num_steps=self.drawing.num_steps,
                carried=None if first is None else (first.float() - base[:, 0]) / scale,
                generator=torch.Generator().manual_seed(seed),
            )
            read = self.bundle.reader(base + scale * residual.float())[0].float().cpu().numpy()
        points, pupils = read[:, :68], read[:, 68:]
        if carried is not None:
            points[0], pupils[0] = carried
        return points, pupils

    def _scene(self, told: Told) -> Tensor:
        """c_v: (1, F, 16, 16, 16) latents of the scene view, blank for a stranger."""
        if told.scene_view is None:
            return torch.zeros(latent_shape(1, len(told.mel)), device=self.bundle.device)
        return encode_pictures(self.bundle.codec, told.scene_view, "scene")[None]

    def _condition(self, told: Told, scene: Tensor, modalities: Sequence[Modality], *, first: bool) -> Condition:
        """c_v and c_l; where nobody is around, that is not told by zeros but by the null token, as in training."""
        device, head = self.bundle.device, told.identity_head
        with_identity = "identity" in modalities and first and head is not None
        return Condition(
            hints=(scene,),
            audio=_batch(told.mel, device) if "audio" in modalities else None,
            place=_batch(told.place, device) if "place" in modalities and told.place is not None else None,
            others=_batch(told.others, device) if "others" in modalities and told.others.any() else None,
            identity=_identity(self.bundle, head) if with_identity and head is not None else None,
        )

    def _guess(self, network: MVControlNet, condition: Condition) -> Tensor:
        """The face that c_l alone regresses, drawn: (1, F, 16, 16, 16) latents."""
        points = network.regress_points(condition)[0].cpu().numpy() * CROP_PX
        drawings = draw_faces(points, draws_pupils=self.bundle.card.models.draws_pupils)
        return encode_pictures(self.bundle.codec, drawings, "drawing")[None].float()


class Stage2:
    """Heads from drawings: `face_first`, then `face_sequence`; the latent of the last frame is carried."""

    def __init__(
        self, bundle: Bundle, drawing: Drawing, *, network: MVControlNet | None = None, without: Modality | None = None
    ) -> None:
        """Bring bundle and solver together.

        Args:
            bundle: Trained models.
            drawing: How samples are drawn.
            network: Draws both steps in place of the bundle's.
            without: What the network is not told: its null token stands there.

        Raises:
            ContextalkError: The bundle takes its lip references from Wav2Lip, and the published weights are not here.
        """
        self.bundle = bundle
        self.drawing = drawing
        self.without = without
        self._network = network
        self._lips = LipReferences(bundle)

    @property
    def wants(self) -> frozenset[Want]:
        """The bent identity, where the networks were taught on it."""
        return frozenset({"bent"} if "bent" in self.bundle.card.models.face_hints else ())

    def window(self, shown: Shown, carried: Tensor | None, seed: int) -> tuple[Frames, Tensor]:
        """Draw one window.

        Args:
            shown: What it is drawn from; F = 1 without `carried`, else 8.
            carried: (16, 16, 16) latent of the frame before.
            seed: Of this window's noise.

        Returns:
            Heads (F, 256, 256, 3) uint8 and latents (F, 16, 16, 16); latent 0 is the carried one.
        """
        models, bent = self.bundle.card.models, shown.bent
        network = self._network or self.bundle.network("face", "first" if carried is None else "sequence")
        frames, device = len(shown.drawing), self.bundle.device
        carried = None if carried is None else move(carried, device)
        with inference(device):
            known = _identity(self.bundle, shown.identity.picture)
            hints = {"drawing": encode_pictures(self.bundle.codec, shown.drawing, "drawing")[None]}
            if "masked" in models.face_hints:
                hints["masked"] = encode_pictures(self.bundle.codec, shown.masked_crop, "face")[None]
            if "identity" in models.face_hints:
                hints["identity"] = known[:, None].expand(-1, frames, -1, -1, -1)
            if bent is not None:
                hints["bent"] = encode_pictures(self.bundle.codec, bent, "face")[None]
            condition = Condition(
                hints=tuple(hints[name] for name in models.face_hints),
                lips=self._lips(shown.lip_mel, shown.identity, known),
                identity=known,
                expression=expression(move(torch.from_numpy(shown.points), device))[None]
                if "expression" in network.config.modalities
                else None,
            )
            if self.without is not None:
                condition = replace(condition, **{self.without: None})
            base = (
                hints["bent"].float() if models.face_residual else torch.zeros(latent_shape(1, frames), device=device)
            )
            scale = models.face_residual or 1.0
            residual = sample(
                lambda noisy, time: network(noisy, time, condition, first_is_clean=carried is not None),
                models.process,
                models.noise_scale * _noise(frames, seed, device),
                sampler=self.drawing.sampler,
                num_steps=self.drawing.num_steps,
                carried=None if carried is None else (carried[None] - base[:, 0]) / scale,
                generator=torch.Generator().manual_seed(seed),
            )
            latents = (base + scale * residual.float())[0]
        heads = self.decode(latents)
        return heads if bent is None else restore_detail(heads, bent, self.decode(hints["bent"][0])), latents

    def encode(self, heads: Frames) -> Tensor:
        """(F, 256, 256, 3) heads → (F, 16, 16, 16) latents."""
        with inference(self.bundle.device):
            return encode_pictures(self.bundle.codec, heads, "face")

    def decode(self, latents: Tensor) -> Frames:
        """(F, 16, 16, 16) latents → (F, 256, 256, 3) heads."""
        return decode_pictures(self.bundle.codec, latents, "face")


def _identity(bundle: Bundle, head: Frames) -> Tensor:
    return encode_pictures(bundle.codec, head[None], "face")


def _batch(values: NDArray[np.float32], device: torch.device) -> Tensor:
    return move(torch.from_numpy(np.ascontiguousarray(values, np.float32)), device)[None]


def _noise(frames: int, seed: int, device: torch.device) -> Tensor:
    return draw_normal(latent_shape(1, frames), torch.Generator().manual_seed(seed), device)
