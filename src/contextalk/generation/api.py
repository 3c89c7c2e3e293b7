"""Bundles as `generate` uses them."""

from pathlib import Path

import numpy as np
import torch

from contextalk.core.records import GenerateRequest
from contextalk.diffusion.samplers import check_sampler
from contextalk.faces.crop import head_mask
from contextalk.generation.pipeline import Picture, Pipeline
from contextalk.generation.stages import Drawing, Stage1, Stage2
from contextalk.models.bundle import Bundle
from contextalk.models.machine import choose_device, describe, keep_memory, move
from contextalk.models.pictures import to_pixels

LEAST_CODEC_DB = 18.0
"""A bundle whose own codec keeps less of a face than this (PSNR inside the mask) has not learnt such faces."""

_HEAD = head_mask() > 0


def load_bundle(path: Path | None = None) -> Bundle:
    """Open a folder of trained models; None: the embedded default.

    Raises:
        BundleError: It is no bundle, or one of another schema.
    """
    return Bundle.load(path)


def open_pipeline(request: GenerateRequest) -> Pipeline:
    """Both stages of the request's bundle on its device, with its solver and steps.

    Raises:
        ContextalkError: No such device, or a solver or number of steps that the bundle's networks cannot be drawn with.
        BundleError: No bundle, or one that lacks a network.
    """
    keep_memory()
    device = choose_device(request.device)
    bundle = load_bundle(request.bundle).to(device)
    card = bundle.card
    drawing = Drawing(
        sampler=card.models.sampler if request.sampler == "default" else request.sampler,
        num_steps=card.models.num_steps if request.steps is None else request.steps,
    )
    check_sampler(card.models.process, drawing.sampler, drawing.num_steps)
    for stage in ("landmark", "face") if request.landmarks is None else ("face",):
        for step in ("first", "sequence"):
            bundle.network(stage, step)  # one that lacks is missed now, not after the scene was looked at
    faces = Stage2(bundle, drawing)

    def why_not(head: Picture) -> str | None:
        kept = codec_psnr_db(bundle, head)
        if kept >= LEAST_CODEC_DB:
            return None
        return (
            f"this bundle draws {card.whom}; its codec keeps {kept:.1f} dB of this face, wanted {LEAST_CODEC_DB:g} dB"
        )

    return Pipeline(
        landmarks=Stage1(bundle, drawing),
        faces=faces,
        decode=faces.decode,
        draws_pupils=card.models.draws_pupils,
        why_not=why_not,
        fingerprint=bundle.fingerprint,
        description={
            "whom": card.whom,
            "persons": list(card.persons),
            "licence": card.licence,
            "record": card.record,
            "sampler": drawing.sampler,
            "steps": drawing.num_steps,
            "device": describe(device),
        },
    )


def codec_psnr_db(bundle: Bundle, head: Picture) -> float:
    """How much of a head crop (256, 256, 3) survives the bundle's codec, inside the mask."""
    pixels = to_pixels(head[None], bundle.device)
    with torch.no_grad():
        kept = bundle.codec.decode(bundle.codec.encode(pixels, "face"), "face")
    error = ((kept - pixels) * 127.5)[0, 0][:, move(torch.from_numpy(_HEAD), bundle.device)].square().mean().item()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
