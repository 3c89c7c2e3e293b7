"""Preparation on a Ray cluster: the same dataset, and a worker that dies costs what it was at."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.dataset_kit import Square, sums

from contextalk.core.errors import DatasetError
from contextalk.dataset.cluster import LOCAL, Cluster
from contextalk.dataset.places import Folder, open_place
from contextalk.dataset.prepare import prepare

Scenes = Callable[..., Path]
Videos = Callable[..., Path]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a cluster of two machines, as Ray sees them, with a worker each."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'contextalk[ray]'")
    from ray.cluster_utils import Cluster as Machines

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    machines = Machines(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80_000_000})
    machines.add_node(num_cpus=1, object_store_memory=80_000_000)
    yield machines.address
    machines.shutdown()


@pytest.mark.slow
def test_a_dead_worker_costs_its_own_task(cluster: str, tmp_path: Path) -> None:
    tasks = deque(Square(number, {2: 1, 3: 9}.get(number, 0), tmp_path) for number in range(6))
    heard: list[int] = []
    with Cluster(cluster, 1) as joined:
        done = list(joined.run(tasks, told=lambda task, *_: heard.append(task.number)))
        with pytest.raises(DatasetError, match=r"^-1 has a wrong sign$"):
            list(joined.run(deque([Square(-1, 0, tmp_path)]), told=lambda *_: None))
    assert {task.number: result for task, result in done} == {0: 0, 1: 1, 2: 4, 3: None, 4: 16, 5: 25}
    assert [len((tmp_path / f"{number}").read_bytes()) for number in (2, 3)] == [1, 2], "tried once more"
    assert heard


@pytest.mark.slow
def test_two_machines_give_the_dataset_of_one_process(
    cluster: str, synth_scene: Scenes, real_video: Videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [real_video("film"), *(synth_scene(f"scene-{n:04d}", seed=n, num_frames=25) for n in range(3))]
    prepare(sources, tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    relative = [source.relative_to(tmp_path) for source in sources]
    prepare(relative, "two", ray=cluster, progress=lambda what, *_: told.append(what))
    assert sums(tmp_path / "two") == sums(tmp_path / "one")
    assert told[-1] == "prepare, kB (4 of 4 sources)"
    prepare(sources, f"file://{tmp_path / 'bucket'}", ray=cluster)
    assert sums(tmp_path / "bucket") == sums(tmp_path / "one")
    assert not [name for name in open_place(tmp_path / "bucket").names("") if name.startswith(".reach")]
    with pytest.raises(DatasetError, match="of the Ray cluster does not reach memory://bucket, wanted a folder that"):
        prepare(sources, "memory://bucket", ray=cluster)


@pytest.mark.slow
def test_what_a_machine_lacks(cluster: str, tmp_path: Path) -> None:
    with Cluster(cluster, 1) as joined:
        joined.check_reach(Folder(tmp_path), [tmp_path])
        assert joined.shares(tmp_path)
        with pytest.raises(DatasetError, match=f"does not reach {tmp_path}/none, wanted"):
            joined.check_reach(Folder(tmp_path), [tmp_path / "none"])


@pytest.mark.slow
def test_a_cluster_begun_for_the_call(synth_scene: Scenes, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'contextalk[ray]'")
    scenes = [synth_scene(f"scene-{number:04d}", seed=number, num_frames=25) for number in range(2)]
    prepare(scenes, tmp_path / "one")
    prepare(scenes, tmp_path / "two", ray=LOCAL, workers=2)
    assert sums(tmp_path / "two") == sums(tmp_path / "one")
    assert not ray.is_initialized(), "it ends with the call"
    with pytest.raises(DatasetError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        prepare(scenes, tmp_path / "three", ray="127.0.0.1:1")


def test_ray_is_asked_for_only_when_it_is_wanted(
    synth_scene: Scenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    scene = synth_scene("scene-0000", num_frames=25)
    prepare([scene], tmp_path / "data")
    with pytest.raises(DatasetError, match=r"--ray wants Ray: pip install 'contextalk\[ray\]'"):
        prepare([scene], tmp_path / "data", ray=LOCAL)
