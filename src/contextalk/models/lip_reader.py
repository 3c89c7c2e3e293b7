"""Lip reader for GRID sentences: six slots, 51 words in all, read off the mouth alone."""

import re
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

SLOTS: tuple[tuple[str, ...], ...] = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)
"""Command, colour, preposition, letter (no w), digit, adverb (Cooke et al. 2006, Table I)."""

_NEIGHBOURS = 5
"""Frames that the first convolution sees at once, as channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LipReaderConfig:
    """Shape of a lip reader.

    Attributes:
        channels: Width of the first convolution; the next two have twice and three times as many.
        hidden: Width of the recurrent layer, each way.
    """

    channels: int = 24
    hidden: int = 96


class LipReader(nn.Module):
    """Convolutions over space and five frames, a GRU both ways, and for each slot its own attention over time."""

    def __init__(self, config: LipReaderConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.channels, config.hidden
        self.motion = nn.Sequential(
            nn.Conv2d(_NEIGHBOURS, width, 5, stride=2, padding=2), nn.GroupNorm(4, width), nn.SiLU()
        )
        self.shape = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.SiLU(),
            nn.Conv2d(2 * width, 3 * width, 3, stride=2, padding=1),
            nn.GroupNorm(4, 3 * width),
            nn.SiLU(),
            nn.Conv2d(3 * width, 3 * width, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(27 * width, 2 * hidden),
        )
        self.time = nn.GRU(2 * hidden, hidden, batch_first=True, bidirectional=True)
        self.when = nn.Linear(2 * hidden, len(SLOTS))
        self.words = nn.ModuleList(nn.Linear(2 * hidden, len(words)) for words in SLOTS)

    def forward(
        self, views: Float[Tensor, "b f 48 48"], present: Bool[Tensor, "b f"]
    ) -> tuple[Float[Tensor, "b _"], ...]:
        """Logits of each slot's words.

        Args:
            views: `faces.mouth_views.mouth_views`, 0 … 255.
            present: False where a sentence is padded.
        """
        batch, frames = present.shape
        mean = views.mean(dim=(2, 3), keepdim=True)
        spread = views.std(dim=(2, 3), keepdim=True).clamp(min=1.0)
        level = (views - mean) / spread * present[..., None, None]
        reach = _NEIGHBOURS // 2
        around = functional.pad(level, (0, 0, 0, 0, reach, reach)).unfold(1, _NEIGHBOURS, 1).movedim(-1, 2)
        shown = self.shape(self.motion(around.flatten(0, 1))).unflatten(0, (batch, frames))
        lengths = present.sum(dim=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(shown, lengths, batch_first=True, enforce_sorted=False)
        read, _ = nn.utils.rnn.pad_packed_sequence(self.time(packed)[0], batch_first=True, total_length=frames)
        share = self.when(read).float().masked_fill(~present[..., None], float("-inf")).softmax(dim=1)
        heard = torch.einsum("bfs,bfh->sbh", share, read.float())
        return tuple(head(part) for head, part in zip(self.words, heard, strict=True))


def parse_sentence(text: str) -> tuple[int, ...] | None:
    """Index of each slot's word; None where the text is no GRID sentence.

    Case, punctuation, silence marks (`sil`, `sp`) and digits as figures are forgiven.
    """
    figures = dict(zip("0123456789", SLOTS[4], strict=True))
    words = [word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in ("sil", "sp")]
    if len(words) != len(SLOTS):
        return None
    words = [figures.get(word, word) for word in words]
    if any(word not in slot for word, slot in zip(words, SLOTS, strict=True)):
        return None
    return tuple(slot.index(word) for word, slot in zip(words, SLOTS, strict=True))
