"""Looking at a video in blocks: what is seen in one depends on no other, so blocks are made in any order and kept.

A shot may last half a second or three hours, and cuts are known only after the pictures around them were seen, so the
unit of the first decode is a fixed number of frames. Tracks and shots are put together over blocks afterwards, without
a picture.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.records import NUM_POINTS
from contextalk.faces.backends import FaceBackend, SeenFace
from contextalk.faces.hand_watch import HandWatch, SeenHand
from contextalk.faces.hands import NUM_JOINTS, HandFinder
from contextalk.faces.shots import LOOK_AHEAD, LOOK_BACK, ShotFinder
from contextalk.media.source import known_timeline
from contextalk.media.video import Picture, read_frames, scan_frames

BLOCK_FRAMES = 1500
"""A minute at 25 fps: what a killed run loses at most, and seldom enough that the search at its start costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceBlock:
    """What was seen in frames `[start, start + F)`.

    Attributes:
        start: First frame.
        counts: (F,) faces in each frame; those of all frames lie one after the other in the following.
        points: (N, 68, 2) float32 scene px.
        pupils: (N, 2, 2) float32 scene px, NaN unknown.
        looks: (N, D) float32 appearance.
        cuts: Frames at which the picture jumps.
        damaged: (F,) whether the picture is damaged or missing.
        hand_frames: (M,) scene frame of each hand that was seen, increasing.
        hand_joints: (M, 21, 2) float32 scene px.
        hand_presence: (M,) float32 in [0, 1].
    """

    start: int
    counts: NDArray[np.int32]
    points: NDArray[np.float32]
    pupils: NDArray[np.float32]
    looks: NDArray[np.float32]
    cuts: NDArray[np.int64]
    damaged: NDArray[np.bool_]
    hand_frames: NDArray[np.int64]
    hand_joints: NDArray[np.float32]
    hand_presence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.counts)

    def rows(self) -> Iterator[tuple[int, slice]]:
        """Frame of the scene and where its faces lie."""
        edges = [0, *np.cumsum(self.counts).tolist()]
        for offset, (first, last) in enumerate(itertools.pairwise(edges)):
            yield self.start + offset, slice(first, last)


@dataclass(slots=True)
class _Growing:
    """A block while its frames pass by."""

    start: int
    watch: HandWatch | None
    frames: list[Sequence[SeenFace]] = field(default_factory=list)
    damaged: list[bool] = field(default_factory=list)

    def finish(self, cuts: Sequence[int]) -> FaceBlock:
        own = [cut for cut in cuts if self.start <= cut < self.start + len(self.frames)]
        hands = () if self.watch is None else self.watch.finish()
        return pack_block(self.frames, start=self.start, cuts=own, damaged=self.damaged, hands=hands)


def pack_block(
    frames: Sequence[Sequence[SeenFace]],
    *,
    start: int = 0,
    cuts: Sequence[int] = (),
    damaged: Sequence[bool] | None = None,
    hands: Sequence[SeenHand] = (),
) -> FaceBlock:
    """A block of the faces of consecutive frames, and of the hands seen in them."""
    faces = [face for frame in frames for face in frame]
    looks = np.array([face.look for face in faces], np.float32)
    return FaceBlock(
        start=start,
        counts=np.array([len(frame) for frame in frames], np.int32),
        points=np.array([face.points for face in faces], np.float32).reshape(-1, NUM_POINTS, 2),
        pupils=np.array([face.pupils for face in faces], np.float32).reshape(-1, 2, 2),
        looks=looks if faces else np.zeros((0, 0), np.float32),
        cuts=np.array(cuts, np.int64),
        damaged=np.zeros(len(frames), bool) if damaged is None else np.array(damaged, bool),
        hand_frames=np.array([hand.frame for hand in hands], np.int64),
        hand_joints=np.array([hand.joints for hand in hands], np.float32).reshape(-1, NUM_JOINTS, 2),
        hand_presence=np.array([hand.presence for hand in hands], np.float32),
    )


def look_at_blocks(
    path: Path,
    numbers: Sequence[int] | None,
    backend: FaceBackend,
    *,
    hands: HandFinder | None = None,
    made: Callable[[int], bool] = lambda _: False,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[int, FaceBlock]]:
    """See the frames of some blocks.

    Args:
        path: The video.
        numbers: Which blocks, increasing; neighbours share a decode. None: all, in one decode even where only decoding
            tells the times.
        backend: Finds the faces.
        hands: Finds hands near them; None: they are not looked for.
        made: Blocks that need not be seen again though the decode passes them.
        progress: Told after each frame how many were seen.

    Yields:
        Number and block, each as soon as it is whole.
    """
    if numbers is None:
        yield from _look(scan_frames(path), 0, None, backend, hands, made, progress)
        return
    seen = 0
    for first, last in _neighbours(numbers):
        start, stop = first * BLOCK_FRAMES, (last + 1) * BLOCK_FRAMES
        pictures = read_frames(path, start=max(0, start - LOOK_BACK), stop=stop + LOOK_AHEAD)
        yield from _look(
            pictures, start, stop, backend, hands, made, lambda count, before=seen: progress(before + count)
        )
        seen += stop - start


def num_blocks(path: Path) -> int | None:
    """How many blocks a video has; None where only decoding tells."""
    timeline = known_timeline(path)
    return None if timeline is None else -(-len(timeline.ticks) // BLOCK_FRAMES)


def _neighbours(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield members[0], members[-1]


def _look(
    pictures: Iterator[Picture],
    start: int,
    stop: int | None,
    backend: FaceBackend,
    hands: HandFinder | None,
    made: Callable[[int], bool],
    progress: Callable[[int], None],
) -> Iterator[tuple[int, FaceBlock]]:
    finder = ShotFinder()
    growing: list[_Growing] = []
    for picture in pictures:
        changed = finder.see(picture)
        if start <= picture.index and (stop is None or picture.index < stop):
            begins = (picture.index - start) % BLOCK_FRAMES == 0
            if begins:
                growing.append(_Growing(picture.index, None if hands is None else HandWatch(hands)))
                skipped = made(picture.index // BLOCK_FRAMES)
            # A damaged picture shows faces where there are none, and none where there are.
            hidden = skipped or picture.damaged
            faces = () if hidden else backend.see(picture, changed=changed or begins)
            block = growing[-1]
            block.frames.append(faces)
            block.damaged.append(picture.damaged)
            if block.watch is not None and not hidden:
                block.watch.see(picture, faces)
            progress(picture.index + 1 - start)
        # Cuts are decided some frames late.
        if growing and growing[0].start + BLOCK_FRAMES + LOOK_AHEAD == picture.index + 1:
            yield from _finished(growing.pop(0), finder, made)
    for block in growing:
        yield from _finished(block, finder, made)


def _finished(block: _Growing, finder: ShotFinder, made: Callable[[int], bool]) -> Iterator[tuple[int, FaceBlock]]:
    number = block.start // BLOCK_FRAMES
    if not made(number):
        yield number, block.finish(finder.cuts)
