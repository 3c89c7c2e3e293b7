"""Which clip belongs to train, val or test: decided by its name alone, so it never changes between runs or machines."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contextalk.core.errors import DatasetError
from contextalk.core.records import TWIN

SPLITS = ("train", "val", "test")
TEST_SHARE, VAL_SHARE = 0.06, 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRule:
    """Names put into a split by hand, and a hash for all others.

    Attributes:
        given: Name → split. A split that lists any name has exactly its names.
    """

    given: dict[str, str] = field(default_factory=dict)

    def split_of(self, names: tuple[str, ...], hash_key: str) -> str:
        """Split of a clip.

        Args:
            names: What it may be called in `given`, in order of precedence.
            hash_key: What must stay together shares this key.
        """
        for name in names:
            if name in self.given:
                return self.given[name]
        position = int.from_bytes(hashlib.sha256(hash_key.encode()).digest()[:8]) / 2**64
        split = "test" if position < TEST_SHARE else "val" if position < TEST_SHARE + VAL_SHARE else "train"
        return "train" if split in self.given.values() else split


def read_split_rule(path: Path | None) -> SplitRule:
    """Read `{"test": [names], ...}`; without a file, the hash alone.

    Raises:
        DatasetError: The file is missing or broken, names another split, or one name twice.
    """
    if path is None:
        return SplitRule()
    try:
        stored: Any = json.loads(path.read_text())
        listed = [(str(name), str(split)) for split, names in stored.items() for name in names]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DatasetError(f'{path} gives no split: wanted {{"test": [names]}} ({error})') from error
    unknown = sorted({split for _, split in listed} - set(SPLITS))
    if unknown:
        raise DatasetError(f"{path} names the split {unknown[0]!r}, wanted one of {', '.join(SPLITS)}")
    given = dict(listed)
    if len(given) != len(listed):
        twice = next(name for name, split in listed if given[name] != split or [n for n, _ in listed].count(name) > 1)
        raise DatasetError(f"{path} lists {twice!r} twice, wanted each name once")
    return SplitRule(given=given)


def words_key(key: str) -> str:
    """The part of a clip's key that its reframed copies and its twin's clip have too: they say the same words.

    Args:
        key: `NAME[-twin]-HASH-PART-pPERSON[-fCOPY]`, as `prepare` makes them; any other is its own.
    """
    return re.sub(r"-f\d+$", "", re.sub(rf"({TWIN})?-[0-9a-f]{{8}}(?=-)", "", key, count=1))


def is_kept_for_judges(key: str, share: float) -> bool:
    """Whether a clip of the training split teaches judges and is kept from every generating network.

    Decided by a hash of its key alone, so it never changes between runs or machines, and alike for all clips that say
    the same.

    Args:
        key: Of the clip.
        share: 0 … 1 of all clips, on average.
    """
    return int.from_bytes(hashlib.sha256(f"judge:{words_key(key)}".encode()).digest()[:8]) / 2**64 < share
