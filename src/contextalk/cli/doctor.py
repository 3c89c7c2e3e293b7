"""`contextalk doctor`."""

import json
import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import contextalk
from contextalk.cli.console import Answer
from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError

CORE_PACKAGES = (
    "torch",
    "diffusers",
    "numpy",
    "av",
    "opencv-python-headless",
    "ai-edge-litert",
    "scenedetect-headless",
)
EXTRA_PACKAGES = {
    "skia-python": "'contextalk[synth]' to draw scenes",
    "espeakng-loader": "'contextalk[synth]' to draw scenes",
    "ray": "'contextalk[ray]' to prepare on a cluster",
    "silero-vad": "--no-deps silero-vad to hear voices among other sounds",
}
ALIEN_PACKAGES = ("torchvision", "torchaudio", "opencv-python", "opencv-contrib-python")
"""Known to break others: the first two beside a CPU torch, the rest where libGL is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Say what is installed, what is missing and how to get it.

    Attributes:
        json: Print the answer as JSON.
    """

    json: bool = False

    def run(self, progress: Progress) -> Answer:  # noqa: ARG002 - the same for every verb
        """Look around."""
        facts = {
            "contextalk": contextalk.__version__,
            "python": f"{platform.python_version()} on {platform.platform(terse=True)}",
            **{name: installed_version(name) or f"MISSING: pip install {name}" for name in CORE_PACKAGES},
            **{name: installed_version(name) or f"absent: pip install {how}" for name, how in EXTRA_PACKAGES.items()},
            **{name: f"{found}: better uninstalled" for name in ALIEN_PACKAGES if (found := installed_version(name))},
            **(_machine() if installed_version("torch") else {}),
            "face models": _face_models(),
            "hand models": _hand_models(),
            **({"embedded bundle": _embedded_bundle()} if installed_version("torch") else {}),
        }
        return Answer(text="\n".join(f"{name:24}{fact}" for name, fact in facts.items()), data=facts)


def installed_version(package: str) -> str | None:
    """Version of an installed package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _machine() -> dict[str, str]:
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none: everything runs on the CPU"
    return {
        "threads": f"{torch.get_num_threads()} of {os.cpu_count()} cores",
        "CUDA device": device,
    }


def _hand_models() -> str:
    from contextalk.faces.hands import hands_version, why_no_hands

    why = why_no_hands()
    return f"MISSING, hands are not looked for: {why}" if why else hands_version()


def _face_models() -> str:
    from contextalk.faces.mediapipe_models import (
        FULL_RANGE,
        IRIS,
        MESH,
        PERSON,
        SHORT_RANGE,
        model_path,
        wheel_version,
    )

    try:
        folders = {str(model_path(name).parents[1]) for name in (SHORT_RANGE, FULL_RANGE, MESH, IRIS, PERSON)}
    except ContextalkError as error:
        return f"MISSING: {error}"
    return f"mediapipe {wheel_version()} in {', '.join(folders)}"


def _embedded_bundle() -> str:
    from contextalk.models.bundle import CARD, embedded_bundle

    folder = embedded_bundle()
    if not (folder / CARD).is_file():
        return f"MISSING: no {CARD} in {folder}; reinstall contextalk"
    size_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    return f"{json.loads((folder / CARD).read_text())['whom']} ({size_mb:.0f} MB in {folder})"
