"""Published weights: what is accepted, what is refused, and a fetch that survives a broken line."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from safetensors.torch import save_file

from contextalk.cli.main import main
from contextalk.core.errors import ContextalkError
from contextalk.models.weights import (
    REGISTRY,
    Published,
    check_file,
    fetch_weights,
    find_published,
    import_weights,
    open_inception,
    open_lpips,
)

WIDTHS = (64, 192, 384, 256, 256)


def weighing() -> dict[str, torch.Tensor]:
    """Tensors as the published file of LPIPS has them."""
    generator = torch.Generator().manual_seed(0)
    return {
        f"lin{number}.model.1.weight": torch.rand(1, width, 1, 1, generator=generator)
        for number, width in enumerate(WIDTHS)
    }


def trunk() -> dict[str, torch.Tensor]:
    """Tensors as AlexNet's published file has them, the classifier's of no interest to us."""
    shapes = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    features = {f"features.{number}.weight": torch.zeros(shape) for number, shape in shapes.items()}
    biases = {f"features.{number}.bias": torch.full((shape[0],), 0.5) for number, shape in shapes.items()}
    return {**features, **biases, "classifier.1.weight": torch.zeros(3, 3)}


def publish(name: str, file: Path) -> Published:
    """The registry's entry, as if this file were what its source has."""
    return replace(find_published(name), sha256=hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.fixture
def lin(tmp_path: Path) -> Path:
    path = tmp_path / "alex.pth"
    torch.save(weighing(), path)
    return path


def test_every_entry_says_what_it_is() -> None:
    assert len({one.name for one in REGISTRY}) == len({one.file for one in REGISTRY}) == len(REGISTRY)
    for one in REGISTRY:
        assert len(one.sha256) in (8, 64)
        assert set(one.sha256) <= set("0123456789abcdef")
        assert one.url is None or one.url.startswith("http")
        assert one.licence
        assert one.used_for


def test_a_whole_file_is_imported_byte_for_byte(lin: Path, tmp_path: Path) -> None:
    published, folder = publish("lpips-alex", lin), tmp_path / "kept"
    kept = import_weights(published, lin, folder)
    assert kept == folder / published.file
    assert kept.read_bytes() == lin.read_bytes()
    assert [path.name for path in folder.iterdir()] == [published.file]
    assert check_file(published, kept) == published.sha256
    # A folder that holds it will do, also the very one it is kept in.
    assert import_weights(published, folder, folder) == kept
    assert kept.read_bytes() == lin.read_bytes()


def test_another_file_is_refused_by_its_sum(lin: Path, tmp_path: Path) -> None:
    with pytest.raises(ContextalkError, match="wanted df73285e"):
        import_weights(find_published("lpips-alex"), lin, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lin2.model.1.weight": None}, "1 tensors are missing, first lin2"),
        ({"lin2.model.1.weight": torch.zeros(1, 3, 1, 1)}, r"lin2.model.1.weight is \(1, 3, 1, 1\), wanted \(1, 384"),
        ({"lin5.model.1.weight": torch.zeros(1)}, "1 tensors are unknown, first lin5"),
    ],
)
def test_other_tensors_are_refused(change: dict, says: str, tmp_path: Path) -> None:
    tensors = {name: value for name, value in {**weighing(), **change}.items() if value is not None}
    path = tmp_path / "alex.pth"
    torch.save(tensors, path)
    with pytest.raises(ContextalkError, match=says):
        import_weights(publish("lpips-alex", path), path, tmp_path / "kept")


def test_what_is_no_weights_is_refused(tmp_path: Path) -> None:
    text, module = tmp_path / "text.pth", tmp_path / "module.pth"
    text.write_text("<html>not found</html>")
    torch.save(torch.nn.Linear(2, 2), module)  # pickled code
    for path in (text, module):
        with pytest.raises(ContextalkError, match="damaged or no file of weights"):
            check_file(publish("lpips-alex", path), path)
    with pytest.raises(ContextalkError, match="does not exist"):
        import_weights(find_published("lpips-alex"), tmp_path / "none.pth", tmp_path)
    with pytest.raises(ContextalkError, match="wanted one of syncnet_v2"):
        find_published("syncnet")


def test_counters_of_old_files_may_be_absent(tmp_path: Path) -> None:
    published = find_published("syncnet_v2")
    from contextalk.models.syncnet import SyncNet

    with torch.device("meta"):
        shapes = {name: value.shape for name, value in SyncNet().state_dict().items()}
    # One small value expanded stands for the published 54 MB; safetensors is read by its suffix alone.
    path = tmp_path / "syncnet.safetensors"
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items() if not name.endswith("tracked")}
    save_file(tensors, path)
    assert check_file(publish("syncnet_v2", path), path).startswith(publish("syncnet_v2", path).sha256)
    assert published.network == "syncnet"


