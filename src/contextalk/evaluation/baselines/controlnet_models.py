"""Stable Diffusion 1.5 under two ControlNets, one that sees the scene and one that sees the drawing.

The networks are diffusers' and read from folders in diffusers' layout; nothing is downloaded.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.baselines.clip_text import empty_prompt
from contextalk.models.pictures import Frames, to_frames, to_pixels

CARD = "controlnet.json"
CONTROLS = ("scene", "drawing")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCard:
    """What a folder of trained controls says of itself.

    Attributes:
        seen: Pictures seen in training.
        draws_pupils: Whether the drawings showed them.
    """

    seen: int
    draws_pupils: bool


class SceneControlNet:
    """All parts on one device. Latents travel as (N, 16, 16, 16): 2×2 places of its (N, 4, 32, 32) are channels."""

    def __init__(
        self, *, vae: Any, unet: Any, controls: dict[str, Any], scheduler: Any, prompt: Tensor, device: torch.device
    ) -> None:
        """Bring the parts together.

        Args:
            vae: `AutoencoderKL`, 8 times smaller, 4 channels.
            unet: `UNet2DConditionModel`.
            controls: `ControlNetModel` by name, as in `CONTROLS`.
            scheduler: `DDIMScheduler` of a network that predicts the noise.
            prompt: (1, T, D) what the U-Net is told besides.
            device: Where to compute.
        """
        self.vae, self.unet = vae.to(device), unet.to(device)
        for part in (self.vae, self.unet):
            part.eval().requires_grad_(False)
        self.controls = {name: control.to(device) for name, control in controls.items()}
        self.scheduler = scheduler
        self.prompt = prompt.to(device)
        self.device = device

    @staticmethod
    def load(base: Path, controls: Path | None, device: torch.device) -> "SceneControlNet":
        """Open published weights and trained controls.

        Args:
            base: Folder of Stable Diffusion 1.5 in diffusers' layout: `vae`, `unet`, `scheduler`, `text_encoder`.
            controls: Folder that `train_controlnet` wrote; None: controls as they begin, copies of the U-Net.
            device: Where to compute.

        Raises:
            ContextalkError: A part is missing or of another layout.
        """
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
        from diffusers.models.controlnets.controlnet import ControlNetModel
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
        from diffusers.schedulers.scheduling_ddim import DDIMScheduler

        unet = _open(UNet2DConditionModel, base / "unet")
        scheduler = _open(DDIMScheduler, base / "scheduler", clip_sample=False)  # latents have no bounds
        if scheduler.config.prediction_type != "epsilon":
            raise ContextalkError(
                f"{base / 'scheduler'} predicts {scheduler.config.prediction_type}, wanted epsilon as in 1.x"
            )
        return SceneControlNet(
            vae=_open(AutoencoderKL, base / "vae"),
            unet=unet,
            controls={
                name: ControlNetModel.from_unet(unet) if controls is None else _open(ControlNetModel, controls / name)
                for name in CONTROLS
            },
            scheduler=scheduler,
            prompt=empty_prompt(base / "text_encoder"),
            device=device,
        )

    def save_controls(self, folder: Path, card: ControlCard) -> None:
        """Write both controls and the card, the card last."""
        for name, control in self.controls.items():
            control.save_pretrained(folder / name)
        temporary = folder / f"{CARD}.part"
        temporary.write_text(json.dumps({"seen": card.seen, "draws_pupils": card.draws_pupils}) + "\n")
        temporary.replace(folder / CARD)

    def predict(
        self, noisy: Float[Tensor, "n 4 32 32"], time: Tensor, views: dict[str, Float[Tensor, "n 3 256 256"]]
    ) -> Float[Tensor, "n 4 32 32"]:
        """The noise in x_t, both controls' residuals added (Zhang et al. 2023); `views` in [0, 1] by control."""
        prompt = self.prompt.expand(len(noisy), -1, -1)
        down, middle = None, None
        for name, control in self.controls.items():
            more_down, more_middle = control(noisy, time, prompt, views[name], return_dict=False)
            down = more_down if down is None else [a + b for a, b in zip(down, more_down, strict=True)]
            middle = more_middle if middle is None else middle + more_middle
        return self.unet(
            noisy,
            time,
            prompt,
            down_block_additional_residuals=tuple(down or ()),
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0]

    def encode(self, heads: Frames, generator: torch.Generator) -> Float[Tensor, "n 4 32 32"]:
        """Heads (N, 256, 256, 3) → latents at the U-Net's scale, one sample of each."""
        pixels = to_pixels(heads)[0].to(self.device)
        with torch.no_grad():
            posterior = self.vae.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=generator).to(self.device)
        return (posterior.mean + posterior.std * noise) * self.vae.config.scaling_factor

    def decode(self, latents: Float[Tensor, "n 16 16 16"]) -> Frames:
        """(N, 16, 16, 16) → heads (N, 256, 256, 3)."""
        spread = functional.pixel_shuffle(latents.to(self.device), 2)
        with torch.no_grad():
            pixels = self.vae.decode(spread / self.vae.config.scaling_factor, return_dict=False)[0]
        return to_frames(pixels.float().cpu())

    def draw(self, scene_views: Frames, drawings: Frames, *, num_steps: int, seed: int) -> Float[Tensor, "n 16 16 16"]:
        """Latents of heads, each frame by itself and all from the same noise, by DDIM without guidance.

        There is no prompt to be guided towards. The same noise flickers least.
        """
        views = {"scene": self.views(scene_views), "drawing": self.views(drawings)}
        noise = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(seed))
        x = noise.repeat(len(drawings), 1, 1, 1).to(self.device)
        self.scheduler.set_timesteps(num_steps)
        with torch.no_grad():
            for time in self.scheduler.timesteps:
                predicted = self.predict(x, time.to(self.device), views)
                x = self.scheduler.step(predicted, time, x, return_dict=False)[0]
        return functional.pixel_unshuffle(x, 2).float().cpu()

    def views(self, pictures: Frames) -> Float[Tensor, "n 3 256 256"]:
        """(N, 256, 256, 3) uint8 as a control sees them, in [0, 1]."""
        return ((to_pixels(pictures)[0] + 1) / 2).to(self.device)


def read_card(folder: Path) -> ControlCard:
    """The card of trained controls.

    Raises:
        ContextalkError: None there.
    """
    path = folder / CARD
    if not path.is_file():
        raise ContextalkError(f"{folder} has no {CARD}, wanted the folder that benchmarks/train_controlnet.py wrote")
    try:
        return ControlCard(**json.loads(path.read_text()))
    except (json.JSONDecodeError, TypeError) as error:
        raise ContextalkError(f"{path} is no card of trained controls: {error}") from error


def _open(kind: Any, folder: Path, **changed: Any) -> Any:
    if not folder.is_dir():
        raise ContextalkError(f"{folder} does not exist, wanted a {kind.__name__} in diffusers' layout")
    try:
        return kind.from_pretrained(folder, local_files_only=True, **changed)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ContextalkError(f"{folder} is no {kind.__name__} in diffusers' layout: {reason}") from error
