"""Frame consistency: how alike neighbouring frames are to CLIP, beside how much the face moves.

Stillness wins this measure, so it never stands without the motion.
"""

import numpy as np
import torch

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.sync import frames_at_rate
from contextalk.models.clip_features import ClipVision, clip_pixels

CONSISTENCY, MOTION = "frame consistency (CLIP ViT-L/14)", "motion"

COLUMNS = {
    CONSISTENCY: Column(
        unit="",
        better="nearer to the truth",
        says="mean cosine of CLIP ViT-L/14 embeddings of head crops 40 ms apart; a still head gets 1",
        needs="the weights clip-vit-large-patch14 and two neighbouring frames",
    ),
    MOTION: Column(
        unit="px",
        better="nearer to the truth",
        says="mean way of a landmark in 40 ms, crop px, head motion included; a still head gets the estimator's noise",
        needs="two neighbouring frames with a face found in the head crops",
    ),
}

_BATCH = 8


class ClipConsistency:
    """Both columns of a clip; the first is NaN without CLIP."""

    def __init__(self, network: ClipVision | None) -> None:
        self.network = None if network is None else network.eval()

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """NaN where there are not two neighbouring frames, or for the motion not two with a face."""
        frames = frames_at_rate(evidence)
        frames = frames[evidence.generated[frames]]
        return {CONSISTENCY: self._consistency(evidence, frames), MOTION: _motion(evidence.seen.points[frames])}

    def _consistency(self, evidence: Evidence, frames: np.ndarray) -> float:
        if self.network is None or len(frames) < 2:
            return float("nan")
        with torch.no_grad():
            embeddings = torch.cat(
                [
                    self.network(
                        clip_pixels(evidence.seen.heads[frames[start : start + _BATCH]], self.network.config.picture_px)
                    )
                    for start in range(0, len(frames), _BATCH)
                ]
            )
        return float((embeddings[1:] * embeddings[:-1]).sum(dim=-1).mean())


def _motion(points: np.ndarray) -> float:
    way = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    way = way[np.isfinite(way).all(axis=1)]
    return float(way.mean()) if len(way) else float("nan")
