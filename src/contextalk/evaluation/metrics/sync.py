"""Lip sync: SyncNet confidence as the field computes it, a variant for short clips, and our own judge.

Every column bears its judge's name: figures of different judges are different quantities.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ, clip_times, nearest_frames
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.scenes import shown_scenes
from contextalk.faces.face_squares import face_squares
from contextalk.faces.mouth_views import bridge_gaps, mouth_views
from contextalk.media.mfcc import mfcc
from contextalk.models.sync_judge import embed_windows, judge_embeddings
from contextalk.models.syncnet import MFCC_STEPS, SYNC_FRAMES, SyncJudge, SyncNet

REACH = 15
"""Shifts tried, in frames either way."""

SCORED_FRAMES = 100
"""Padded scores depend on the length of a clip, so all clips are scored on their first 100 frames."""

FEWEST_AT_A_SHIFT = 10
"""Windows that must be there at the largest shift, where nothing is padded."""

_TIME_SLACK = 0.05
"""Of a frame: containers round their times to milliseconds."""

_STEPS_PER_FRAME = 100 // RATE_HZ
_SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Who says it, how, and of what."""

    name: str
    how: str
    needs: str


_SYNCNET = _Judge(
    name="syncnet_v2",
    how="SyncNet (syncnet_v2), 25 Hz, first 100 frames, shifts ±15 over a zero-padded sound",
    needs="the weights syncnet_v2, a clip of 100 frames and a track of the target",
)
_VALID = _Judge(
    name="syncnet_v2, valid shifts",
    how="SyncNet (syncnet_v2), 25 Hz, whole clip, only lips that have sound at every shift",
    needs="the weights syncnet_v2, a clip of 45 frames and a track of the target",
)
_OWN = _Judge(
    name="own judge",
    how="a small SyncNet trained here and never a loss, valid shifts, unit embeddings",
    needs="a run of `contextalk train sync`, 44 frames and a track of the target",
)


def _columns(judge: _Judge) -> dict[str, Column]:
    return {
        f"sync confidence ({judge.name})": Column(
            unit="",
            better="higher",
            says=f"median minus least mean distance over shifts; {judge.how}; a still head's is the judge's floor",
            needs=judge.needs,
        ),
        f"sync distance ({judge.name})": Column(
            unit="",
            better="lower",
            says=f"least mean distance of lips and sound over shifts; {judge.how}",
            needs=judge.needs,
        ),
        f"sync offset ({judge.name})": Column(
            unit="frames",
            better="nearer to the truth",
            says=f"15 minus the shift with the least distance, 0 in sync; {judge.how}",
            needs=judge.needs,
        ),
    }


SYNCNET_COLUMNS = {**_columns(_SYNCNET), **_columns(_VALID)}
OWN_COLUMNS = _columns(_OWN)
COLUMNS = {**SYNCNET_COLUMNS, **OWN_COLUMNS}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFigures:
    """Figures of one clip.

    Attributes:
        confidence: Median minus minimum of the mean distances.
        distance: The minimum.
        offset: Frames; 15 minus the index of the minimum, as the field counts it.
    """

    confidence: float
    distance: float
    offset: float

    def named(self, judge: str) -> dict[str, float]:
        """By column name."""
        return {
            f"sync confidence ({judge})": self.confidence,
            f"sync distance ({judge})": self.distance,
            f"sync offset ({judge})": self.offset,
        }


NOT_MEASURED = SyncFigures(confidence=float("nan"), distance=float("nan"), offset=float("nan"))


