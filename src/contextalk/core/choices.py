"""Words a person chooses from, and how progress is told. Imports no numpy, so that `contextalk --help` is instant."""

from collections.abc import Callable
from typing import Literal

Sound = Literal["driving", "scene+driving", "keep"]
MissingFace = Literal["hold", "interpolate", "passthrough", "error"]
Sampler = Literal["default", "ddpm", "ddim", "dpm"]
Occlusion = Literal["keep", "ignore"]
Device = Literal["auto", "cpu", "cuda"]
LipsKind = Literal["own", "wav2lip", "wav2lip_gan"]

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""
