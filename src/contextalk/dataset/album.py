"""Portraits of the people of each source, in a file beside its record: `people/UNIT.npz`."""

import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contextalk.core.records import Analysis
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.places import Place
from contextalk.dataset.sources import Source, meaning
from contextalk.faces.appearance import Encoder
from contextalk.faces.groups import Sitter
from contextalk.faces.portraits import Portrait, take_portraits
from contextalk.models.active_speaker import weights_file

PEOPLE = "people"

_VERSION = 1
"""Raised when the portraits of the same analysis change."""

_JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    """The portraits of one source.

    Attributes:
        dataset: In which they are kept.
        source: How the source is shown.
        unit: Name of the source in this state.
        encoder: Makes the looks.
        key: Hash of everything the portraits depend on.
    """

    dataset: Place
    source: str
    unit: str
    encoder: Encoder
    key: str

    def is_current(self) -> bool:
        """Whether its file is there, and made from the same."""
        stored = _read(self.dataset.fetch(_name(self.unit))) if self.dataset.has(_name(self.unit)) else None
        return stored is not None and stored[0]["key"] == self.key

    def fill(self, analysis: Analysis) -> None:
        """Take portraits and write them, whole or not at all, unless they are there.

        Raises:
            MediaError: The video cannot be read any more.
        """
        if self.is_current():
            return
        arrays: dict[str, NDArray[Any]] = {}
        people: list[dict[str, object]] = []
        for portrait, heads in take_portraits(analysis, self.encoder):
            track = portrait.track
            arrays[f"look_{track}"], arrays[f"times_s_{track}"] = portrait.look, portrait.times_s
            for number, head in enumerate(heads):
                arrays[f"head_{track}_{number}"] = np.frombuffer(_jpeg(head), np.uint8)
            told = {"track": track, "seen_s": portrait.seen_s, "speaking_s": portrait.speaking_s}
            people.append({**told, "beside": sorted(portrait.beside)})
        about = {"key": self.key, "encoder": self.encoder.name, "source": self.source, "people": people}
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        self.dataset.write(_name(self.unit), buffer.getvalue())


def album_of(source: Source, dataset: Place, config: PrepareConfig, encoder: Encoder) -> Album:
    """The album of a source; it need not be there."""
    content = source.content_hash()
    looked = [meaning(config.annotations), meaning(weights_file(config.active_speaker))]
    told = json.dumps([_VERSION, content, *looked, encoder.name])
    unit = source.unit(content)
    return Album(
        dataset=dataset,
        source=source.shown,
        unit=unit,
        encoder=encoder,
        key=hashlib.sha256(told.encode()).hexdigest(),
    )


def read_sitters(dataset: Place, units: Iterable[str], encoder: Encoder) -> Iterator[Sitter]:
    """Everybody in the albums of some units; looks of another encoder cannot be compared and are left out."""
    albums = {path.stem: path for path in dataset.fetch_all(PEOPLE, ".npz")}
    for unit in units:
        stored = _read(albums[unit]) if unit in albums else None
        if stored is None or stored[0]["encoder"] != encoder.name:
            continue
        about, arrays = stored
        for person in about["people"]:
            track = person["track"]
            portrait = Portrait(
                track=track,
                seen_s=person["seen_s"],
                speaking_s=person["speaking_s"],
                look=arrays[f"look_{track}"],
                beside=frozenset(person["beside"]),
                times_s=arrays[f"times_s_{track}"],
            )
            yield Sitter(unit=unit, source=about["source"], portrait=portrait)


def read_heads(dataset: Place, sitter: Sitter) -> list[NDArray[np.uint8]]:
    """The pictures of a sitter, one for each of the portrait's times."""
    track, count = sitter.portrait.track, len(sitter.portrait.times_s)
    with np.load(dataset.fetch(_name(sitter.unit)), allow_pickle=False) as stored:
        files = [stored[f"head_{track}_{number}"].tobytes() for number in range(count)]
    return [np.asarray(Image.open(io.BytesIO(file))) for file in files]


def forget_albums(dataset: Place, units: Collection[str]) -> None:
    """Remove the albums of all but some units."""
    wanted = {_name(unit) for unit in units}
    for name in dataset.names(PEOPLE):
        if f"{PEOPLE}/{name}" not in wanted:
            dataset.remove(f"{PEOPLE}/{name}")


def _name(unit: str) -> str:
    return f"{PEOPLE}/{unit}.npz"


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """What an album says of itself, and its arrays without the pictures; None for a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if not name.startswith("head_")}
            return json.loads(arrays.pop("about").tobytes()), arrays
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _jpeg(head: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(head).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