class PublishedSync:
    """SyncNet's figures by the published network; all NaN without it."""

    def __init__(self, network: SyncNet | None) -> None:
        self.network = None if network is None else network.eval()

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """Figures of a clip; padded ones are NaN below 100 frames, all are without a track of the target."""
        frames = frames_at_rate(evidence)
        points = bridge_gaps(evidence.seen.points[frames])
        if self.network is None or points is None:
            return {**NOT_MEASURED.named(_SYNCNET.name), **NOT_MEASURED.named(_VALID.name)}
        squares = face_squares(shown_scenes(evidence, frames), evidence.crop[frames].to_scene(points))
        padded = NOT_MEASURED
        if min(len(squares), len(evidence.wave) // _SAMPLES_PER_FRAME) >= SCORED_FRAMES:
            first = slice(0, SCORED_FRAMES)
            wave = evidence.wave[: SCORED_FRAMES * _SAMPLES_PER_FRAME]
            padded = sync_figures(padded_distances(*self._embed(squares[first], wave)))
        whole = sync_figures(valid_distances(*self._embed(squares, evidence.wave)))
        return {**padded.named(_SYNCNET.name), **whole.named(_VALID.name)}

    def _embed(self, squares: NDArray[np.uint8], wave: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """(W, 1024) of lips and of sound; W is the frames less five, one fewer than would fit, as published."""
        assert self.network is not None
        windows = min(len(squares), len(wave) // _SAMPLES_PER_FRAME) - SYNC_FRAMES
        # RGB → BGR, as the network was trained on OpenCV's pictures.
        pixels = torch.from_numpy(np.ascontiguousarray(squares[..., ::-1].transpose(3, 0, 1, 2)))
        cepstra = torch.from_numpy(np.ascontiguousarray(mfcc(wave).T))

        def lips(at: int) -> Tensor:
            return pixels[:, at : at + SYNC_FRAMES].float()

        def sound(at: int) -> Tensor:
            start = at * _STEPS_PER_FRAME
            return cepstra[None, :, start : start + MFCC_STEPS]

        return embed_windows(self.network.look, lips, windows), embed_windows(self.network.listen, sound, windows)


class OwnSync:
    """The same figures by our own judge; all NaN without it."""

    def __init__(self, network: SyncJudge | None) -> None:
        self.network = None if network is None else network.eval()

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """Figures of a clip, NaN where there is no track of the target."""
        frames = frames_at_rate(evidence)
        points = bridge_gaps(evidence.seen.points[frames])
        if self.network is None or points is None:
            return NOT_MEASURED.named(_OWN.name)
        lips, sound = judge_embeddings(self.network, mouth_views(evidence.seen.heads[frames], points), evidence.wave)
        return sync_figures(valid_distances(lips, sound)).named(_OWN.name)


def padded_distances(lips: Tensor, sound: Tensor) -> Tensor:
    """(31,) mean distances over shifts −15 … 15 of (W, D) embeddings; beyond the ends the sound is a zero vector."""
    around = functional.pad(sound, (0, 0, REACH, REACH))
    shifted = [around[shift : shift + len(lips)] for shift in range(2 * REACH + 1)]
    return torch.stack([functional.pairwise_distance(lips, heard).mean() for heard in shifted])


def valid_distances(lips: Tensor, sound: Tensor) -> Tensor | None:
    """As `padded_distances`, each shift over the lips that have sound at every shift, so that all means are of one set.

    Returns:
        None where fewer than `FEWEST_AT_A_SHIFT` such windows are left.
    """
    inner = lips[REACH : len(lips) - REACH]
    if len(inner) < FEWEST_AT_A_SHIFT:
        return None
    shifted = [sound[shift : shift + len(inner)] for shift in range(2 * REACH + 1)]
    return torch.stack([functional.pairwise_distance(inner, heard).mean() for heard in shifted])


def sync_figures(distances: Tensor | None) -> SyncFigures:
    """Figures of (31,) mean distances; NaN of None."""
    if distances is None:
        return NOT_MEASURED
    least, at = distances.min(dim=0)
    return SyncFigures(
        confidence=float(distances.median() - least), distance=float(least), offset=float(REACH - int(at))
    )


def frames_at_rate(evidence: Evidence) -> NDArray[np.int64]:
    """Which of the clip's frames stand at 0, 40, 80 … ms: judges live at 25 Hz."""
    count = int(np.floor(evidence.times_s[-1] * RATE_HZ + _TIME_SLACK)) + 1
    return nearest_frames(evidence.times_s, clip_times(count))
