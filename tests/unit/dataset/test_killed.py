"""Killed and started again, and workers that die: nothing is lost but what was at work, and nothing is different."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests.dataset_kit import Square, sums

from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare
from contextalk.dataset.workers import run_on_workers

Videos = Callable[..., Path]

COMMAND = "from contextalk.cli.main import main; main()"


def start(sources: list[Path], data: Path, cache: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", COMMAND, "prepare", *map(str, sources), "-o", str(data), *options]
    quiet = subprocess.DEVNULL
    # A group of its own, so that its workers are killed with it, as a machine that goes down does.
    return subprocess.Popen(
        command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, stdout=quiet, stderr=quiet, start_new_session=True
    )


def kill_when(run: "subprocess.Popen[bytes]", happened: Callable[[], bool]) -> bool:
    """Kill -9 a run and its workers once something happened; False where it ended before."""
    while not happened():
        if run.poll() is not None:
            return False
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return True


def test_killed_between_clips_and_started_again(
    real_video: Videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    video = real_video("film", num_frames=300)
    bounds = [{"start": float(n), "end": n + 1.0, "name": f"s{n:02d}"} for n in range(12)]
    video.with_suffix(".json").write_text(json.dumps({"clips": bounds}))
    prepare([video], tmp_path / "whole")

    data = tmp_path / "killed"
    pieces = lambda: len(list(data.glob("work/*/*.tar")))  # noqa: E731
    killed = []
    for count in (1, 5):
        run = start([video], data, tmp_path / "cache")
        assert kill_when(run, lambda count=count: pieces() >= count)
        killed.append({path.name: path.stat().st_mtime_ns for path in data.glob("work/*/*.tar")})
    assert not (data / "manifest.parquet").exists(), "killed before it was done"
    assert killed[0].items() <= killed[1].items(), "what was finished is not made again"
    assert start([video], data, tmp_path / "cache").wait() == 0
    assert sums(data) == sums(tmp_path / "whole")
    assert not list((data / "work").iterdir())


def kill_readers(pipe: Path, ended: threading.Event) -> None:
    """Kill every other process that opens a pipe to read it."""
    while not ended.wait(0.05):
        try:
            handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue  # nobody reads
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if int(link.parts[2]) != os.getpid() and link.readlink() == pipe:
                    os.kill(int(link.parts[2]), signal.SIGKILL)
        os.close(handle)


@pytest.mark.slow
@pytest.mark.media
@pytest.mark.timeout(7200)
def test_killed_at_twenty_random_moments_of_two_minutes(media: Path, tmp_path: Path) -> None:
    """Of a real source, with the face backend and two workers on two files."""
    import av

    sources = [tmp_path / f"part{n}.mp4" for n in (1, 2)]
    for source in sources:  # a minute of each, remuxed
        with av.open(str(media / f"grid_s1_train/{source.name}")) as whole, av.open(str(source), "w") as cut:
            streams = {
                s.index: cut.add_stream_from_template(s) for s in (whole.streams.video[0], whole.streams.audio[0])
            }
            for packet in whole.demux(list(whole.streams.video + whole.streams.audio)):
                if packet.dts is not None and float(packet.pts * packet.time_base) < 60:
                    packet.stream = streams[packet.stream.index]
                    cut.mux(packet)
    began = time.monotonic()
    assert start(sources, tmp_path / "whole", tmp_path / "cache", "--workers", "2").wait() == 0
    lasts_s, random_s, kills, finished = time.monotonic() - began, random.Random(4), 0, 0
    attempt = tmp_path / "killed-0"
    while kills < 20:
        assert finished < 20, "it ends before it can be killed"
        moment = time.monotonic() + random_s.uniform(0.05, 0.5) * lasts_s
        run = start(sources, attempt / "data", attempt / "cache", "--workers", "2")
        if kill_when(run, lambda moment=moment: time.monotonic() > moment):
            kills += 1
        else:  # it had little left to do: from nothing again
            assert run.wait() == 0
            assert sums(attempt / "data") == sums(tmp_path / "whole")
            finished += 1
            attempt = tmp_path / f"killed-{finished}"
    assert start(sources, attempt / "data", attempt / "cache", "--workers", "2").wait() == 0
    assert sums(attempt / "data") == sums(tmp_path / "whole")


def test_a_dead_worker_costs_its_own_task(tmp_path: Path) -> None:
    tasks = deque(Square(number, {2: 1, 3: 9}.get(number, 0), tmp_path) for number in range(6))
    heard: list[int] = []
    done = list(run_on_workers(tasks, 2, lambda task, *_: heard.append(task.number)))
    assert {task.number: result for task, result in done} == {0: 0, 1: 1, 2: 4, 3: None, 4: 16, 5: 25}
    assert set(heard) == set(range(6))


def test_a_source_whose_worker_dies_is_a_row_and_tried_again_next_time(
    real_video: Videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    videos = [real_video(name) for name in ("good", "deadly", "fine")]
    # A sidecar that is a pipe: whoever waits at it is at work on this source, and is killed from outside.
    lure = videos[1].parent / "landmarks-0.npz"
    kept = lure.read_bytes()
    lure.unlink()
    os.mkfifo(lure)
    ended = threading.Event()
    killer = threading.Thread(target=kill_readers, args=(lure, ended))
    killer.start()
    report = prepare(videos, tmp_path / "data", workers=2)
    ended.set()
    killer.join()
    assert report.rejected == {"worker died": 1}
    (row,) = [row for row in read_manifest(tmp_path / "data").to_pylist() if row["reject_reason"]]
    assert row["source"] == "deadly.mp4"
    assert sum(report.num_clips.values()) == 2

    lure.unlink()
    lure.write_bytes(kept)
    again = prepare(videos, tmp_path / "data")
    assert (again.num_reused, again.rejected, sum(again.num_clips.values())) == (2, {}, 3)
    assert np.all([row["reject_reason"] == "" for row in read_manifest(tmp_path / "data").to_pylist()])
