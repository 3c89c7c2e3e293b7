"""Every clip of every method, generated where it is missing: whole or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import contextalk
from contextalk.core.choices import Progress
from contextalk.evaluation.reproduce.material import Context
from contextalk.evaluation.reproduce.methods import Given, Method
from contextalk.evaluation.tables import write_text
from contextalk.generation.report import input_digests, versions
from contextalk.generation.work import work_key

_ROOMS = ("core", "media", "diffusion", "models", "faces", "generation", "evaluation/baselines")
"""Of the package: what decides a generated frame."""


def generate_clips(
    methods: Sequence[Method],
    contexts: Sequence[Context],
    output: Path,
    given: Given,
    bundle_fingerprint: str,
    progress: Progress | None = None,
) -> int:
    """Bring `output/METHOD/CLIP.mp4`, its report and landmarks up to date; returns how many had to be generated.

    Beside a clip `CLIP.made` names everything that decides it and is written last: a clip without one, or made of other
    weights, settings, inputs or code, is generated anew.

    Raises:
        ContextalkError: What a generator cannot do.
    """
    total, made = len(methods) * len(contexts), 0
    for number, (method, context) in enumerate((m, c) for m in methods for c in contexts):
        if progress is not None:
            progress(f"clips generated ({method.name}: {context.name})", number, total)
        made += _generate(method, context, output / method.name, given, bundle_fingerprint)
    if progress is not None:
        progress("clips generated", total, total)
    return made


def _generate(method: Method, context: Context, folder: Path, given: Given, bundle_fingerprint: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{context.name}.mp4"
    request = method.request(context, video, given)
    settings = {name: value for name, value in asdict(request).items() if not isinstance(value, Path)}
    inputs = {name: file["sha256"] for name, file in input_digests(request).items() if file is not None}
    parts = {
        "settings": settings | {"annotations": ""},
        "inputs": inputs,
        "bundle": bundle_fingerprint,
        "versions": versions(),
    }
    key = work_key({**parts, "depends_on": method.depends_on, "code": code_digest()})
    note = video.with_suffix(".made")
    if note.is_file() and note.read_text() == key and video.is_file():
        return False
    note.unlink(missing_ok=True)
    method.generator(context).generate(request)
    write_text(note, key)
    return True


@cache
def code_digest() -> str:
    """SHA-256 of the code behind generated frames."""
    package = Path(contextalk.__file__).parent
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(str(path.relative_to(package)).encode() + path.read_bytes())
    return digest.hexdigest()
