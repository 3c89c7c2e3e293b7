"""Blocks of samples: cut or continued to a length, and grouped anew."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

SILENCE_SAMPLES = 48_000
"""Of the blocks that continue a wave."""


def fit_blocks(blocks: Iterable[NDArray[np.float32]], length: int) -> Iterator[NDArray[np.float32]]:
    """Blocks (S,) or (S, channels) cut, or continued with silence, to `length` samples together."""
    left, channels = length, ()
    for block in blocks:
        channels = block.shape[1:]
        if left:
            yield block[:left]
        left = max(0, left - len(block))
    while left:
        silence = np.zeros((min(left, SILENCE_SAMPLES), *channels), np.float32)
        left -= len(silence)
        yield silence


def regroup_blocks(blocks: Iterable[NDArray[np.float32]], size: int) -> Iterator[NDArray[np.float32]]:
    """The same samples in blocks of `size`; the last one may be shorter."""
    kept, count = list[NDArray[np.float32]](), 0
    for block in blocks:
        kept.append(block)
        count += len(block)
        if count >= size:
            joined = np.concatenate(kept)
            rest = count % size
            for start in range(0, count - rest, size):
                yield joined[start : start + size]
            kept, count = [joined[count - rest :]], rest
    if count:
        yield np.concatenate(kept)
