"""contextalk: make a person in a video say something else, in the scene they are in.

`from contextalk import analyse, generate, load_bundle` is all of the public API; each is imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextalk.faces.analysis import analyse
    from contextalk.generation.api import load_bundle
    from contextalk.generation.generate import generate

__version__ = "0.1.0"

__all__ = ["analyse", "generate", "load_bundle"]

_HOMES = {
    "analyse": "contextalk.faces.analysis",
    "generate": "contextalk.generation.generate",
    "load_bundle": "contextalk.generation.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'contextalk' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
