"""The page: everything in one HTML file, and beside it the key that says which trial is whose."""

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.study.material import Pair, collect

SCHEMA = 1
LARGE_BYTES = 200_000_000
"""Above this browsers take long to open the page, and some refuse."""

_SLOT_STUDY, _SLOT_VIDEOS = "<!--STUDY-->", "<!--VIDEOS-->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What `make_study` wrote.

    Attributes:
        page: The page for raters.
        key: The file that names the methods; raters never get it.
        num_trials: Pairs a rater sees.
        size_bytes: Of the page.
    """

    page: Path
    key: Path
    num_trials: int
    size_bytes: int


def make_study(methods: Path, page: Path, *, seed: int = 0, crops: Path | None = None) -> Made:
    """Write the page and its key.

    Args:
        methods: Folder of METHOD/CONTEXT.mp4.
        page: HTML file; PAGE.key.json is written beside it.
        seed: Of trial codes and of every rater's order.
        crops: As `material.collect`.

    Raises:
        ContextalkError: The folder does not hold a study, or the page cannot be written.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise ContextalkError(f"{page} ends in {page.suffix or 'nothing'}, wanted .html")
    if not page.absolute().parent.is_dir():
        raise ContextalkError(f"cannot write {page}: {page.absolute().parent} is no folder")
    with tempfile.TemporaryDirectory(prefix="contextalk-study-") as folder:
        pairs = collect(methods, Path(folder), crops)
        trials = {code(seed, pair): pair for pair in pairs}
        study = hashlib.sha256(f"{seed} {' '.join(sorted(trials))}".encode()).hexdigest()[:12]
        # The codes' order tells nothing; that of the folders would.
        shown = sorted(trials)
        head, tail = _template({"schema": SCHEMA, "study": study, "seed": seed, "trials": shown})
        part = page.with_name(page.name + ".part")
        with part.open("w") as stream:
            stream.write(head)
            for name in shown:
                stream.writelines(_embedded(name, trials[name]))
            stream.write(tail)
        part.replace(page)
    key = key_path(page)
    named = {name: {"method": pair.method, "context": pair.context} for name, pair in sorted(trials.items())}
    key.write_text(json.dumps({"schema": SCHEMA, "study": study, "trials": named}, indent=2) + "\n")
    return Made(page=page, key=key, num_trials=len(pairs), size_bytes=page.stat().st_size)


def key_path(page: Path) -> Path:
    """PAGE.key.json."""
    return page.with_suffix(".key.json")


def code(seed: int, pair: Pair) -> str:
    """What a trial is called on the page: nothing of the method can be read off it, nor guessed from its name alone."""
    content = hashlib.sha256(pair.scene.read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps([seed, pair.method, pair.context, content]).encode()).hexdigest()[:12]


def _template(study: dict[str, object]) -> tuple[str, str]:
    page = resources.files("contextalk.evaluation.study").joinpath("page.html").read_text()
    script = f'<script type="application/json" id="study">{json.dumps(study)}</script>'
    head, tail = page.replace(_SLOT_STUDY, script).split(_SLOT_VIDEOS)
    return head, tail


def _embedded(name: str, pair: Pair) -> Iterator[str]:
    for question, video in (("face", pair.face), ("scene", pair.scene)):
        content = base64.b64encode(video.read_bytes()).decode()
        yield f'<script type="video/mp4" id="{question}-{name}">{content}</script>\n'
