"""Tasks on the processes of a Ray cluster, by the rules of `workers.py`: one that dies costs the task it was at."""

import os
import socket
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from contextalk.core.errors import DatasetError
from contextalk.dataset.places import Folder, Place
from contextalk.dataset.workers import POLL_S, TRIES, Result, Task, now_and_then, use_one_thread

LOCAL = "local"
"""Address of a cluster of this machine's processes, begun and ended with its use."""

_STORE_BYTES = 100_000_000
"""Shared memory of such a cluster; what tasks return is small."""


_KNOCK_S = 10.0


class Cluster:
    """A Ray cluster; it is joined, or begun, and left with a `with` block."""

    def __init__(self, address: str, most: int) -> None:
        """Args: `address` as Ray knows it, or `LOCAL`; `most` tasks at once, 1: as many as there are processors.

        Raises:
            DatasetError: Ray is not installed.
        """
        try:
            import ray  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise DatasetError(f"--ray wants Ray: pip install 'contextalk[ray]' ({error})") from error
        self._ray: Any = ray
        self._address, self._most = address, most if most > 1 else None

    def __enter__(self) -> "Cluster":
        self._is_mine = not self._ray.is_initialized()
        if self._is_mine:
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
            begun = {"num_cpus": self._most, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
            # Nobody was asked whether what is done here may be reported.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            try:
                _knock(self._address)
                self._ray.init(address=self._address, **quiet, **(begun if self._address == LOCAL else {}))
            except (OSError, RuntimeError, ValueError) as error:
                raise DatasetError(f"no Ray cluster at {self._address!r}: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_mine:
            self._ray.shutdown()

    def check_reach(self, dataset: Place, files: Sequence[Path]) -> None:
        """Make sure that all machines of the cluster read and write the same dataset, and read files and folders.

        Raises:
            DatasetError: One does not.
        """
        token = f".reach-{uuid.uuid4().hex}"
        dataset.write(token, b"")
        try:
            for machine, lacks in self._on_each_machine(_lacking, dataset, token, files):
                if lacks:
                    raise DatasetError(
                        f"machine {machine} of the Ray cluster does not reach {lacks[0]}, "
                        "wanted a folder that all of them share, or a URL"
                    )
        finally:
            dataset.remove(token)

    def shares(self, folder: Path) -> bool:
        """Whether all machines of the cluster see the same in a folder of this one."""
        token = f".shared-{uuid.uuid4().hex}"
        place = Folder(folder)
        place.write(token, b"")
        try:
            return not any(lacks for _, lacks in self._on_each_machine(_lacking, place, token, ()))
        finally:
            place.remove(token)

    def run(
        self, tasks: deque[Task[Result]], *, told: Callable[[Task[Result], str, int, int], None]
    ) -> Generator[tuple[Task[Result], Result | None], None, None]:
        """Do tasks, a processor each, in any order; more may be added on the way.

        Yields:
            Task and result; None for one whose process, or machine, died `TRIES` times.
        """
        ray, died = self._ray, self._ray.exceptions
        # Ray's own retries would not count those that ran out of memory.
        do = ray.remote(max_retries=0)(_do)
        mailbox = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Mailbox).remote()
        numbers, deaths = count(), Counter[Task[Result]]()
        running: dict[Any, tuple[int, Task[Result]]] = {}
        try:
            while tasks or running:
                while tasks and len(running) < self._num_slots():
                    task, number = tasks.popleft(), next(numbers)
                    running[do.remote(task, mailbox, number)] = number, task
                done, _ = ray.wait(list(running), timeout=POLL_S)
                at_work = dict(running.values())
                for number, message in ray.get(mailbox.empty.remote()).items():
                    if number in at_work:
                        told(at_work[number], *message)
                for future in done:
                    _, task = running.pop(future)
                    try:
                        with self._own_errors():
                            result = ray.get(future)
                    except (died.WorkerCrashedError, died.NodeDiedError, died.OutOfMemoryError):
                        deaths[task] += 1
                        if deaths[task] < TRIES:
                            tasks.append(task)
                            continue
                        result = None
                    yield task, result
        finally:
            for future in running:
                ray.cancel(future, force=True)
            ray.kill(mailbox)

    def _num_slots(self) -> int:
        processors = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        return min(processors, self._most or processors)

    def _on_each_machine(self, ask: Callable[..., Any], *arguments: object) -> list[tuple[str, Any]]:
        """Address of each machine, and its answer."""
        from ray.util.scheduling_strategies import (  # pyright: ignore[reportMissingImports]
            NodeAffinitySchedulingStrategy,
        )

        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        there = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
        do = self._ray.remote(num_cpus=0)(ask)
        asked = [do.options(scheduling_strategy=strategy).remote(*arguments) for strategy in there]
        with self._own_errors():
            answers = self._ray.get(asked)
        return [(node["NodeManagerAddress"], answer) for node, answer in zip(nodes, answers, strict=True)]

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """What a task raised, as it was."""
        try:
            yield
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error


class _Mailbox:
    """The last that each task told, until somebody asks; an actor."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[str, int, int]] = {}

    def tell(self, number: int, stage: str, done: int, total: int) -> None:
        self._last[number] = stage, done, total

    def empty(self) -> dict[int, tuple[str, int, int]]:
        last, self._last = self._last, {}
        return last


def _knock(address: str) -> None:
    """Raise an `OSError` where nobody is at an address: Ray itself asks again for a quarter of an hour."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()


def _do(task: Task[Result], mailbox: Any, number: int) -> Result:
    use_one_thread()
    return task(now_and_then(lambda *message: mailbox.tell.remote(number, *message)))


def _lacking(place: Place, token: str, files: Sequence[Path]) -> list[str]:
    """Which of some files, and of a place that holds a token, a machine does not see."""
    return [*([] if place.has(token) else [str(place)]), *(str(file) for file in files if not file.exists())]
