"""LPIPS: how unlike the generated head looks to the true one, frame by frame."""

import numpy as np
import torch

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.models.lpips import Lpips
from contextalk.models.pictures import to_pixels

LPIPS = "LPIPS (AlexNet)"

COLUMNS = {
    LPIPS: Column(
        unit="",
        better="lower",
        says="mean LPIPS 0.1 on AlexNet of whole head crops against the truth of the same frame, 0 for equal ones",
        needs="the weights alexnet and lpips-alex, and generated frames",
    )
}

_BATCH = 16


class Perceptual:
    """LPIPS of a clip; NaN without the network."""

    def __init__(self, network: Lpips | None) -> None:
        self.network = None if network is None else network.eval()

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """Mean over generated frames."""
        if self.network is None or not evidence.generated.any():
            return {LPIPS: float("nan")}
        seen, truth = evidence.seen.heads[evidence.generated], evidence.truth.heads[evidence.generated]
        distances = []
        for start in range(0, len(seen), _BATCH):
            part = slice(start, start + _BATCH)
            with torch.no_grad():
                distances.append(self.network(to_pixels(seen[part])[0], to_pixels(truth[part])[0]).numpy())
        return {LPIPS: float(np.concatenate(distances).mean())}