def test_lpips_opens_when_both_its_files_are_here(lin: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    assert open_lpips(folder) is None
    (folder / find_published("lpips-alex").file).write_bytes(lin.read_bytes())
    assert open_lpips(folder) is None
    torch.save(trunk(), folder / find_published("alexnet").file)
    network = open_lpips(folder)
    assert network is not None
    state = network.state_dict()
    for name, value in {**weighing(), **trunk()}.items():
        if not name.startswith("classifier"):
            assert torch.equal(state[name], value)
    assert not network.training
    assert open_inception(folder) is None


class Source(ThreadingHTTPServer):
    """A loopback source of one file, which may break off and may not know ranges."""

    content = b""
    breaks_after: int | None = None
    knows_ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/alex.pth"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        source = self.server
        assert isinstance(source, Source)
        wanted = self.headers.get("Range")
        source.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and source.knows_ranges else 0
        if start >= len(source.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        body = source.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if source.breaks_after is None else body[: source.breaks_after])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def source(lin: Path) -> Iterator[Source]:
    with Source() as server:
        server.content = lin.read_bytes()
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_fetch_is_whole_and_told(source: Source, lin: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    published, folder = publish("lpips-alex", lin), tmp_path / "kept"
    kept = fetch_weights(published, folder, url=source.url, progress=lambda *said: told.append(said))
    assert kept.read_bytes() == source.content
    assert told[-1] == ("fetch lpips-alex", len(source.content), len(source.content))
    fetch_weights(published, folder, url=source.url)
    assert source.asked == [None]  # what is here is not fetched again


def test_a_broken_fetch_goes_on_where_it_stopped(source: Source, lin: Path, tmp_path: Path) -> None:
    published, folder = publish("lpips-alex", lin), tmp_path / "kept"
    source.breaks_after = 1000
    with pytest.raises(ContextalkError, match="stopped after 1000"):
        fetch_weights(published, folder, url=source.url)
    assert not (folder / published.file).exists()
    source.breaks_after = None
    assert fetch_weights(published, folder, url=source.url).read_bytes() == source.content
    assert source.asked == [None, "bytes=1000-"]
    assert [path.name for path in folder.iterdir()] == [published.file]


def test_a_source_without_ranges_begins_again(source: Source, lin: Path, tmp_path: Path) -> None:
    published, folder = publish("lpips-alex", lin), tmp_path
    (folder / f"{published.file}.part").write_bytes(source.content[:500])
    source.knows_ranges = False
    assert fetch_weights(published, folder, url=source.url).read_bytes() == source.content


def test_a_fetch_that_lacked_nothing_but_its_name_is_finished(source: Source, lin: Path, tmp_path: Path) -> None:
    published = publish("lpips-alex", lin)
    (tmp_path / f"{published.file}.part").write_bytes(source.content)
    assert fetch_weights(published, tmp_path, url=source.url).read_bytes() == source.content


def test_a_wrong_file_is_not_kept_and_not_gone_on_with(source: Source, lin: Path, tmp_path: Path) -> None:
    published, folder = publish("lpips-alex", lin), tmp_path / "kept"
    source.content = bytes(len(source.content))
    with pytest.raises(ContextalkError, match="is not lpips-alex as published"):
        fetch_weights(published, folder, url=source.url)
    assert list(folder.iterdir()) == []


def test_a_source_that_cannot_be_had_is_one_line(source: Source, tmp_path: Path) -> None:
    source.content = b""
    published = find_published("lpips-alex")
    source.shutdown()
    source.server_close()
    with pytest.raises(ContextalkError, match="contextalk weights import lpips-alex"):
        fetch_weights(published, tmp_path, url=source.url)
    with pytest.raises(ContextalkError, match="no http"):
        fetch_weights(published, tmp_path, url="file:///etc/hosts")


def test_without_names_all_is_fetched_that_has_an_address(
    source: Source, lin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = replace(publish("lpips-alex", lin), url=source.url)
    monkeypatch.setattr("contextalk.models.weights.REGISTRY", (find_published("alexnet"), offered))
    folder, own = tmp_path / "kept", tmp_path / "own"
    main(["weights", "fetch", "--folder", str(folder)])
    said = capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == [offered.file]
    assert f"lpips-alex: {folder / offered.file}" in said
    assert "alexnet: to be imported" in said
    # From a server of one's own, by the published file names.
    main(["weights", "fetch", "lpips-alex", "--folder", str(own), "--source", source.url.rpartition("/")[0]])
    assert (own / offered.file).read_bytes() == source.content


def test_verify_names_every_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("lpips-alex", "alexnet")
    monkeypatch.setattr("contextalk.models.weights.REGISTRY", tuple(map(find_published, names)))
    for name in names:
        (tmp_path / find_published(name).file).write_bytes(b"damaged")
    with pytest.raises(SystemExit):
        main(["weights", "verify", "--folder", str(tmp_path)])
    complaint = capsys.readouterr().err
    assert all(f"is not {name} as published" in complaint for name in names)


def test_weights_without_an_address_are_to_be_imported(tmp_path: Path):
    with pytest.raises(ContextalkError, match=r"weights import alexnet alexnet-owt-7be5be79\.pth"):
        fetch_weights(find_published("alexnet"), tmp_path)
