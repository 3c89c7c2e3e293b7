"""Clips of a dataset read by several processes at once: decoding and drawing keep one core from feeding a card."""

import multiprocessing
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from contextalk.dataset.clips import Clip, read_clips
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.workers import use_one_thread

_Told = TypeVar("_Told")
_Made = TypeVar("_Made")

_AHEAD = 2
"""Shards begun for each process, so that what waits to be taken stays small."""


def map_clips(
    dataset: Path, told: Mapping[str, _Told], act: Callable[[Clip, _Told], _Made], *, workers: int
) -> Iterator[_Made]:
    """What `act` makes of each clip, in the order of the manifest whatever the number of processes.

    Args:
        dataset: Folder written by `prepare`.
        told: Key of each clip wanted → what `act` is told beside the clip.
        act: With more than one process a function of a module, or a `partial` of one.
        workers: Processes; 1: none but this one.
    """
    if workers <= 1:
        for clip in read_clips(dataset, keys=told.keys()):
            yield act(clip, told[clip.key])
        return
    shards: defaultdict[str, dict[str, _Told]] = defaultdict(dict)
    for row in read_manifest(dataset).to_pylist():
        if row["key"] in told:
            shards[row["shard"]][row["key"]] = told[row["key"]]
    # Started afresh, not forked: the parent holds threads of decoders, and perhaps a card.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_use_one_thread) as pool:
        waiting = deque[Future[list[_Made]]]()
        try:
            for shard in shards.values():
                waiting.append(pool.submit(_act_on_shard, dataset, shard, act))
                if len(waiting) > _AHEAD * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _act_on_shard(dataset: Path, told: Mapping[str, _Told], act: Callable[[Clip, _Told], _Made]) -> list[_Made]:
    return [act(clip, told[clip.key]) for clip in read_clips(dataset, keys=told.keys())]


def _use_one_thread() -> None:
    use_one_thread()
    torch.set_num_threads(1)
