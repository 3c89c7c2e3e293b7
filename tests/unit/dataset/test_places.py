"""Sources and datasets at URLs: what is made of them and of them is read is what a folder gives."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.core import url_to_fs
from fsspec.implementations.memory import MemoryFileSystem
from tests.dataset_kit import sums

from contextalk.core.errors import ContextalkError, DatasetError, PlaceError
from contextalk.dataset import prepare as preparation
from contextalk.dataset.clips import bring_dataset, read_clips
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.places import RemoteFolder, open_place
from contextalk.dataset.prepare import prepare
from contextalk.dataset.sources import find_sources
from contextalk.dataset.unit import UnitRecord, read_records

Scenes = Callable[..., Path]
Videos = Callable[..., Path]


class FickleFileSystem(MemoryFileSystem):
    """Memory that breaks off, keeps shut, and counts what is fetched."""

    protocol = "fickle"
    store: dict[str, Any] = {}  # noqa: RUF012 - as its parent has it
    pseudo_dirs = [""]  # noqa: RUF012
    breaks_off = False
    shut_to: str | None = None
    says: OSError = PermissionError("Access Denied")
    fetched: list[str] = []  # noqa: RUF012

    def get_file(self, rpath: str, lpath: str, **told: Any) -> None:
        self.fetched.append(rpath.rpartition("/")[2])
        super().get_file(rpath, lpath, **told)
        if self.breaks_off and rpath.endswith(".mp4"):
            half = Path(lpath).read_bytes()[:1000]
            Path(lpath).write_bytes(half)

    def info(self, path: str, **told: Any) -> dict[str, Any]:
        found = super().info(path, **told)
        return found if found.pop("created", None) is None else found | {"LastModified": self.modified(path)}

    def ls(self, path: str, detail: bool = True, **told: Any) -> Any:
        listed = super().ls(path, detail, **told)
        return [self._listed(info) for info in listed] if detail else listed

    def _listed(self, info: dict[str, Any]) -> dict[str, Any]:
        """As stores do: with other keys, and times of the zone where one is."""
        if info.pop("created", None) is None:
            return info
        modified = self.modified(info["name"]).astimezone(timezone(timedelta(hours=2)))
        return info | {"Size": info["size"], "last_modified": modified}

    def put_file(self, lpath: str, rpath: str, **told: Any) -> None:
        if self.shut_to is not None and self.shut_to in rpath:
            raise self.says
        super().put_file(lpath, rpath, **told)


fsspec.register_implementation("fickle", FickleFileSystem)


@pytest.fixture(params=["memory", "file"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty folder at a URL."""
    yield "memory://bucket" if request.param == "memory" else f"file://{tmp_path / 'bucket'}"
    MemoryFileSystem.store.clear()


@pytest.fixture
def fickle(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FickleFileSystem]]:
    monkeypatch.setattr(FickleFileSystem, "fetched", [])
    yield FickleFileSystem
    FickleFileSystem.store.clear()
    FickleFileSystem.breaks_off, FickleFileSystem.shut_to = False, None


