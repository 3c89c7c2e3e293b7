"""The lip reader: the six words of a GRID sentence from the mouth's pictures alone."""

import torch
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.models.lip_reader import LipReader, parse_sentence
from contextalk.models.machine import device_of, move
from contextalk.training.objectives.sync import MouthClip

_SHIFT_PX = 3
"""Views are moved by up to this much in training: an estimator's nose is not the tracker's."""

_HIDDEN_FRAMES = 10
"""Longest stretch of frames blanked in a training example."""


class LipReaderObjective:
    """Cross-entropy, summed over slots."""

    name = "lip_reader"

    def __init__(self, network: LipReader, clips: list[MouthClip]) -> None:
        """`clips`: of any corpus; only those whose text is a GRID sentence are used, the `val` ones held out.

        Raises:
            DatasetError: No training clip has such a text.
        """
        self.network = network
        sentences = [(clip, said) for clip in clips if (said := parse_sentence(clip.text)) is not None]
        self.training = [(clip, said) for clip, said in sentences if clip.split == "train"]
        self.held_out = [(clip, said) for clip, said in sentences if clip.split == "val"] or self.training[-1:]
        if not self.training:
            raise DatasetError(
                f"none of {len(clips)} clips is of the training split and has a GRID sentence for its text: "
                "the lip reader learns from prepared GRID clips alone"
            )

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; a window is a whole sentence."""
        chosen = torch.randint(len(self.training), (batch,), generator=generator).tolist()
        views, present, said = _batch([self.training[index] for index in chosen])
        device = device_of(self.network)
        present, said = move(present, device), move(said, device)
        logits = self.network(move(_disturbed(views, generator), device), present)
        losses = [
            functional.cross_entropy(slot.float(), said[:, number], label_smoothing=0.05)
            for number, slot in enumerate(logits)
        ]
        return torch.stack(losses).sum(), {"words right": _share_right(logits, said)}

    def evaluate(self) -> dict[str, float]:
        """Words and letters right on held-out sentences in %, beside always saying the commonest word of each slot."""
        right = torch.stack([self._right(clip, said) for clip, said in self.held_out])
        commonest = torch.tensor([said for _, said in self.training]).mode(dim=0).values
        truth = torch.tensor([said for _, said in self.held_out])
        return {
            "words right": 100 * float(right.mean()),
            "letters right": 100 * float(right[:, 3].mean()),
            "words right by the commonest": 100 * float((truth == commonest).float().mean()),
            "sentences": float(len(right)),
        }

    def _right(self, clip: MouthClip, said: tuple[int, ...]) -> Tensor:
        """(6,) 1 where a word is read right."""
        device = device_of(self.network)
        views, present, truth = (move(tensor, device) for tensor in _batch([(clip, said)]))
        logits = self.network(views, present)
        return torch.stack([slot[0].argmax() == word for slot, word in zip(logits, truth[0], strict=True)]).float()


def _batch(sentences: list[tuple[MouthClip, tuple[int, ...]]]) -> tuple[Tensor, Tensor, Tensor]:
    """Views (B, F, 48, 48) padded by black, which frames are there (B, F), and words (B, 6)."""
    views = torch.nn.utils.rnn.pad_sequence([clip.views for clip, _ in sentences], batch_first=True).float()
    lengths = torch.tensor([len(clip.views) for clip, _ in sentences])
    present = torch.arange(views.shape[1])[None] < lengths[:, None]
    return views, present, torch.tensor([said for _, said in sentences])


def _disturbed(views: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrored, moved by a few px and with a stretch of frames blanked, each sentence in its own way."""
    made = []
    for sentence in views:
        flip, dx, dy, start, length = (
            int(torch.randint(low, high, (1,), generator=generator))
            for low, high in (
                (0, 2),
                (-_SHIFT_PX, _SHIFT_PX + 1),
                (-_SHIFT_PX, _SHIFT_PX + 1),
                (0, len(sentence)),
                (0, _HIDDEN_FRAMES + 1),
            )
        )
        moved = sentence.flip(-1) if flip else sentence.clone()
        moved = functional.pad(moved[None], (_SHIFT_PX,) * 4, mode="replicate")[0]
        side = views.shape[-1]
        moved = moved[:, _SHIFT_PX + dy : _SHIFT_PX + dy + side, _SHIFT_PX + dx : _SHIFT_PX + dx + side].clone()
        moved[start : start + length] = 0
        made.append(moved)
    return torch.stack(made)


def _share_right(logits: tuple[Tensor, ...], said: Tensor) -> Tensor:
    read = torch.stack([slot.detach().argmax(dim=1) for slot in logits], dim=1)
    return (read == said).float().mean()
