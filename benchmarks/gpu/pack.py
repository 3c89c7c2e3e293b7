"""A dataset in parts that are small enough to travel, and parts joined to a dataset again.

    python benchmarks/gpu/pack.py split dataset parts --part-mb 55 --first-mb 15
    python benchmarks/gpu/pack.py join parts/part-00 parts/part-01 -o dataset

Each part holds whole shards and the manifest of their clips, all clips of a person as near together as can be: each is
a dataset, and so is the join of those that have arrived. Latents are cached by clip, so that nothing is encoded twice.
"""

import hashlib
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional, arg, subcommand

from contextalk.dataset.manifest import ManifestRow, read_manifest, write_manifest

MANIFEST_MB = 0.5
"""Room left in each part for its manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Cut a dataset into parts.

    Attributes:
        dataset: Folder written by `contextalk prepare`.
        output: Folder for `part-00`, `part-01` …
        part_mb: Largest part.
        first_mb: Largest first part, which travels beside libraries; default: as the others.
        parts: Write only so many parts.
    """

    dataset: Positional[Path]
    output: Positional[Path]
    part_mb: float = 55.0
    first_mb: float | None = None
    parts: int | None = None

    def run(self) -> None:
        """Copy shards, people in the order of their hashes, so that every part is a fair sample."""
        rows = [ManifestRow(**row) for row in read_manifest(self.dataset).to_pylist() if row["shard"]]
        by_shard: defaultdict[str, list[ManifestRow]] = defaultdict(list)
        for row in rows:
            by_shard[row.shard].append(row)
        room_mb, number, kept = 0.0, -1, list[ManifestRow]()
        for shard in sorted(by_shard, key=lambda shard: (_order(by_shard[shard][0].person), _order(shard))):
            size_mb = (self.dataset / shard).stat().st_size / 1e6
            if size_mb > room_mb or number < 0:
                if number + 1 == self.parts:
                    break
                number, kept = number + 1, []
                room_mb = (self.first_mb if number == 0 and self.first_mb else self.part_mb) - MANIFEST_MB
            room_mb -= size_mb
            kept += by_shard[shard]
            _copy(self.dataset, self.output / f"part-{number:02d}", shard)
            write_manifest(self.output / f"part-{number:02d}", kept)
        for part in sorted(self.output.glob("part-*")):
            _say(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Put parts together; a dataset that is there already grows.

    Attributes:
        parts: Folders written by `split`.
        output: The dataset.
    """

    parts: Positional[tuple[Path, ...]]
    output: Annotated[Path, arg(aliases=("-o",))]

    def run(self) -> None:
        """Copy shards and write one manifest."""
        rows: dict[str, ManifestRow] = {}
        here = [self.output] if (self.output / "manifest.parquet").is_file() else []
        for part in (*here, *self.parts):
            for row in (ManifestRow(**row) for row in read_manifest(part).to_pylist()):
                rows[row.key] = row
                if part != self.output:
                    _copy(part, self.output, row.shard)
        write_manifest(self.output, [rows[key] for key in sorted(rows)])
        _say(self.output)


def _copy(source: Path, output: Path, shard: str) -> None:
    target = output / shard
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / shard, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)


def _order(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _say(dataset: Path) -> None:
    rows = read_manifest(dataset).to_pylist()
    size_mb = sum(path.stat().st_size for path in dataset.rglob("*") if path.is_file()) / 1e6
    people = len({row["person"] for row in rows})
    sys.stdout.write(
        f"{dataset}: {len(rows)} clips, {sum(row['num_frames'] for row in rows)} frames, {people} people, "
        f"{size_mb:.1f} MB\n"
    )


if __name__ == "__main__":
    tyro.cli(Annotated[Split, subcommand("split")] | Annotated[Join, subcommand("join")]).run()  # pyright: ignore[reportArgumentType, reportCallIssue]
