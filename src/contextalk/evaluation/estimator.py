"""Landmarks read off the pixels of a head: what `evaluation` knows of a composite, with its own error on the truth."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from contextalk.core.errors import BundleError
from contextalk.core.geometry import Points
from contextalk.models.bundle import Bundle
from contextalk.models.pictures import encode_pictures, inference
from contextalk.models.reader import LandmarkReader


class HeadEstimator:
    """A landmark reader trained on true heads (`contextalk train estimator`); never used in training a generator."""

    def __init__(self, bundle: Bundle, weights: Path) -> None:
        """Open the estimator that belongs to a bundle's codec.

        Args:
            bundle: Its codec turns pictures into latents.
            weights: Folder of the estimator's run.

        Raises:
            BundleError: No weights there.
        """
        self.codec = bundle.codec
        self.reader = LandmarkReader(bundle.card.models.reader)
        path = weights / "averaged.safetensors"
        if not path.is_file():
            raise BundleError(f"{weights} has no estimator: `contextalk train estimator` makes one")
        self.reader.load_state_dict(load_file(path))
        self.reader.eval()

    def read(self, heads: NDArray[np.uint8]) -> Points:
        """(F, 256, 256, 3) head crops → (F, 68, 2) crop px."""
        latents = encode_pictures(self.codec, heads, "face")
        with inference():
            return self.reader(latents[None])[0, :, :68].float().numpy()
