"""Figures that a network judges, ready for `evaluate`: with the networks that are here, NaN without the others."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contextalk.core.runs import WEIGHTS, run_with
from contextalk.evaluation.features import Extractor, InceptionExtractor, RealPictures, reference_of
from contextalk.evaluation.held_out import held_out_figures
from contextalk.evaluation.metrics import Metric, SetMetric, consistency, frechet, intelligibility, perceptual, sync
from contextalk.models.sync_judge import open_judge
from contextalk.models.weights import REGISTRY, Network, open_clip, open_inception, open_lpips, open_syncnet

ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """Groups of figures by name.

    Attributes:
        clips: Of single clips.
        sets: Of all clips of a method.
    """

    clips: Mapping[str, Metric] = field(default_factory=dict[str, Metric])
    sets: Mapping[str, SetMetric] = field(default_factory=dict[str, SetMetric])


def open_judges(
    weights: Path, runs: Sequence[Path], *, own: Extractor | None, real: RealPictures | None, cache: Path
) -> Judges:
    """Every judge, present or absent.

    Args:
        weights: Folder of published weights.
        runs: Folders of training runs; the first that has a `sync` lends it, and so the `lip_reader`.
        own: Features trained here; None: none.
        real: Footage that distances of distributions are to; None: they are not measured.
        cache: Folder for its features.

    Raises:
        ContextalkError: A file is there and is not what it should be.
    """
    sync_run, reader_run = (run_with(name, runs) for name in ("sync", "lip_reader"))
    judge = None if sync_run is None else open_judge(sync_run)
    reader = None if reader_run is None else intelligibility.open_reader(reader_run)
    inception = open_inception(weights)
    published = None if inception is None else InceptionExtractor(inception, _published("inception", weights))
    return Judges(
        clips={
            "lip sync, published judge": Metric(
                columns=sync.SYNCNET_COLUMNS,
                measure=sync.PublishedSync(open_syncnet(weights)).measure,
                judge=_published("syncnet", weights),
                by_window=False,
            ),
            "lip sync, own judge": Metric(
                columns=sync.OWN_COLUMNS,
                measure=sync.OwnSync(judge).measure,
                judge=_trained(sync_run, "sync"),
                error=held_out_figures(sync_run, "sync"),
                by_window=False,
            ),
            "lip reading": Metric(
                columns=intelligibility.COLUMNS,
                measure=intelligibility.LipReading(reader).measure,
                judge=_trained(reader_run, "lip_reader"),
                error=held_out_figures(reader_run, "lip_reader"),
                by_window=False,
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
        },
        sets={
            "distribution, published features": _distance(published, real, cache, own=False),
            "distribution, own features": _distance(own, real, cache, own=True),
        },
    )


def _distance(extractor: Extractor | None, real: RealPictures | None, cache: Path, *, own: bool) -> SetMetric:
    reference = None if extractor is None or real is None else reference_of(real, extractor, cache)
    distance = frechet.PictureDistance(extractor, reference, own=own)
    named = ABSENT if extractor is None else extractor.name
    against = "no real footage given" if real is None else real.says if reference is None else reference.says
    key = "" if real is None else real.key[:12]
    return SetMetric(
        columns=distance.columns,
        part=distance.part,
        measure=distance.measure,
        judge=f"{named}, against {against} {key}".rstrip(),
        error="" if extractor is None else extractor.error,
        by_window=True,
    )


def _published(network: Network, folder: Path) -> str:
    """Names of the files of a network, or that it is absent: what was not measured is measured once they are here."""
    parts = [published for published in REGISTRY if published.network == network]
    here = all((folder / published.file).is_file() for published in parts)
    return ", ".join(f"{part.name} {part.sha256[:8]}" for part in parts) if here else ABSENT


def _trained(run: Path | None, name: str) -> str:
    """Name and first digits of the SHA-256 of a judge's weights."""
    if run is None:
        return ABSENT
    return f"{name} {hashlib.sha256((run / name / WEIGHTS).read_bytes()).hexdigest()[:12]}"
