"""Windows drawn from cached clips."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.time import WINDOW_FRAMES
from contextalk.models.machine import CPU, keep, move
from contextalk.training.latents import LatentClip, clip_starts, stack_frames

STACKED = ("face", "masked", "bent", "drawing", "scene", "mel", "place", "others", "points", "lips")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBatch:
    """Windows of `F` frames, all tensors float32 with leading (B, F) on the set's device; identity is (B, 16, 16, 16).

    Attributes:
        frames: (B, F) index of each frame in the set, on the CPU.
        identity: Latent of another frame of the same person, from outside the window and two seconds around it where
            the person has such frames.
        guess: (B, F, 16, 16, 16) drawing of the face that c_l alone regresses, where it was made (`guesses.py`).
    """

    frames: Tensor
    face: Tensor
    masked: Tensor
    bent: Tensor
    drawing: Tensor
    scene: Tensor
    mel: Tensor
    place: Tensor
    others: Tensor
    points: Tensor
    lips: Tensor
    identity: Tensor
    guess: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """Drawings of regressed faces over all frames of a set, (N, 16, 16, 16) float16 latents.

    Attributes:
        first: As a first frame is guessed, told who it is; NaN where no window begins.
        sequence: As the frames of a sequence are guessed.
        stranger: As both are guessed of a stranger (`Lesson.condition`); None for networks that know none.
    """

    first: Tensor
    sequence: Tensor
    stranger: Tensor | None


class WindowSet:
    """Clips of one split, stacked in memory (about 43 kB a frame).

    A clip is drawn from by the square root of its number of windows: a scene is one example of where people look,
    however long it is, and many examples of what a mouth does. So is a person, by that of all their windows: somebody
    with a sixteenth of another's footage is drawn from a quarter as often.
    """

    def __init__(self, clips: list[LatentClip], device: torch.device = CPU) -> None:
        """Stack the clips in the memory of the device that batches are for, where they fit, else in the CPU's."""
        self.device = device
        self.tensors = keep({name: stack_frames(clips, name) for name in STACKED}, device)
        starts = clip_starts(clips)
        self._source = _source_frames([clip.key for clip in clips], starts).tolist()
        self.clip_of = torch.cat([torch.full((len(clip),), index) for index, clip in enumerate(clips)])
        begins = [torch.arange(start, stop - WINDOW_FRAMES + 1) for start, stop in pairwise(starts)]
        self.begins = torch.cat(begins)
        persons = sorted({clip.person for clip in clips})
        person_of_clip = torch.tensor([persons.index(clip.person) for clip in clips])
        windows = torch.tensor([len(part) for part in begins]).double()
        nobody = torch.zeros(len(persons)).double()
        all_windows, all_roots = (nobody.index_add(0, person_of_clip, each) for each in (windows, windows.sqrt()))
        of_person = (all_windows.sqrt() / all_roots)[person_of_clip]
        self._reach = (of_person / windows.sqrt()).repeat_interleave(windows.long()).cumsum(0)
        self.guesses: Guesses | None = None
        self.person_of = person_of_clip[self.clip_of]
        self._person_of: list[int] = self.person_of.tolist()  # a list is looked up in faster than a tensor
        self._frames_of: list[list[int]] = [
            [
                frame
                for frame in torch.nonzero(self.person_of == person).flatten().tolist()
                if self._source[frame] == frame
            ]
            for person in range(len(persons))
        ]

    def __len__(self) -> int:
        return len(self.begins)

    def draw(
        self, count: int, generator: torch.Generator, *, length: int = WINDOW_FRAMES, stranger: bool = False
    ) -> WindowBatch:
        """`count` windows of `length` ≤ 8 frames at random."""
        drawn = torch.rand(count, generator=generator, dtype=torch.float64) * self._reach[-1]
        chosen = torch.searchsorted(self._reach, drawn, right=True)
        return self.take(self.begins[chosen], generator, length=length, stranger=stranger)

    def spread(self, count: int, *, length: int = WINDOW_FRAMES, stranger: bool = False) -> WindowBatch:
        """`count` windows evenly over the set, the same ones each time: for held-out figures."""
        chosen = torch.linspace(0, len(self.begins) - 1, min(count, len(self.begins))).long()
        return self.take(self.begins[chosen], torch.Generator().manual_seed(0), length=length, stranger=stranger)

    def take(self, begins: Tensor, generator: torch.Generator, *, length: int, stranger: bool = False) -> WindowBatch:
        """The windows that begin at the given frames of the set, with the guess that is made of a stranger or not."""
        frames = begins[:, None] + torch.arange(length)
        identities = torch.tensor([self._identity(begin, length, generator) for begin in begins.tolist()])
        values = {name: take_frames(tensor, frames, self.device) for name, tensor in self.tensors.items()}
        identity = take_frames(self.tensors["face"], identities, self.device)
        guess = None
        if self.guesses is not None:
            known = self.guesses.first if length == 1 else self.guesses.sequence
            chosen = self.guesses.stranger if stranger else known
            assert chosen is not None  # only networks that are told of others meet strangers
            guess = take_frames(chosen, frames, self.device)
        return WindowBatch(frames=frames, identity=identity, guess=guess, **values)

    def _identity(self, begin: int, length: int, generator: torch.Generator) -> int:
        """A frame of the same person that is not in the window, nor in what the window is dubbed on."""
        frames, begin = self._frames_of[self._person_of[begin]], self._source[begin]
        for margin in (50, 0):
            before = bisect_left(frames, begin - margin)
            hidden = bisect_left(frames, begin + length + margin) - before
            if hidden < len(frames):
                chosen = int(torch.randint(len(frames) - hidden, (1,), generator=generator))
                return frames[chosen if chosen < before else chosen + hidden]
        raise ValueError("a person has no frame outside a window: `split_clips` keeps such clips out")


def _source_frames(keys: list[str], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each frame of a set → the frame whose face it shows, too: of `CLIP` and `CLIP+SENTENCE` the first one's."""
    source, firsts = np.arange(starts[-1]), dict[str, int]()
    for key, start, stop in zip(keys, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        first = firsts.setdefault(key.partition("+")[0], start)
        source[start:stop] = np.arange(first, first + stop - start)
    return source


def take_frames(stored: Tensor, frames: Tensor, device: torch.device) -> Tensor:
    """Rows of what is stored on the CPU or on the device: float32 on the device. `frames` is on the CPU."""
    return move(stored[move(frames, stored.device)], device).float()
