"""Tasks on several processes, one task a process at a time: a process that dies costs the task it was at.

One pool of n processes breaks as a whole when one of them is killed, and does not say which task did it; n pools of one
process each do not.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Protocol, TypeVar

import cv2

from contextalk.media import scaler

TRIES = 2
"""A process may be killed by something that has nothing to do with its task: once."""

POLL_S = 0.2
"""How long to wait before asking again what is done."""

_TELL_S = 0.25

Told = Callable[[str, int, int], None]
"""Progress of a task: stage, done, total."""


Result = TypeVar("Result")
Made = TypeVar("Made", covariant=True)


class Task(Protocol[Made]):
    """Work that can be sent to another process. Hashable, and done twice it gives the same."""

    def __call__(self, told: Told) -> Made:
        """Do it."""
        ...


class Runner(Protocol):
    """Does tasks in any order; more may be added on the way.

    Yields:
        Task and result; None for one whose process died `TRIES` times.
    """

    def __call__(
        self, tasks: deque[Task[Result]], *, told: Callable[[Task[Result], str, int, int], None]
    ) -> Generator[tuple[Task[Result], Result | None], None, None]:
        """Do them."""
        ...


def run_here(
    tasks: deque[Task[Result]], told: Callable[[Task[Result], str, int, int], None]
) -> Generator[tuple[Task[Result], Result | None], None, None]:
    """Do tasks one after the other in this process; more may be added on the way."""
    while tasks:
        task = tasks.popleft()
        yield task, task(lambda stage, done, total, task=task: told(task, stage, done, total))


def run_on_workers(
    tasks: deque[Task[Result]], num_workers: int, told: Callable[[Task[Result], str, int, int], None]
) -> Generator[tuple[Task[Result], Result | None], None, None]:
    """Do tasks on processes, in any order; more may be added on the way.

    Yields:
        Task and result; None for one whose process died `TRIES` times.
    """
    slots = [_Slot() for _ in range(num_workers)]
    running: dict[Future[Result], tuple[_Slot, Task[Result]]] = {}
    deaths = Counter[Task[Result]]()
    try:
        while tasks or running:
            free = [slot for slot in slots if all(slot is not busy for busy, _ in running.values())]
            while tasks and free:
                slot, task = free.pop(), tasks.popleft()
                running[slot.submit(task)] = slot, task
            done, _ = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED)
            for slot, task in running.values():
                for message in slot.messages():
                    told(task, *message)
            for future in done:
                slot, task = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    slot.restart()
                    deaths[task] += 1
                    if deaths[task] < TRIES:
                        tasks.append(task)
                        continue
                    result = None
                yield task, result
    finally:
        for slot in slots:
            slot.stop()


class _Slot:
    """A process, and the pipe on which it tells how far it is."""

    def __init__(self) -> None:
        self._start()

    def submit(self, task: Task[Result]) -> Future[Result]:
        return self._pool.submit(_do, task)

    def messages(self) -> Iterator[tuple[str, int, int]]:
        with suppress(EOFError, OSError):
            while self._ear.poll():
                yield self._ear.recv()

    def restart(self) -> None:
        self.stop()
        self._start()

    def stop(self) -> None:
        """End the process at once; what it was at is left as a killed run leaves it."""
        for process in list((self._pool._processes or {}).values()):  # Python 3.14: terminate_workers
            process.kill()
        self._pool.shutdown(cancel_futures=True)
        self._ear.close()

    def _start(self) -> None:
        # Started afresh, not forked: the parent may hold threads of decoders and networks.
        context = multiprocessing.get_context("spawn")
        self._ear, mouth = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(mouth, os.getpid()))


_mouth: Connection | None = None


def _begin(mouth: Connection, parent: int) -> None:
    """In a new process: it ends with its parent, even one that was killed, and leaves Ctrl-C to it."""
    global _mouth
    _mouth = mouth
    use_one_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def use_one_thread() -> None:
    """OpenCV and FFmpeg's scaler share the cores among workers, not among threads of each."""
    cv2.setNumThreads(1)
    scaler.use_one_thread()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os._exit(1)


def _do(task: Task[Result]) -> Result:
    assert _mouth is not None, "set by _begin"
    mouth = _mouth
    return task(now_and_then(lambda *message: mouth.send(message)))


def now_and_then(told: Told) -> Told:
    """What a task tells, as often as somebody far away wants to hear it."""
    last_s = -_TELL_S

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= _TELL_S:
            last_s = time.monotonic()
            told(stage, done, total)

    return tell
