"""Words a person chooses from, and how progress is told. Imports no numpy, so that `contextalk --help` is instant."""

from collections.abc import Callable
from typing import Literal

Sound = Literal["driving", "scene+driving", "keep"]
MissingFace = Literal["hold", "interpolate", "passthrough", "error"]
Sampler = Literal["default", "ddpm", "ddim", "dpm"]
Occlusion = Literal["keep", "ignore"]
Device = Literal["auto", "cpu", "cuda"]
LipsKind = Literal["own", "wav2lip", "wav2lip_gan"]
ReadBy = Literal["estimator", "backend"]
"""Who reads heads where there is a trained estimator: itself, or all the same the face backend, which also knows when
there is no face."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""