@pytest.fixture(autouse=True)
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Go on on another machine, which knows nothing yet; gives where it keeps copies."""

    def to(machine: str) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        return tmp_path / machine / "contextalk" / "places"

    to("first")
    return to


def upload(folder: Path, url: str) -> str:
    """A folder with what is in it, put to a URL."""
    fs, path = url_to_fs(url)
    for file in folder.rglob("*"):
        if file.is_file():
            target = f"{path}/{file.relative_to(folder)}"
            fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            fs.put_file(str(file), target)
    return url


def everything(url: str) -> set[str]:
    fs, path = url_to_fs(url)
    return {name.removeprefix(path) for name in fs.find(path)}


def test_sources_and_dataset_at_urls_give_what_folders_give(
    root: str, synth_scene: Scenes, real_video: Videos, tmp_path: Path, move: Callable[[str], Path]
) -> None:
    video = real_video("film")
    video.with_suffix(".json").write_text('{"clips": [{"start": 0, "end": 1.5, "name": "bounded"}]}')
    for number in range(2):
        synth_scene(f"scene-{number:04d}", seed=number)
    local = prepare([tmp_path / "scenes", video], tmp_path / "data")
    scenes = upload(tmp_path / "scenes", f"{root}/scenes")
    urls = [scenes, f"{scenes}/scene-0000", f"{upload(video.parent, f'{root}/film')}/{video.name}"]
    told: list[str] = []
    there = prepare(urls, f"{root}/data", progress=lambda what, *_: told.append(what))

    assert sums(f"{root}/data") == sums(tmp_path / "data")
    assert there.num_sources == 3, "each once"
    assert (there.num_clips, there.page.read_text()[:9]) == (local.num_clips, "<!doctype")
    assert any(what.startswith("prepare, kB (fetching 100% of film.mp4)") for what in told) or root.startswith("file")
    fetched = {name for name in everything(f"{root}/data") if not name.startswith(("/shards", "/units", "/people"))}
    assert fetched == {"/manifest.parquet", "/report.html"}, "nothing half done is left"
    move("second")
    for one, other in zip(read_clips(f"{root}/data"), read_clips(tmp_path / "data"), strict=True):
        assert one.key == other.key
        np.testing.assert_array_equal(one.head, other.head)
    assert {record.source for record in read_records(f"{root}/data")} == {
        urls[2],
        *(f"{root}/scenes/scene-{number:04d}/scene.mp4" for number in range(2)),
    }


@pytest.mark.parametrize("moment", ["before the record", "before the manifest"])
def test_killed_between_put_and_manifest(
    moment: str, root: str, synth_scene: Scenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [synth_scene(f"scene-{number:04d}", seed=number, num_frames=25) for number in range(2)]
    prepare(scenes, tmp_path / "data")
    stop = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # noqa: E731
    with monkeypatch.context() as patch:
        if moment == "before the record":
            patch.setattr(UnitRecord, "save", stop)
        else:
            patch.setattr(preparation, "write_manifest", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(scenes, f"{root}/data")
    assert any(name.endswith(".tar") for name in everything(f"{root}/data"))
    assert "/manifest.parquet" not in everything(f"{root}/data")
    work = open_place(f"{root}/data").folder / "work"
    fsspec.open(f"{root}/data/manifest.parquet.1.part", "wb").open().close()  # what a killed put leaves
    assert len(list(work.glob("*/*.tar"))) == (1 if moment == "before the record" else 0)
    again = prepare(scenes, f"{root}/data")
    assert again.num_reused == (0 if moment == "before the record" else 2)
    assert sums(f"{root}/data") == sums(tmp_path / "data")
    assert not list(work.iterdir())
    assert not [name for name in everything(f"{root}/data") if name.endswith(".part")]


def test_a_second_machine_takes_up_what_is_finished(root: str, real_video: Videos, move: Callable[[str], Path]) -> None:
    urls = [f"{upload(real_video(name).parent, f'{root}/{name}')}/{name}.mp4" for name in ("one", "two")]
    prepare(urls, f"{root}/data")
    before, written = sums(f"{root}/data"), open_place(f"{root}/data")
    assert isinstance(written, RemoteFolder)
    shards = {name: written.look(f"shards/{name}").stamp for name in written.names("shards")}
    copies = move("second")
    again = prepare(urls, f"{root}/data")
    assert (again.num_reused, sums(f"{root}/data")) == (2, before)
    assert {name: written.look(f"shards/{name}").stamp for name in written.names("shards")} == shards, "not put again"
    assert not list(copies.rglob("one.mp4")), "what is finished is not fetched to find that out"

    move("third")
    changed = prepare(urls, f"{root}/data", min_sync=0.0)
    assert changed.num_reused == 0
    costs = [record.costs["clips"].frames for record in read_records(f"{root}/data")]
    assert costs == [0, 0], "pictures that are the same come from the shards at the URL"


def test_a_source_that_changes_at_its_url_replaces_what_it_was(
    root: str, real_video: Videos, tmp_path: Path, move: Callable[[str], Path]
) -> None:
    video, other = real_video("film"), real_video("other", num_frames=40)
    url = f"{upload(video.parent, f'{root}/film')}/film.mp4"
    prepare([url], f"{root}/data")
    video.write_bytes(other.read_bytes())
    (video.parent / "landmarks-0.npz").write_bytes((other.parent / "landmarks-0.npz").read_bytes())
    upload(video.parent, f"{root}/film")
    for machine in ("first", "second"):
        move(machine)
        report = prepare([url], f"{root}/data")
        assert report.num_reused == (0 if machine == "first" else 1)
        (clip,) = read_clips(f"{root}/data")
        assert len(clip) == 40
    assert len([name for name in everything(f"{root}/data") if name.startswith(("/shards", "/units"))]) == 2
    prepare([video], tmp_path / "data")
    assert sums(f"{root}/data") == sums(tmp_path / "data")


def test_a_sidecar_that_is_gone_at_the_url_is_gone_here(real_video: Videos, root: str) -> None:
    video = real_video("film")
    video.with_suffix(".json").write_text('{"clips": [{"start": 0, "end": 1.5, "name": "bounded"}]}')
    url = f"{upload(video.parent, f'{root}/film')}/film.mp4"
    prepare([url], f"{root}/data")
    fs, path = url_to_fs(url)
    fs.rm_file(path.replace(".mp4", ".json"))
    prepare([url], f"{root}/data")
    (row,) = read_manifest(f"{root}/data").to_pylist()
    assert (row["name"], row["num_frames"]) == ("0000", 50)


def test_a_fetch_that_breaks_off_is_a_row_and_tried_again(
    real_video: Videos, tmp_path: Path, fickle: type[FickleFileSystem], move: Callable[[str], Path]
) -> None:
    good, torn = real_video("good"), real_video("torn")
    url = f"{upload(torn.parent, 'fickle://talks')}/torn.mp4"
    fickle.breaks_off = True
    report = prepare([good, url], tmp_path / "data")
    assert report.rejected == {"out of reach": 1}
    (row,) = [row for row in read_manifest(tmp_path / "data").to_pylist() if row["reject_reason"]]
    assert row["reject_reason"].startswith("out of reach: fickle://talks/torn.mp4: 1000 bytes came, wanted ")
    assert not list(move("first").rglob("torn.mp4*")), "half a file is none"
    fickle.breaks_off = False
    again = prepare([good, url], tmp_path / "data")
    assert (again.num_reused, again.rejected) == (1, {})
    prepare([good, torn], tmp_path / "plain")
    assert sums(tmp_path / "data") == sums(tmp_path / "plain")


def test_what_is_fetched_may_go_and_is_not_needed_again(
    real_video: Videos, tmp_path: Path, fickle: type[FickleFileSystem], move: Callable[[str], Path]
) -> None:
    url = f"{upload(real_video('film').parent, 'fickle://talks')}/film.mp4"
    prepare([url], tmp_path / "data", forget_sources=True)
    assert sorted(fickle.fetched) == ["film.mp4", "landmarks-0.npz"]
    assert not list(move("first").rglob("film.mp4"))
    assert prepare([url], tmp_path / "data").num_reused == 1
    assert fickle.fetched.count("film.mp4") == 1


def test_only_what_changed_of_a_dataset_is_fetched(
    synth_scene: Scenes, tmp_path: Path, fickle: type[FickleFileSystem], move: Callable[[str], Path]
) -> None:
    scenes = [synth_scene(f"scene-{number:04d}", seed=number, num_frames=25) for number in range(2)]
    prepare(scenes[:1], "fickle://bucket/data")
    fickle.fetched.clear()
    prepare(scenes[:1], "fickle://bucket/data")
    assert fickle.fetched == [], "what was written from here is here"
    move("second")
    told: list[tuple[str, int, int]] = []
    here = bring_dataset("fickle://bucket/data", progress=lambda *said: told.append(said))
    assert here.name == "data"
    assert sums(here) == sums("fickle://bucket/data")
    assert told == [("fetch dataset, shards", 1, 1)]
    fickle.fetched.clear()
    assert bring_dataset("fickle://bucket/data") == here
    assert fickle.fetched == []
    move("first")
    prepare(scenes, "fickle://bucket/data")
    move("second")
    fickle.fetched.clear()
    bring_dataset("fickle://bucket/data")
    assert len(fickle.fetched) == 2, "the manifest and the new shard"
    assert sums(here) == sums("fickle://bucket/data")
    assert bring_dataset(tmp_path) == tmp_path


def test_another_file_of_the_same_size_is_fetched(fickle: type[FickleFileSystem]) -> None:
    place, fs = open_place("fickle://bucket"), fickle()
    for content in (b"one", b"two"):
        fs.pipe("fickle://bucket/file", content)
        assert place.fetch("file").read_bytes() == content


def test_training_and_tables_read_datasets_at_urls(
    synth_scene: Scenes, tmp_path: Path, fickle: type[FickleFileSystem], move: Callable[[str], Path]
) -> None:
    from contextalk.evaluation.reproduce.material import open_material
    from contextalk.training.run import train

    for read in (
        lambda: train("familiarity", data="fickle://none", run=tmp_path / "run", preset="debug"),
        lambda: open_material("fickle://none", tmp_path / "work", None, None),
    ):
        with pytest.raises(DatasetError, match="fickle://none is no dataset"):
            read()
    prepare([synth_scene(f"scene-{n}", seed=n, held_out=True) for n in range(2)], "fickle://bucket/test")
    prepare([synth_scene("scene-2", seed=2)], "fickle://bucket/train")
    move("second")
    material = open_material("fickle://bucket/test", tmp_path / "work", None, None)
    assert material.says == "2 clips of the test split of test"
    fickle.fetched.clear()
    figures = train("familiarity", data="fickle://bucket/train", run=tmp_path / "run", preset="debug", workers=2)
    assert "familiarity" in figures
    assert len(fickle.fetched) == 2, "the manifest and a shard, for the workers too"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nosuch://bucket/a.mp4", "Protocol not known: nosuch, wanted one that fsspec knows"),
        ("memory://nothing/a.mp4", "source memory://nothing/a.mp4 does not exist; wanted a video"),
        ("memory://folder", "folder memory://folder holds no synth scene and no video"),
    ],
)
def test_sources_that_are_none(url: str, said: str, tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/folder/note.txt", b"x")
    with pytest.raises(ContextalkError, match=said):
        prepare([url], tmp_path / "data")


@pytest.mark.parametrize(("url", "package"), [("s3://bucket/data", "s3fs"), ("https://host/a.mp4", "aiohttp")])
def test_a_protocol_whose_package_is_missing(
    url: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PlaceError, match=f"^{url}: a package is not installed: .*{package}"):
        prepare([url], tmp_path / "data")


def test_what_cannot_be_written_to_is_known_before_the_work(
    synth_scene: Scenes, fickle: type[FickleFileSystem], monkeypatch: pytest.MonkeyPatch
) -> None:
    fickle.shut_to = ""
    scene, heard = synth_scene("scene-0000"), list[object]()
    with monkeypatch.context() as patch:
        patch.setattr(fickle, "says", FileNotFoundError("The specified bucket does not exist"))
        with pytest.raises(
            PlaceError, match=r"fickle://bucket/data/.* cannot be written: The specified bucket does no"
        ):
            prepare([scene], "fickle://bucket/data", progress=lambda *said: heard.append(said))
    with pytest.raises(PlaceError, match=r"fickle://bucket/data/.*no permission \(Access Denied\)"):
        prepare([scene], "fickle://bucket/data", progress=lambda *said: heard.append(said))
    with pytest.raises(DatasetError, match="memory://bucket lives in one process"):
        prepare([scene], "memory://bucket", workers=2, progress=lambda *said: heard.append(said))
    assert heard == []


def test_a_dataset_that_goes_out_of_reach_ends_the_call_and_blames_no_source(
    real_video: Videos, fickle: type[FickleFileSystem]
) -> None:
    video = real_video("film")
    fickle.shut_to = ".tar"
    with pytest.raises(PlaceError, match="no permission"):
        prepare([video], "fickle://bucket/data")
    assert not [name for name in everything("fickle://bucket/data") if name.startswith("/units")]
    fickle.shut_to = None
    assert prepare([video], "fickle://bucket/data").rejected == {}


def test_secrets_of_a_url_are_not_written_down() -> None:
    signed = RemoteFolder("https://host/talks/a.mp4?signature=secret", above=True)
    other = RemoteFolder("https://host/talks/a.mp4?signature=another", above=True)
    assert signed.address("a.mp4").startswith("https://host/talks/a.mp4#")
    assert signed.address("a.mp4") != other.address("a.mp4")
    assert RemoteFolder("sftp://me:secret@host/data").address("b").startswith("sftp://host/data/b#")
    assert RemoteFolder("abfs://container@account/data").address("b") == "abfs://container@account/data/b"


class Quiet(SimpleHTTPRequestHandler):
    """A web server of a folder, which may list what is in it, and may take its time."""

    lists, rests_s = True, 0.0

    def list_directory(self, path: Any) -> Any:
        return super().list_directory(path) if self.lists else self.send_error(404)

    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read(1000))
        time.sleep(self.rests_s)
        super().copyfile(source, outputfile)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="fsspec reads the web by aiohttp: pip install aiohttp")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
    Quiet.lists, Quiet.rests_s = True, 0.0


@pytest.mark.parametrize("lists", [True, False])
def test_sources_on_the_web(lists: bool, web: str, synth_scene: Scenes, real_video: Videos, tmp_path: Path) -> None:
    Quiet.lists = lists
    video = real_video("my film")
    video.with_suffix(".json").write_text('{"clips": [{"start": 0, "end": 1.5, "name": "bounded"}]}')
    scene = synth_scene("scene-0000")
    urls = [
        f"{web}/my%20film/my%20film.mp4?token=1",
        f"{web}/scenes/" if lists else f"{web}/scenes/scene-0000/scene.mp4",
    ]
    prepare([video, scene], tmp_path / "data")
    prepare(urls, tmp_path / "fetched")
    assert sums(tmp_path / "fetched") == sums(tmp_path / "data")
    (found,) = find_sources([f"{web}/my film/"] if lists else urls[:1])
    assert (found.shown, found.num_bytes) == ("my film.mp4", video.stat().st_size)


def test_a_file_on_the_web_may_take_long(web: str, real_video: Videos, monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    video = real_video("film")
    monkeypatch.setattr(aiohttp.client, "DEFAULT_TIMEOUT", aiohttp.ClientTimeout(total=0.5))  # five minutes
    fsspec.get_filesystem_class("http").clear_instance_cache()
    Quiet.rests_s = 1.0
    (source,) = find_sources([f"{web}/film/film.mp4"])
    source.fetch()
    assert source.path.read_bytes() == video.read_bytes()


def test_what_is_wrong_on_the_web(web: str, synth_scene: Scenes, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"source {web}/none.mp4 does not exist"):
        prepare([f"{web}/none.mp4"], tmp_path / "data")
    with pytest.raises(PlaceError, match=r"Cannot connect to host 127\.0\.0\.1:1 "):
        prepare(["http://127.0.0.1:1/a.mp4"], tmp_path / "data")
    with pytest.raises(PlaceError, match="a web server is read, wanted a folder or a URL that can be written to"):
        prepare([synth_scene("scene-0000")], f"{web}/data")
