"""A bundle: trained models on disk, as safetensors and one JSON."""

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from contextalk.core.config import from_dict, to_dict
from contextalk.core.errors import BundleError
from contextalk.models.codec import Codec
from contextalk.models.config import ModelsConfig, Stage, Step
from contextalk.models.familiarity import Familiarity
from contextalk.models.lips import LipGenerator
from contextalk.models.machine import device_of
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.models.reader import LandmarkReader

SCHEMA_VERSION = 2
CARD = "bundle.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleCard:
    """What a bundle says of itself.

    Attributes:
        models: Configuration of every network.
        whom: Whom it can draw, in words.
        persons: Names of the persons trained on; empty: any of the kind that `whom` names.
        record: How it was trained: windows seen per network, data, versions.
        licence: Of the weights and of the footage behind them.
    """

    models: ModelsConfig
    whom: str
    persons: tuple[str, ...]
    record: dict[str, str]
    licence: str


class Bundle:
    """All networks of a card, ready to run in evaluation mode: on the CPU, unless moved.

    One that takes its lip references from Wav2Lip has no `lips`: whoever draws opens the published weights.
    """

    def __init__(self, card: BundleCard) -> None:
        self.card = card
        models = card.models
        self.codec = Codec(models.codec)
        self.reader = LandmarkReader(models.reader)
        self.lips = LipGenerator(models.lips) if models.lips.kind == "own" else None
        self.familiarity = Familiarity()
        self.networks = {name: MVControlNet(config) for name, config in models.networks.items()}
        for module in self.modules.values():
            module.eval().requires_grad_(requires_grad=False)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Every network by the name of its file."""
        return {
            "codec": self.codec,
            "reader": self.reader,
            **({} if self.lips is None else {"lips": self.lips}),
            "familiarity": self.familiarity,
            **self.networks,
        }

    def network(self, stage: Stage, step: Step) -> MVControlNet:
        """The network that does this step of a stage.

        Raises:
            BundleError: None does.
        """
        try:
            return self.networks[self.card.models.network_name(stage, step)]
        except ValueError as error:
            raise BundleError(f"the bundle cannot do every step: {error}") from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 over configuration and weights: two bundles that generate alike have one fingerprint."""
        digest = hashlib.sha256(json.dumps(to_dict(self.card.models), sort_keys=True).encode())
        for name, module in sorted(self.modules.items()):
            for key, value in sorted(module.state_dict().items()):
                digest.update(f"{name}.{key}".encode())
                digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return device_of(self.codec)

    def to(self, device: torch.device) -> "Bundle":
        """Move every network; returns self."""
        for module in self.modules.values():
            module.to(device)
        return self

    def save(self, folder: Path) -> None:
        """Write the bundle; weights as float16, which decodes alike to the eye at half the size."""
        folder.mkdir(parents=True, exist_ok=True)
        hashes: dict[str, str] = {}
        for name, module in self.modules.items():
            path = folder / f"{name}.safetensors"
            save_file({key: _stored(value) for key, value in module.state_dict().items()}, path)
            hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        card = {"schema_version": SCHEMA_VERSION, **to_dict(self.card), "sha256": hashes}
        temporary = folder / f"{CARD}.part"
        temporary.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        temporary.replace(folder / CARD)

    @staticmethod
    def load(folder: Path | None = None) -> "Bundle":
        """Open a bundle; None is the embedded default.

        Raises:
            BundleError: No bundle, another schema, a damaged or missing file.
        """
        folder = embedded_bundle() if folder is None else folder
        card, hashes = _read_card(folder)
        bundle = Bundle(card)
        for name, module in bundle.modules.items():
            path = folder / f"{name}.safetensors"
            if not path.is_file():
                raise BundleError(f"{folder} is no whole bundle: {path.name} is missing")
            if hashlib.sha256(path.read_bytes()).hexdigest() != hashes.get(path.name):
                raise BundleError(f"{path} is damaged: its SHA-256 is not the one in {CARD}")
            try:
                module.load_state_dict({key: value.float() for key, value in load_file(path).items()})
            except (SafetensorError, RuntimeError) as error:
                raise BundleError(f"{path} does not fit {CARD}: {str(error).splitlines()[0]}") from error
            module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return bundle


def embedded_bundle() -> Path:
    """Folder of the bundle that comes with the package."""
    return Path(str(resources.files("contextalk"))) / "assets" / "bundle"


def _read_card(folder: Path) -> tuple[BundleCard, dict[str, str]]:
    path = folder / CARD
    if not path.is_file():
        raise BundleError(
            f"{folder} is no bundle: there is no {CARD} in it; `contextalk bundle RUN -o BUNDLE` makes one"
        )
    try:
        stored: dict[str, Any] = json.loads(path.read_text())
        version = stored.pop("schema_version")
        hashes = stored.pop("sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BundleError(f"{path} is no bundle card: {error!r}") from error
    if version != SCHEMA_VERSION:
        raise BundleError(f"{path} has schema version {version}, this contextalk reads {SCHEMA_VERSION}")
    try:
        return from_dict(BundleCard, stored), hashes
    except (ValueError, TypeError, AttributeError) as error:
        raise BundleError(f"{path}: {error}") from error


def _stored(value: Tensor) -> Tensor:
    return value.detach().to("cpu", torch.float16).contiguous()
