"""Parts of a dataset travel and become the dataset again."""

import subprocess
import sys
from pathlib import Path

from contextalk.dataset.manifest import ManifestRow, read_manifest, write_manifest

PACK = Path(__file__).parents[2] / "benchmarks" / "gpu" / "pack.py"


def pack(*words: str | Path) -> str:
    return subprocess.run(
        [sys.executable, str(PACK), *map(str, words)], capture_output=True, text=True, check=True
    ).stdout


def test_parts_are_joined_to_what_was_cut(tmp_path: Path) -> None:
    data, parts, joined = (tmp_path / name for name in ("data", "parts", "joined"))
    (data / "shards").mkdir(parents=True)
    rows = []
    for number in range(9):
        shard = f"shards/unit-{number}.tar"
        (data / shard).write_bytes(bytes([number]) * 400_000)
        rows.append(
            ManifestRow(key=f"clip-{number}", source="s", person=f"person-{number % 3}", num_frames=50, shard=shard)
        )
    rows.append(ManifestRow(key="turned down", source="s", reject_reason="no face"))
    write_manifest(data, rows)

    pack("split", data, parts, "--part-mb", "1.8", "--first-mb", "1.0")
    folders = sorted(parts.iterdir())
    # 0.5 MB is the manifest's: one shard of 0.4 MB fits the first part, three fit each other one.
    assert [len(read_manifest(folder)) for folder in folders] == [1, 3, 3, 2]
    pack("join", folders[0], folders[2], "-o", joined)
    assert len(read_manifest(joined)) == 4
    said = pack("join", folders[1], folders[3], "-o", joined)
    assert "9 clips, 450 frames, 3 people" in said
    assert {row["key"] for row in read_manifest(joined).to_pylist()} == {f"clip-{number}" for number in range(9)}
    for number in range(9):
        shard = f"shards/unit-{number}.tar"
        assert (joined / shard).read_bytes() == (data / shard).read_bytes()
