"""Networks that judge who speaks: each is a `faces.active_speaker.ActiveSpeaker`."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from contextalk.core.time import RATE_HZ
from contextalk.media.mfcc import HOP, mfcc
from contextalk.models.light_asd import CEPSTRA_PER_FRAME, LightAsd
from contextalk.models.sync_judge import judge_embeddings
from contextalk.models.syncnet import SYNC_FRAMES, SyncJudge

REACH = 15
"""Frames either way from which come the sounds that a mouth's own is compared with: as the judge was trained."""

NOBODY = 1.0
"""Logit of a voice that is nobody's in the picture. Mouths that have nothing to do with the sound are at 0."""


class LightAsdSpeaker:
    """The published Light-ASD: each face by itself, whatever the voice activity says."""

    view: Literal["face"] = "face"

    def __init__(self, network: LightAsd, weights: str) -> None:
        """`weights`: digits that name them."""
        self.name = f"light-asd-{weights}-1"
        self._network = network.eval()

    def score(self, views: NDArray[np.uint8], wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """(F,) in [0, 1], how sure the network is."""
        # Without a hop more the last frame would lack its last cepstra.
        cepstra = mfcc(np.pad(wave, (0, HOP)))[: len(views) * CEPSTRA_PER_FRAME]
        with torch.no_grad():
            odds = self._network(torch.from_numpy(views)[None].float(), torch.from_numpy(cepstra)[None])
        return odds[0].sigmoid().numpy()

    def decide(self, scores: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ARG002 (it heard the sound itself)
        """The scores; nobody who was not judged speaks."""
        return np.where(np.isnan(scores), np.float32(0), scores)


class SyncSpeaker:
    """A sync judge trained here: the voice is that of the mouth that goes best with it, or of none."""

    view: Literal["mouth"] = "mouth"

    def __init__(self, network: SyncJudge, weights: str) -> None:
        """`weights`: digits that name them."""
        self.name = f"sync-{weights}-1"
        self._network = network.eval()

    def score(self, views: NDArray[np.uint8], wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """(F,) nats: by how much the mouth of five frames goes better with their sound than with those around it.

        It is what the judge learned to tell, averaged over a second: at most ln 31; over time 0 or less for a mouth
        that is still or goes with another sound.
        """
        lips, sound = judge_embeddings(self._network, views, wave)
        logits = lips @ sound.T * self._network.log_sharpness.detach().exp()
        windows = torch.arange(len(lips))
        near = (windows[:, None] - windows).abs() <= REACH
        around = logits.masked_fill(~near, -torch.inf).logsumexp(dim=1) - near.sum(dim=1).log()
        nats = uniform_filter1d((logits.diagonal() - around).numpy(), RATE_HZ, mode="nearest")
        edge = SYNC_FRAMES // 2
        return np.pad(nats, (edge, edge), mode="edge").astype(np.float32)

    def decide(self, scores: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
        """While a voice is heard it is somebody's: a softmax over faces and nobody."""
        # In a second there are five windows that share no frame, and their evidence adds up.
        logits = np.where(np.isnan(scores), -np.inf, scores * (RATE_HZ / SYNC_FRAMES))
        logits = np.concatenate([np.full((1, len(voice)), NOBODY), logits])
        odds = np.exp(logits - logits.max(axis=0))
        return (odds[1:] / odds.sum(axis=0) * voice).astype(np.float32)
