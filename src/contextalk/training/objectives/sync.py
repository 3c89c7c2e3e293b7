"""The sync judge: find the sound that belongs to five frames among others of the same clip."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.core.time import RATE_HZ
from contextalk.dataset.clips import Clip
from contextalk.faces.mouth_views import bridge_gaps, mouth_views
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.machine import device_of, move
from contextalk.models.syncnet import SYNC_FRAMES, SyncJudge

REACH = 15
"""Shifts told apart, in frames either way: those a sync score is made of."""

_NEGATIVES = 7
"""Wrong sounds beside the right one in a training example."""

_RIGHT_WITHIN = 1
"""Frames by which an offset may be wrong and count as right; the field's own tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MouthClip:
    """One clip as judges learn it.

    Attributes:
        key: Of the clip.
        split: `train`, `val` or `test`.
        text: What is said, empty where unknown.
        views: (F, 48, 48) uint8 grey mouths at 25 Hz.
        mel: (F, 80, 16) float16.
    """

    key: str
    split: str
    text: str
    views: Tensor
    mel: Tensor


def mouth_clips(clips: Iterable[Clip]) -> list[MouthClip]:
    """Mouths and sound of every clip with a track; about 5 kB a frame."""
    made = []
    for clip in clips:
        points = bridge_gaps(clip.crop.to_crop(clip.landmarks.points))
        if points is None:
            continue
        made.append(
            MouthClip(
                key=clip.key,
                split=clip.split,
                text=str(clip.meta.get("text", "")),
                views=torch.from_numpy(mouth_views(clip.head, points)),
                mel=torch.from_numpy(mel_chunks(mel_spectrogram(clip.wave), len(clip))).half(),
            )
        )
    return made


class SyncObjective:
    """Cross-entropy of which of eight sounds, at most 15 frames apart, goes with the lips."""

    name = "sync"

    def __init__(self, network: SyncJudge, clips: list[MouthClip]) -> None:
        """`clips`: those no generating network learns from; the `val` ones among them are held out.

        Raises:
            DatasetError: No clip is long enough for all shifts.
        """
        self.network = network
        long_enough = [clip for clip in clips if len(clip.views) >= 2 * REACH + SYNC_FRAMES]
        self.training = [clip for clip in long_enough if clip.split == "train"]
        self.held_out = [clip for clip in long_enough if clip.split == "val"] or self.training[-1:]
        if not self.training:
            wanted_s = (2 * REACH + SYNC_FRAMES) / RATE_HZ
            raise DatasetError(
                f"none of {len(clips)} training clips for judges lasts {wanted_s:.1f} s: nothing to shift"
            )

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; a window is five frames and eight sounds."""
        chosen = torch.randint(len(self.training), (batch,), generator=generator).tolist()
        drawn = [_example(self.training[index], generator) for index in chosen]
        device = device_of(self.network)
        views = move(torch.stack([example[0] for example in drawn]), device).float()
        # float32 before they are stacked: in a bfloat16 step PyTorch refuses to stack float16.
        mel = move(torch.stack([example[1].float() for example in drawn]), device)
        mirrored = move(torch.rand(batch, generator=generator), device)[:, None, None, None] < 0.5
        views = torch.where(mirrored, views.flip(-1), views)
        lips = self.network.look(views)
        sound = self.network.listen(mel.flatten(0, 1)).unflatten(0, mel.shape[:2])
        logits = torch.einsum("bd,bnd->bn", lips, sound) * self.network.log_sharpness.exp()
        right = torch.zeros(batch, dtype=torch.long, device=device)
        found = (logits.detach().argmax(dim=1) == 0).float().mean()
        return functional.cross_entropy(logits, right), {"found": found}

    def evaluate(self) -> dict[str, float]:
        """Confidence and offset on held-out clips as they are, and confidence with another clip's sound."""
        true = [_shift_distances(self.network, clip, clip) for clip in self.held_out]
        others = self.held_out[1:] + self.held_out[:1]
        pairs = zip(self.held_out, others, strict=True) if len(self.held_out) > 1 else ()
        wrong = [_shift_distances(self.network, clip, other) for clip, other in pairs]
        offsets = torch.tensor([REACH - int(distances.argmin()) for distances in true])
        return {
            "offset right": float((offsets.abs() <= _RIGHT_WITHIN).float().mean()),
            "offset right by chance": (2 * _RIGHT_WITHIN + 1) / (2 * REACH + 1),
            "confidence": _mean_confidence(true),
            "confidence with another clip's sound": _mean_confidence(wrong),
        }


def _example(clip: MouthClip, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Five frames, and (8, 80, 16) sounds of the same clip, the right one first."""
    last = len(clip.views) - SYNC_FRAMES
    at = int(torch.randint(last + 1, (1,), generator=generator))
    near = torch.arange(max(0, at - REACH), min(last, at + REACH) + 1)
    near = near[near != at]
    wrong = near[torch.randperm(len(near), generator=generator)[:_NEGATIVES]]
    starts = torch.cat([torch.tensor([at]), wrong])
    return clip.views[at : at + SYNC_FRAMES], clip.mel[starts + SYNC_FRAMES // 2]


def _shift_distances(network: SyncJudge, clip: MouthClip, heard: MouthClip) -> Tensor:
    """(31,) mean distances over the lips of a clip that have sound at every shift."""
    windows = min(len(clip.views), len(heard.views)) - SYNC_FRAMES + 1
    device = device_of(network)
    views = move(clip.views, device).unfold(0, SYNC_FRAMES, 1).movedim(-1, 1)[:windows]
    middle = SYNC_FRAMES // 2
    lips = network.look(views.float()).float()
    sound = network.listen(move(heard.mel[middle : middle + windows], device).float()).float()
    inner = lips[REACH : windows - REACH]
    shifted = [sound[shift : shift + len(inner)] for shift in range(2 * REACH + 1)]
    return torch.stack([functional.pairwise_distance(inner, part).mean() for part in shifted])


def _mean_confidence(distances: list[Tensor]) -> float:
    """NaN where there is nothing to average."""
    if not distances:
        return float("nan")
    return float(torch.stack([each.median() - each.min() for each in distances]).mean())
