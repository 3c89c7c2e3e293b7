"""Networks trained for comparison alone (`contextalk train one-stage`, `contextalk train framewise`)."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from contextalk.core.config import from_dict
from contextalk.core.errors import BundleError
from contextalk.core.runs import WEIGHTS
from contextalk.diffusion.process import Process
from contextalk.diffusion.samplers import sample
from contextalk.generation.stages import Drawing
from contextalk.models.bundle import Bundle
from contextalk.models.conditions import Condition, Modality
from contextalk.models.mvcontrolnet import MVControlNet, NetworkConfig

SHAPE = "network.json"


def load_ablation(
    name: str, bundle: Bundle, weights: Path | None, *, modalities: set[Modality], num_hints: int
) -> MVControlNet:
    """A network of the bundle, or one from the folder of its training; it must have lived on the bundle's codec.

    Args:
        name: `one_stage` or `framewise`.
        bundle: May have a network of that name.
        weights: RUN/NAME, with `network.json` and `averaged.safetensors`; None: the bundle's own network.
        modalities: What the baseline can tell it.
        num_hints: How many c_v the baseline shows it.

    Raises:
        BundleError: No such network, or one that wants to be told something else.
    """
    network = _from_bundle(name, bundle) if weights is None else _from_folder(name, weights).to(bundle.device)
    told = set(network.config.modalities)
    if not told <= modalities or network.config.num_hints != num_hints:
        raise BundleError(
            f"{name} wants {', '.join(sorted(told))} and {network.config.num_hints} hints, the baseline has "
            f"{', '.join(sorted(modalities))} and {num_hints}"
        )
    return network


def _from_bundle(name: str, bundle: Bundle) -> MVControlNet:
    if name not in bundle.networks:
        raise BundleError(
            f"the bundle has no network {name}, wanted one, or the folder RUN/{name} that "
            f"`contextalk train {name.replace('_', '-')}` writes"
        )
    return bundle.networks[name]


def _from_folder(name: str, folder: Path) -> MVControlNet:
    for file in (SHAPE, WEIGHTS):
        if not (folder / file).is_file():
            raise BundleError(
                f"{folder} has no {file}: `contextalk train {name.replace('_', '-')}` makes it, into RUN/{name}"
            )
    try:
        network = MVControlNet(from_dict(NetworkConfig, json.loads((folder / SHAPE).read_text())))
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (ValueError, RuntimeError, SafetensorError) as error:
        raise BundleError(f"{folder} is no {name} network: {str(error).splitlines()[0]}") from error
    return network.eval().requires_grad_(requires_grad=False)


def draw(
    network: MVControlNet,
    process: Process,
    condition: Condition,
    noise: Tensor,
    drawing: Drawing,
    *,
    carried: Tensor | None,
    seed: int,
) -> Tensor:
    """Latents (B, F, 16, 16, 16) float32 from noise of that shape; `carried` (B, 16, 16, 16) is a clean first frame."""
    return sample(
        lambda noisy, time: network(noisy, time, condition, first_is_clean=carried is not None),
        process,
        noise,
        sampler=drawing.sampler,
        num_steps=drawing.num_steps,
        carried=carried,
        generator=torch.Generator().manual_seed(seed),
    ).float()
