"""Lip reader for GRID sentences: six slots, 51 words in all, read off the mouth alone.

A sentence is three seconds, as GRID records it. Beside the reader learns an ear, which hears the same sentences and
soon knows when each word is said. Told that, the reader learns from hundreds of sentences what by itself it does not:
which of 75 frames a word is.
"""

import math
import re
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.core.time import RATE_HZ
from contextalk.media.mel import NUM_BANDS

SLOTS: tuple[tuple[str, ...], ...] = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)
"""Command, colour, preposition, letter (no w), digit, adverb (Cooke et al. 2006, Table I)."""

_SPOKEN_AT_S, _SPREAD_S = (0.84, 1.14, 1.35, 1.5, 1.74, 1.98), 0.24
"""When in its three seconds each slot of a sentence is looked for at first, and how far about; both are learnt on."""

LONG_ENOUGH, TOO_LONG = 68, 83
"""Frames of what may be such a sentence: others would be looked at in the wrong places."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence as it is understood.

    Attributes:
        logits: Of each slot's words, (B, words).
        when: (B, F, 6) share of each frame in each slot: sums to 1 over frames.
    """

    logits: tuple[Tensor, ...]
    when: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a lip reader makes of mouths.

    Attributes:
        words: What is said.
        sound: (2, B, F, 80) two guesses at the mel spectrum of every frame: of five frames, and of all.
    """

    words: Words
    sound: Tensor


class Slots(nn.Module):
    """For each slot its own attention over time, and the words it may hold."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.when = nn.Linear(width, len(SLOTS))
        self.at_s = nn.Parameter(torch.tensor(_SPOKEN_AT_S))
        self.log_spread_s = nn.Parameter(torch.full((len(SLOTS),), math.log(_SPREAD_S)))
        self.dropout = nn.Dropout(0.3)
        self.words = nn.ModuleList(nn.Linear(width, len(words)) for words in SLOTS)

    def forward(self, states: Float[Tensor, "b f d"], present: Bool[Tensor, "b f"]) -> Words:
        """Args: `present` is False where a sentence is padded."""
        time_s = torch.arange(states.shape[1], device=states.device) / RATE_HZ
        far = (time_s[:, None] - self.at_s) / self.log_spread_s.exp()
        expected = self.when(states).float() - far.square() / 2
        share = expected.masked_fill(~present[..., None], float("-inf")).softmax(dim=1)
        held = self.dropout(torch.einsum("bfs,bfh->sbh", share, states.float()))
        return Words(logits=tuple(head(part) for head, part in zip(self.words, held, strict=True)), when=share)


class LipReader(nn.Module):
    """Convolutions over space and five frames, a GRU both ways, and slots; of the ear the last two."""

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
        self.slots = Slots(2 * hidden)
        self.sound = nn.ModuleList(nn.Linear(2 * hidden, NUM_BANDS) for _ in range(2))
        self.hear = nn.Sequential(nn.Conv1d(NUM_BANDS, 2 * hidden, 3, padding=1), nn.SiLU(), nn.Dropout(0.3))
        self.heard_over_time = nn.GRU(2 * hidden, hidden, batch_first=True, bidirectional=True)
        self.heard_slots = Slots(2 * hidden)

    def look(self, views: Float[Tensor, "b f 48 48"], present: Bool[Tensor, "b f"]) -> Seen:
        """Read lips.

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
        read = _over_time(self.time, shown, present)
        near, far = self.sound
        return Seen(words=self.slots(read, present), sound=torch.stack([near(shown), far(read)]))

    def listen(self, mel: Float[Tensor, "b f 80"], present: Bool[Tensor, "b f"]) -> Words:
        """Understand the sound of a sentence: the spectrum in the middle of every frame, about 0 and 1 in spread."""
        heard = self.hear((mel * present[..., None]).transpose(1, 2)).transpose(1, 2)
        return self.heard_slots(_over_time(self.heard_over_time, heard, present), present)

    def forward(
        self, views: Float[Tensor, "b f 48 48"], present: Bool[Tensor, "b f"]
    ) -> tuple[Float[Tensor, "b _"], ...]:
        """Logits of each slot's words, as `look` sees them."""
        return self.look(views, present).words.logits


def _over_time(network: nn.GRU, states: Tensor, present: Tensor) -> Tensor:
    """(B, F, 2·hidden) a GRU both ways over what is there of each sentence."""
    lengths = present.sum(dim=1).cpu()
    packed = nn.utils.rnn.pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
    passed, _ = nn.utils.rnn.pad_packed_sequence(network(packed)[0], batch_first=True, total_length=present.shape[1])
    return passed


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
