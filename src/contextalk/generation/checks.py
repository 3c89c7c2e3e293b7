"""What can be refused before anything is computed."""

import os
from dataclasses import fields
from pathlib import Path

from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest
from contextalk.faces.annotations import sidecar_path
from contextalk.generation.report import report_path
from contextalk.media.files import check_video_suffix

MOST_BLINKS = 60
"""A minute; eyes that close more often hardly open."""


def check_request(request: GenerateRequest) -> None:
    """Refuse what no scene could make right.

    Raises:
        ContextalkError: An output that cannot be written or is another file of the request, a mask without an identity,
            a missing file, a negative seed, no steps, too many blinks, or an empty range.
    """
    check_video_suffix(request.output)
    for path in (request.output, request.save_landmarks, request.report):
        if path is not None:
            _check_writable(path)
    for field in fields(request):
        path = getattr(request, field.name)
        if field.name in ("identity", "mask", "landmarks") and path is not None and not path.is_file():
            raise ContextalkError(f"{field.name} {path} does not exist, wanted a file")
    if request.mask is not None and request.identity is None:
        raise ContextalkError(
            "a mask was given without an identity picture, wanted both: a masked scene does not show the face"
        )
    _check_distinct(request)
    if request.seed < 0:
        raise ContextalkError(f"the seed is {request.seed}, wanted 0 or more")
    if not 0 <= request.blinks_per_minute <= MOST_BLINKS:
        raise ContextalkError(f"{request.blinks_per_minute:g} blinks a minute, wanted 0 to {MOST_BLINKS}")
    if request.steps is not None and request.steps < 1:
        raise ContextalkError(f"{request.steps} solver steps, wanted at least 1")
    if request.time_range_s is not None and not 0 <= request.time_range_s[0] < request.time_range_s[1]:
        start_s, stop_s = request.time_range_s
        raise ContextalkError(f"the range is {start_s:g}-{stop_s:g} s, wanted 0 <= start < stop")


def _check_distinct(request: GenerateRequest) -> None:
    """No output takes the place of an input or of another output."""
    inputs = ("scene", "audio", "identity", "mask", "landmarks")
    taken = {path.resolve(): name for name in inputs if (path := getattr(request, name)) is not None}
    if request.identity is not None:
        taken[sidecar_path(request.identity).resolve()] = "landmarks file of the identity"
    outputs = {"output": request.output, "report": report_path(request), "save_landmarks": request.save_landmarks}
    for name, path in outputs.items():
        if path is None:
            continue
        other = taken.setdefault(path.resolve(), name)
        if other != name:
            raise ContextalkError(f"the {name} {path} is the {other} itself, wanted another file")


def _check_writable(path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ContextalkError(f"cannot write {path}: {folder} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ContextalkError(f"cannot write {path}: no permission to write into {folder}")
    if path.is_dir():
        raise ContextalkError(f"cannot write {path}: it is a folder")
