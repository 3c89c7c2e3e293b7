"""Published weights that judges and lip references need: where they come from, whether they are here, and whole.

Nothing is fetched unless asked for (`contextalk weights fetch`); without a file its figures read "not measured", and
what was taught with Wav2Lip's references does not generate. A file is kept byte for byte as published, under its
published name.
"""

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError
from contextalk.media.files import cache_folder

if TYPE_CHECKING:
    from torch import Tensor, nn

    from contextalk.models.clip_features import ClipVision
    from contextalk.models.inception import Inception
    from contextalk.models.light_asd import LightAsd
    from contextalk.models.lpips import Lpips
    from contextalk.models.syncnet import SyncNet
    from contextalk.models.wav2lip import Wav2Lip

Network = Literal["syncnet", "inception", "clip", "lpips", "light_asd", "wav2lip"]

_TIMEOUT_S = 60.0
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A file of weights that somebody else published.

    Attributes:
        name: What it is called on the command line.
        file: Its published file name.
        used_for: The figures, or what else, that need it.
        url: Its source; None: it is imported, from the library that it comes with (torchvision's AlexNet) or from
            `page`.
        licence: Of the weights, as their source states it.
        sha256: Digits the file's SHA-256 begins with: all 64, or the eight that the source puts into the file's name.
        network: Which of our networks it fills.
        fills: Beginnings of the names of that network's tensors.
        beside: Beginnings of names in the file that no judge needs.
        page: Where its source offers it to people, who may have to agree to something first.
        under: The file is a checkpoint that keeps its tensors under this name; empty: it is the tensors.
    """

    name: str
    file: str
    used_for: str
    url: str | None
    licence: str
    sha256: str
    network: Network
    fills: tuple[str, ...] = ("",)
    beside: tuple[str, ...] = ()
    page: str = ""
    under: str = ""


def _wav2lip(name: str, sha256: str) -> Published:
    return Published(
        name=name,
        file=f"{name}.pth",
        used_for="lip references (`train --lips`)",
        url=None,
        licence="non-commercial: personal and research use only",
        sha256=sha256,
        network="wav2lip",
        page="https://github.com/Rudrabha/Wav2Lip",
        under="state_dict",
    )


REGISTRY = (
    Published(
        name="syncnet_v2",
        file="syncnet_v2.model",
        used_for="SyncNet confidence, distance, offset",
        url="http://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model",
        licence="MIT (of the repository that points to it)",
        # Not stated beside the file; its authors' later pipeline names the file by it.
        sha256="961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
        network="syncnet",
    ),
    Published(
        name="inception-2015-12-05",
        file="pt_inception-2015-12-05-6726825d.pth",
        used_for="FID, KID",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        licence="Apache-2.0",
        sha256="6726825d",
        network="inception",
        beside=("fc.",),
    ),
    Published(
        name="clip-vit-large-patch14",
        file="clip-vit-large-patch14.safetensors",
        used_for="frame consistency",
        url="https://huggingface.co/openai/clip-vit-large-patch14/resolve/32bd64288804d66eefd0ccbe215aa642df71cc41/model.safetensors",
        licence="MIT",
        sha256="a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb",
        network="clip",
        beside=("text_model.", "text_projection.", "logit_scale", "vision_model.embeddings.position_ids"),
    ),
    Published(
        name="alexnet",
        file="alexnet-owt-7be5be79.pth",
        used_for="LPIPS, its trunk",
        url=None,
        licence="BSD-3-Clause",
        sha256="7be5be79",
        network="lpips",
        fills=("features.",),
        beside=("classifier.",),
    ),
    Published(
        name="lpips-alex",
        file="lpips-alex-0.1.pth",
        used_for="LPIPS, its weighing",
        url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/alex.pth",
        licence="BSD-2-Clause",
        # Of the file in the repository of version 0.1.
        sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        network="lpips",
        fills=("lin",),
    ),
    Published(
        name="light-asd",
        # Of its authors' two files the one tuned on TalkSet: by their figures F1 on Columbia's panel talk, which is
        # most like interviews, is 95.5 %, against 81.1 % of the one trained on films alone.
        file="finetuning_TalkSet.model",
        used_for="who speaks (--active-speaker light-asd)",
        url="https://raw.githubusercontent.com/Junhua-Liao/Light-ASD/ed38c232de5efe0261dbd68627c0ade7cdfe14eb/weight/finetuning_TalkSet.model",
        licence="MIT (of the repository)",
        sha256="efc375833887eefa9d209dc92810e18519b04c3c73ea35a549f2a7f40b7d94d5",
        network="light_asd",
        beside=("lossV.",),
    ),
    # Their authors state no sums; these are the ones that projects which pin the files agree on. 436 MB each.
    _wav2lip("wav2lip", "b78b681b68ad9fe6c6fb1debc6ff43ad05834a8af8a62ffc4167b7b34ef63c37"),
    _wav2lip("wav2lip_gan", "ca9ab7b7b812c0e80a6e70a5977c545a1e8a365a6c49d5e533023c034d7ac3d8"),
)


def default_folder() -> Path:
    """Where weights are kept unless told otherwise."""
    return cache_folder("weights")


def find_published(name: str) -> Published:
    """The entry of that name.

    Raises:
        ContextalkError: There is none.
    """
    for published in REGISTRY:
        if published.name == name:
            return published
    raise ContextalkError(f"no weights {name!r}, wanted one of {', '.join(one.name for one in REGISTRY)}")


def import_weights(published: Published, source: Path, folder: Path) -> Path:
    """Copy a file into the folder if it is what was published.

    Args:
        published: What it is said to be.
        source: The file, or a folder that holds it under its published name.
        folder: Made if missing.

    Raises:
        ContextalkError: It is missing, its SHA-256 differs, or its tensors have other names or shapes.
    """
    file = source / published.file if source.is_dir() else source
    if not file.is_file():
        raise ContextalkError(f"{file} does not exist, wanted the weights {published.name}")
    check_file(published, file)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / published.file
    if target.exists() and target.samefile(file):
        return target
    part = folder / f"{published.file}.{os.getpid()}.part"
    try:
        shutil.copyfile(file, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def fetch_weights(
    published: Published, folder: Path, *, url: str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch a file unless a whole one is here; an interrupted one goes on where it stopped.

    Args:
        published: What to fetch.
        folder: Made if missing.
        url: Another address of the same file; None: its source.
        progress: Told bytes done and in all.

    Raises:
        ContextalkError: There is no address, the source cannot be reached or stops early, or what came is not what was
            published.
    """
    target = folder / published.file
    if target.is_file():
        check_file(published, target)
        return target
    address = url or published.url
    if address is None:
        source = f" from {published.page}" if published.page else ""
        raise ContextalkError(
            f"{published.name} has no address of its own: get {published.file}{source}, then `contextalk weights "
            f"import {published.name} {published.file}`"
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{published.file}.part"
    _download(address, part, published.name, progress)
    try:
        check_file(published, part)
    except ContextalkError:
        part.unlink()
        raise
    part.replace(target)
    return target


def check_file(published: Published, file: Path) -> str:
    """SHA-256 of a file that is what was published, its tensors included.

    Raises:
        ContextalkError: It is not.
    """
    seen = _check_sum(published, file)
    _fitting(published, file, _network(published.network, on="meta"))
    return seen


def _check_sum(published: Published, file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    seen = digest.hexdigest()
    if not seen.startswith(published.sha256):
        raise ContextalkError(
            f"{file} is not {published.name} as published: its SHA-256 begins {seen[:8]}, wanted {published.sha256[:8]}"
        )
    return seen


def open_syncnet(folder: Path) -> "SyncNet | None":
    """The published SyncNet; None where its weights are not here."""
    return _open("syncnet", folder)  # pyright: ignore[reportReturnType]


def open_inception(folder: Path) -> "Inception | None":
    """The published Inception of the FID; None where its weights are not here."""
    return _open("inception", folder)  # pyright: ignore[reportReturnType]


def open_clip(folder: Path) -> "ClipVision | None":
    """The picture half of CLIP ViT-L/14; None where its weights are not here."""
    return _open("clip", folder)  # pyright: ignore[reportReturnType]


def open_lpips(folder: Path) -> "Lpips | None":
    """LPIPS on AlexNet; None where either of its two files is not here."""
    return _open("lpips", folder)  # pyright: ignore[reportReturnType]


def open_light_asd(folder: Path) -> "LightAsd | None":
    """The published Light-ASD; None where its weights are not here."""
    return _open("light_asd", folder)  # pyright: ignore[reportReturnType]


def open_wav2lip(name: str, folder: Path) -> "Wav2Lip":
    """Wav2Lip's generator, `wav2lip` or `wav2lip_gan`; its SHA-256 is checked, for bundles know it by name alone.

    Raises:
        ContextalkError: The weights are not here, or not those that were published.
    """
    published = find_published(name)
    file = folder / published.file
    if not file.is_file():
        raise ContextalkError(
            f"{file} does not exist, wanted for lip references: get {published.file} from {published.page}, then "
            f"`contextalk weights import {name} FILE`"
        )
    _check_sum(published, file)
    network = _network(published.network, on="cpu")
    network.load_state_dict(_fitting(published, file, network), strict=False)
    return network.eval().requires_grad_(requires_grad=False)  # pyright: ignore[reportReturnType]


def _open(name: Network, folder: Path) -> "nn.Module | None":
    parts = [published for published in REGISTRY if published.network == name]
    if not all((folder / published.file).is_file() for published in parts):
        return None
    network = _network(name, on="cpu")
    for published in parts:
        network.load_state_dict(_fitting(published, folder / published.file, network), strict=False)
    return network.eval().requires_grad_(requires_grad=False)


def _network(name: Network, *, on: Literal["meta", "cpu"]) -> "nn.Module":
    """One of our networks, on `meta` its names and shapes alone."""
    import torch

    from contextalk.models.clip_features import ClipVision
    from contextalk.models.inception import Inception
    from contextalk.models.light_asd import LightAsd
    from contextalk.models.lpips import Lpips
    from contextalk.models.syncnet import SyncNet
    from contextalk.models.wav2lip import Wav2Lip

    makers: dict[Network, Callable[[], nn.Module]] = {
        "syncnet": SyncNet,
        "inception": Inception,
        "clip": ClipVision,
        "lpips": Lpips,
        "light_asd": LightAsd,
        "wav2lip": Wav2Lip,
    }
    with torch.device(on):
        return makers[name]()


def _fitting(published: Published, file: Path, network: "nn.Module") -> "dict[str, Tensor]":
    """The tensors of a file that its network takes.

    Raises:
        ContextalkError: A tensor is missing, has another shape, or is unknown.
    """
    stored = _read(file, published.under)
    counter = "num_batches_tracked"  # of batch normalisation: files older than PyTorch 0.4.1 have none, nobody reads it
    wanted = {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if name.startswith(published.fills) and not name.endswith(counter)
    }
    fitting = {name: value for name, value in stored.items() if name in wanted}
    unknown = [name for name in stored if not name.endswith(counter) and name not in wanted]
    unknown = [name for name in unknown if not (published.beside and name.startswith(published.beside))]
    missing = [name for name in wanted if name not in stored]
    bent = [name for name in fitting if tuple(fitting[name].shape) != wanted[name]]
    if missing:
        raise ContextalkError(f"{file} is no {published.name}: {len(missing)} tensors are missing, first {missing[0]}")
    if bent:
        seen = tuple(fitting[bent[0]].shape)
        raise ContextalkError(f"{file} is no {published.name}: {bent[0]} is {seen}, wanted {wanted[bent[0]]}")
    if unknown:
        raise ContextalkError(f"{file} is no {published.name}: {len(unknown)} tensors are unknown, first {unknown[0]}")
    return {name: value.float() for name, value in fitting.items()}


def _read(file: Path, under: str) -> "dict[str, Tensor]":
    """Tensors by name, in a checkpoint those `under` a name; no pickled code is run."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    is_safetensors = file.name.removesuffix(".part").endswith(".safetensors")
    try:
        if is_safetensors:
            return load_file(file)
        stored = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise ContextalkError(f"{file} is damaged or no file of weights: {reason}") from error
    if under and isinstance(stored, dict) and isinstance(stored.get(under), dict):
        # A network that learnt on several cards has all its tensors' names begin so.
        stored = {name.removeprefix("module."): value for name, value in stored[under].items()}
    if not isinstance(stored, dict) or not all(isinstance(value, torch.Tensor) for value in stored.values()):
        raise ContextalkError(f"{file} holds a {type(stored).__name__}, wanted tensors by name")
    return stored


def _download(url: str, part: Path, name: str, progress: Progress | None) -> None:
    """Bring `part` to its full length."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ContextalkError(f"{url} is no http or https address")
    done = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            # A source that does not know ranges answers 200 with everything.
            done = done if answer.status == HTTPStatus.PARTIAL_CONTENT else 0
            total = done + int(answer.headers.get("Content-Length", 0))
            with part.open("ab" if done else "wb") as stream:
                while block := answer.read(_BLOCK_BYTES):
                    stream.write(block)
                    done += len(block)
                    if progress is not None:
                        progress(f"fetch {name}", done, max(done, total))
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is left to fetch; whether it is the right file is checked next
        raise ContextalkError(f"{url} answers {error.code} {error.reason}, wanted the weights {name}") from error
    except (URLError, OSError) as error:
        raise ContextalkError(
            f"{url} stopped after {done} bytes ({error}): the same command goes on from there; or get the file another "
            f"way and `contextalk weights import {name} PATH`"
        ) from error
    if done < total:
        raise ContextalkError(f"{url} stopped after {done} of {total} bytes: the same command goes on from there")
