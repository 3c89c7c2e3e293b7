"""Figures that a network judges, ready for `evaluate`: with the networks that are here, NaN without the others."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from contextalk.evaluation.metrics import Metric, consistency, intelligibility, perceptual, sync
from contextalk.evaluation.weights import REGISTRY, Network, open_clip, open_lpips, open_syncnet

ABSENT = "absent"


def open_judges(weights: Path, run: Path | None, texts: Mapping[str, str]) -> dict[str, Metric]:
    """Every judge of single clips.

    Args:
        weights: Folder of published weights.
        run: Folder of the run whose `sync` and `lip_reader` judge; None: none.
        texts: What is said in each clip, by its name; empty where unknown.

    Raises:
        ContextalkError: A file is there and is not what it should be.
    """
    judge = None if run is None else sync.open_judge(run)
    reader = None if run is None else intelligibility.open_reader(run)
    said = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:12]
    return {
        "lip sync, published judge": Metric(
            columns=sync.SYNCNET_COLUMNS,
            measure=sync.PublishedSync(open_syncnet(weights)).measure,
            judge=_published("syncnet", weights),
        ),
        "lip sync, own judge": Metric(
            columns=sync.OWN_COLUMNS, measure=sync.OwnSync(judge).measure, judge=_trained(run, "sync")
        ),
        "lip reading": Metric(
            columns=intelligibility.CLIP_COLUMNS,
            measure=intelligibility.LipReading(reader, texts).measure,
            judge=f"{_trained(run, 'lip_reader')}, texts {said}",
        ),
        "frame consistency": Metric(
            columns=consistency.COLUMNS,
            measure=consistency.ClipConsistency(open_clip(weights)).measure,
            judge=_published("clip", weights),
        ),
        "perceptual": Metric(
            columns=perceptual.COLUMNS,
            measure=perceptual.Perceptual(open_lpips(weights)).measure,
            judge=_published("lpips", weights),
        ),
    }


def _published(network: Network, folder: Path) -> str:
    """Names of the files of a network, or that it is absent: what was not measured is measured once they are here."""
    parts = [published for published in REGISTRY if published.network == network]
    here = all((folder / published.file).is_file() for published in parts)
    return ", ".join(f"{part.name} {part.sha256[:8]}" for part in parts) if here else ABSENT


def _trained(run: Path | None, name: str) -> str:
    """Name and first digits of the SHA-256 of a judge's weights."""
    path = None if run is None else run / name / "averaged.safetensors"
    if path is None or not path.is_file():
        return ABSENT
    return f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
