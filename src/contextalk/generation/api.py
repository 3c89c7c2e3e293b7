"""Bundles as `generate` uses them."""

from pathlib import Path

import torch

from contextalk.core.records import GenerateRequest
from contextalk.diffusion.samplers import check_sampler
from contextalk.generation.lip_references import lip_lead_s
from contextalk.generation.pipeline import Picture, Pipeline
from contextalk.generation.stages import Drawing, Stage1, Stage2
from contextalk.models.bundle import Bundle
from contextalk.models.machine import choose_device, describe, keep_memory


def load_bundle(path: Path | None = None) -> Bundle:
    """Open a folder of trained models; None: the embedded default.

    Raises:
        BundleError: It is no bundle, or one of another schema.
    """
    return Bundle.load(path)


def open_pipeline(request: GenerateRequest) -> Pipeline:
    """Both stages of the request's bundle on its device, with its solver and steps.

    Raises:
        ContextalkError: No such device, a solver or number of steps that the bundle's networks cannot be drawn with, or
            no published weights for its lip references.
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
        distance = float(bundle.familiarity(torch.from_numpy(head[None]).to(device)))
        if distance <= 1:
            return None
        return f"this bundle knows {card.whom}, and this face is {distance:.1f} times too far from those"

    return Pipeline(
        landmarks=Stage1(bundle, drawing),
        faces=faces,
        decode=faces.decode,
        encode=faces.encode if "bent" in faces.wants else None,
        draws_pupils=card.models.draws_pupils,
        why_not=why_not,
        meets_strangers=request.landmarks is None and "others" in bundle.network("landmark", "first").config.modalities,
        lip_lead_s=lip_lead_s(card.models.lips.kind),
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
