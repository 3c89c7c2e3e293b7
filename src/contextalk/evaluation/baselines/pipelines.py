"""What baselines share: a bundle's stages with one of them exchanged, and requests they cannot answer."""

from dataclasses import replace
from typing import Any

from contextalk.core.errors import BundleError, ContextalkError
from contextalk.core.records import GenerateRequest
from contextalk.generation.api import open_pipeline
from contextalk.generation.pipeline import Pipeline
from contextalk.generation.stages import Stage2


def refuse(request: GenerateRequest, name: str, *fields: str) -> None:
    """Refuse what a baseline could only ignore.

    Raises:
        ContextalkError: One of `fields` is set.
    """
    for field in fields:
        if getattr(request, field) is not None:
            raise ContextalkError(f"{field} is {getattr(request, field)}, wanted none: {name!r} does not use it")


def with_stages(pipeline: Pipeline, name: str, fingerprint: str = "", **stages: Any) -> Pipeline:
    """The pipeline with other stages, under another name in the report and another key of unfinished work.

    Args:
        pipeline: Of a bundle.
        name: Of the baseline.
        fingerprint: Of weights that the bundle does not have.
        stages: Fields of `Pipeline`.
    """
    return replace(
        pipeline,
        fingerprint=f"{pipeline.fingerprint} {name} {fingerprint}".rstrip(),
        description={**pipeline.description, "baseline": name},
        **stages,
    )


def open_bundle(request: GenerateRequest) -> tuple[Pipeline, Stage2]:
    """The request's bundle, and its stage 2 with codec, process and solver.

    Raises:
        BundleError: No bundle.
    """
    pipeline = open_pipeline(request)
    if not isinstance(pipeline.faces, Stage2):
        raise BundleError(f"stage 2 of {request.bundle} is no network of a bundle")
    return pipeline, pipeline.faces
