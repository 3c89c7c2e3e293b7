"""The lip reader: the six words of a GRID sentence from the mouth's pictures; an ear learns beside it."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import DatasetError
from contextalk.models.lip_reader import LONG_ENOUGH, TOO_LONG, LipReader, parse_sentence
from contextalk.models.machine import device_of, move
from contextalk.training.objectives.sync import MouthClip

_SHIFT_PX = 3
"""Views are moved by up to this much in training: an estimator's nose is not the tracker's."""

_EARLY_FRAMES = 5
"""A sentence begins by up to so many frames earlier or later in training: recordings do."""

_HIDDEN_FRAMES = 10
"""Longest stretch of frames blanked in a training example."""

_SMOOTHING = 0.05
"""Of the words that are wanted."""

_LEAST = 1e-6
"""Share of a frame that counts as none."""

_MIDDLE = slice(6, 10)
"""Of a chunk's 16 mel steps: the frame itself."""


class LipReaderObjective:
    """Cross-entropy of what is read and of what is heard, summed over slots.

    Besides, the reader is to look where the ear hears each word, and to see what sound a mouth makes.
    """

    name = "lip_reader"

    def __init__(self, network: LipReader, clips: list[MouthClip]) -> None:
        """`clips`: of any corpus; only whole GRID sentences are used, the `val` ones held out.

        Raises:
            DatasetError: No training clip has such a text.
        """
        self.network = network
        whole = [clip for clip in clips if LONG_ENOUGH <= len(clip.views) < TOO_LONG]
        sentences = [(clip, said) for clip in whole if (said := parse_sentence(clip.text)) is not None]
        self.training = [(clip, said) for clip, said in sentences if clip.split == "train"]
        self.held_out = [(clip, said) for clip, said in sentences if clip.split == "val"] or self.training[-1:]
        if not self.training:
            raise DatasetError(
                f"none of {len(clips)} clips is of the training split and a whole GRID sentence: "
                "the lip reader learns from prepared GRID clips alone"
            )
        mel = torch.cat([_spectrum(clip) for clip, _ in self.training])
        self._usual_mel, self._mel_spread = mel.mean(dim=0), mel.std(dim=0).clamp(min=1e-3)

    def loss(self, batch: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective.loss`; a window is a whole sentence."""
        chosen = torch.randint(len(self.training), (batch,), generator=generator).tolist()
        sentences = [_begun(self.training[index], generator) for index in chosen]
        views, present, said = _batch(sentences)
        mel = self._mel([clip for clip, _ in sentences])
        device = device_of(self.network)
        present, said, mel = (move(tensor, device) for tensor in (present, said, mel))
        seen = self.network.look(move(_disturbed(views, generator), device), present)
        heard = self.network.listen(mel, present)
        when = heard.when.detach()
        # Kullback-Leibler divergence of where is looked from where is heard; its own part of `when` is constant.
        apart = (when * ((when + _LEAST).log() - (seen.words.when + _LEAST).log())).sum(dim=(1, 2)).mean()
        sound = (seen.sound.float() - mel)[:, present].square().mean(dim=(1, 2)).sum()
        loss = _wrong(seen.words.logits, said) + _wrong(heard.logits, said) + apart + sound
        figures = {
            "words right": _share_right(seen.words.logits, said),
            "words right by ear": _share_right(heard.logits, said),
        }
        return loss, figures

    def evaluate(self) -> dict[str, float]:
        """Words and letters read right on held-out sentences in %, and words heard; by the commonest: a guess."""
        right, heard = (torch.stack(both) for both in zip(*map(self._right, self.held_out), strict=True))
        commonest = torch.tensor([said for _, said in self.training]).mode(dim=0).values
        truth = torch.tensor([said for _, said in self.held_out])
        return {
            "words right": 100 * float(right.mean()),
            "letters right": 100 * float(right[:, 3].mean()),
            "words right by ear": 100 * float(heard.mean()),
            "words right by the commonest": 100 * float((truth == commonest).float().mean()),
            "sentences": float(len(right)),
        }

    def _mel(self, clips: list[MouthClip]) -> Tensor:
        """(B, F, 80) spectra, about 0 and 1 in spread, padded by 0."""
        spectra = [(_spectrum(clip) - self._usual_mel) / self._mel_spread for clip in clips]
        return torch.nn.utils.rnn.pad_sequence(spectra, batch_first=True)

    def _right(self, sentence: tuple[MouthClip, tuple[int, ...]]) -> tuple[Tensor, Tensor]:
        """(6,) each: 1 where a word is read right, and where it is heard right."""
        device = device_of(self.network)
        views, present, truth = (move(tensor, device) for tensor in _batch([sentence]))
        mel = move(self._mel([sentence[0]]), device)
        both = self.network.look(views, present).words.logits, self.network.listen(mel, present).logits
        read, heard = (torch.cat([slot.argmax(dim=1) for slot in logits]) == truth[0] for logits in both)
        return read.float(), heard.float()


def _batch(sentences: list[tuple[MouthClip, tuple[int, ...]]]) -> tuple[Tensor, Tensor, Tensor]:
    """Views (B, F, 48, 48) padded by black, which frames are there (B, F), and words (B, 6)."""
    views = torch.nn.utils.rnn.pad_sequence([clip.views for clip, _ in sentences], batch_first=True).float()
    lengths = torch.tensor([len(clip.views) for clip, _ in sentences])
    present = torch.arange(views.shape[1])[None] < lengths[:, None]
    return views, present, torch.tensor([said for _, said in sentences])


def _begun(
    sentence: tuple[MouthClip, tuple[int, ...]], generator: torch.Generator
) -> tuple[MouthClip, tuple[int, ...]]:
    """A sentence that begins a little earlier, or waits a little."""
    clip, said = sentence
    by = int(torch.randint(-_EARLY_FRAMES, _EARLY_FRAMES + 1, (1,), generator=generator))
    frames = torch.arange(by, len(clip.views)).clamp(min=0)
    return replace(clip, views=clip.views[frames], mel=clip.mel[frames]), said


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


def _spectrum(clip: MouthClip) -> Tensor:
    """(F, 80) mel spectrum of each frame alone."""
    return clip.mel[..., _MIDDLE].float().mean(dim=-1)


def _wrong(logits: tuple[Tensor, ...], said: Tensor) -> Tensor:
    """Cross-entropy, summed over slots."""
    losses = [
        functional.cross_entropy(slot.float(), said[:, number], label_smoothing=_SMOOTHING)
        for number, slot in enumerate(logits)
    ]
    return torch.stack(losses).sum()


def _share_right(logits: tuple[Tensor, ...], said: Tensor) -> Tensor:
    read = torch.stack([slot.detach().argmax(dim=1) for slot in logits], dim=1)
    return (read == said).float().mean()
