"""Does each figure see the fault it is there for? `python benchmarks/planted_faults.py --help`.

True heads are scored as they are and with one fault planted; a figure sees it where the 95 % intervals do not overlap.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from contextalk.core.runs import run_with
from contextalk.evaluation import fakes
from contextalk.evaluation.calibration import calibrate
from contextalk.evaluation.cells import Cell, summarise
from contextalk.evaluation.estimator import RememberingEstimator, open_estimator
from contextalk.evaluation.evaluate import METRICS, SETS
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.fakes import Look
from contextalk.evaluation.features import own_extractor
from contextalk.evaluation.judges import open_judges
from contextalk.evaluation.metrics import Metric, Part, SetMetric
from contextalk.evaluation.read_evidence import find_pairs
from contextalk.evaluation.reproduce.material import open_material
from contextalk.evaluation.rows import Clips, next_other, read_all
from contextalk.evaluation.tables import cell_text, markdown_row
from contextalk.faces.crop import head_mask
from contextalk.media.planes import plane_views
from contextalk.media.source import inspect_source, open_source
from contextalk.media.writer import SegmentWriter
from contextalk.models.bundle import Bundle
from contextalk.models.weights import default_folder

LATE_FRAMES = 10
BLUR_PX = 3.0
BRIGHTER_LEVELS = 24
JUMP_PX = 5.0
NOISE_LEVELS = 4.0
FADE_A_WINDOW, TINT_A_WINDOW = 0.05, 2.0

_INSIDE = head_mask() > 0

Plant = Callable[[Evidence, Evidence, Look, Path], Evidence]
"""(The clip, another clip, what reads heads, a folder that is removed) → the clip with the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedFaults:
    """Plant faults into true heads.

    Attributes:
        data: Folder of synthetic scenes with twins, or prepared dataset.
        generated: Folder of clips that `contextalk reproduce` generated of it with one method; their windows are used.
        output: Folder for `planted_faults.md` and what is put by.
        runs: Training runs with `estimator`, `sync`, `lip_reader`.
        clips: How many.
    """

    data: Path
    generated: Path
    output: Path
    runs: tuple[Path, ...] = ()
    clips: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong, and who should see it.

    Attributes:
        says: What is done to the true heads.
        plant: Does it.
        seen_by: Beginnings of the names of the columns that must see it.
        beside: What it is compared with; the true heads as they are unless it says otherwise.
    """

    says: str
    plant: Plant
    seen_by: tuple[str, ...]
    beside: Plant = lambda clip, _other, _look, _folder: fakes.ground_truth(clip)


def main(config: PlantedFaults) -> None:
    """Plant, measure, print, write."""
    bundle = Bundle.load(None)
    run = run_with("estimator", config.runs)
    trained = None if run is None else run / "estimator"
    estimator = open_estimator(bundle, trained)
    material = open_material(config.data, config.output / "work", config.clips, None)
    pairs = find_pairs(config.generated, material.reference, {context.name for context in material.contexts})
    clips = Clips(pairs, RememberingEstimator(estimator, config.output / "work" / "readings"))
    known = read_all(clips, None)
    clips.calibrate(calibrate((clip.truth, clip.around) for clip in known))
    judges = open_judges(
        default_folder(),
        config.runs,
        own=own_extractor(bundle, trained),
        real=material.real,
        cache=config.output / "work" / "features",
    )
    metrics, sets = METRICS | dict(judges.clips), SETS | dict(judges.sets)
    lines = [markdown_row(["figure", "fault", "without", "with it", "seen"]), markdown_row(["---"] * 5)]
    for fault in FAULTS:
        scores = [_scores(plant, fault.seen_by, clips, known, metrics, sets) for plant in (fault.beside, fault.plant)]
        for name in scores[0]:
            without, planted = scores[0][name], scores[1][name]
            lines.append(
                markdown_row([name, fault.says, cell_text(without), cell_text(planted), _seen(without, planted)])
            )
            sys.stdout.write(lines[-1] + "\n")
            sys.stdout.flush()
    says = f"{len(known)} clips, {material.says}; heads read by {estimator.name}."
    (config.output / "planted_faults.md").write_text("\n".join([says, "", *lines, ""]))


def _scores(
    plant: Plant,
    seen_by: tuple[str, ...],
    clips: Clips,
    known: list[Evidence],
    metrics: Mapping[str, Metric],
    sets: Mapping[str, SetMetric],
) -> dict[str, Cell]:
    """The columns asked for, by name, over all clips."""

    def asked(group: Metric | SetMetric) -> list[str]:
        """Figures of saved landmarks are the same code on other points."""
        return [name for name in group.columns if name.startswith(seen_by) and not name.endswith(", saved")]

    of_clips: dict[str, list[float]] = {}
    parts: dict[str, dict[str, Part]] = {}
    for index, clip in enumerate(known):
        with tempfile.TemporaryDirectory() as folder:
            evidence = plant(clips[index], clips[next_other(index, known)], clips.look, Path(folder))
            for metric in filter(asked, metrics.values()):
                figures = metric.measure(evidence)
                for name in asked(metric):
                    of_clips.setdefault(name, []).append(float(figures[name]))
            for group, metric in sets.items():
                if asked(metric):
                    parts.setdefault(group, {})[clip.name] = metric.part(evidence)
    cells = {name: summarise(values, "") for name, values in of_clips.items()}
    missing = [
        name
        for name in seen_by
        if not any(name_.startswith(name) for m in (*metrics.values(), *sets.values()) for name_ in m.columns)
    ]
    if missing:
        raise SystemExit(f"no figure is called {missing[0]} …: FAULTS names what evaluate has")
    for group, rows in parts.items():
        measured = sets[group].measure(rows)
        cells |= {name: measured[name] for name in asked(sets[group])}
    return cells


def _seen(without: Cell, planted: Cell) -> str:
    if not (without.count and planted.count):
        return "not measured"
    if np.isfinite([without.low, planted.low]).all():
        return "yes" if without.high < planted.low or planted.high < without.low else "**no**"
    # A true head differs from itself by nothing, in decibels infinitely little, which has no interval.
    return "yes" if np.isinf(without.mean) and np.isfinite(planted.high) else "no interval"


def _still(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    return fakes.still_head(clip, look)


def _late(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    frames = np.maximum(np.arange(len(clip.times_s)) - LATE_FRAMES, 0)
    return fakes.shown_as(clip, clip.truth.heads[frames], look)


def _mirrored(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    return fakes.shown_as(clip, np.ascontiguousarray(clip.truth.heads[:, :, ::-1]), look)


def _blurred(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    heads = np.stack([np.asarray(cv2.GaussianBlur(head, (0, 0), BLUR_PX), np.uint8) for head in clip.truth.heads])
    return fakes.shown_as(clip, heads, look)


def _another(clip: Evidence, other: Evidence, look: Look, _folder: Path) -> Evidence:
    return fakes.other_head(clip, other, look)


def _unjoined(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    """Not by `shown_as`, which would join the colour again."""
    heads = clip.truth.heads.astype(np.int16)
    heads[:, _INSIDE] += BRIGHTER_LEVELS
    return replace(clip, seen=look(_levels(heads)), saved=None, video=None)


def _jumping(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    heads = clip.truth.heads.copy()
    side = (heads.shape[2], heads.shape[1])
    for frame in np.flatnonzero(clip.window % 2 == 1):
        shift = np.array([[1, 0, JUMP_PX], [0, 1, 0]], np.float32)
        heads[frame] = cv2.warpAffine(heads[frame], shift, side, borderMode=cv2.BORDER_REPLICATE)
    return fakes.shown_as(clip, heads, look)


def _chattering(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    """While the target is silent it shows the heads of when it speaks, one after the other."""
    frames = np.arange(len(clip.times_s))
    silent, speaking = np.flatnonzero(~clip.speaking), np.flatnonzero(clip.speaking)
    if len(speaking):
        frames[silent] = speaking[np.arange(len(silent)) % len(speaking)]
    return fakes.shown_as(clip, clip.truth.heads[frames], look)


def _noisy(clip: Evidence, _other: Evidence, look: Look, _folder: Path) -> Evidence:
    noise = np.random.default_rng(0).normal(0, NOISE_LEVELS, clip.truth.heads.shape)
    return replace(clip, seen=look(_levels(clip.truth.heads + noise)), saved=None, video=None)


def _fading(clip: Evidence, other: Evidence, look: Look, folder: Path) -> Evidence:
    """Each window greyer and redder than the one before, under the same noise."""
    heads = _noisy(clip, other, look, folder).seen.heads.astype(np.float32)
    window = np.maximum(clip.window, 0)[:, None, None, None]
    share = np.minimum(FADE_A_WINDOW * window, 0.9)
    heads = heads * (1 - share) + heads.mean(axis=(1, 2), keepdims=True) * share
    heads[..., 0] += TINT_A_WINDOW * window[..., 0]
    return replace(clip, seen=look(_levels(heads)), saved=None, video=None)


def _copied(change: int, *, lossless: bool) -> Plant:
    """The scene itself as the generated video, `change` added to the luma's top row, if lossy to all."""

    def plant(clip: Evidence, _other: Evidence, _look: Look, folder: Path) -> Evidence:
        video = folder / "copy.mp4"
        with SegmentWriter(video, like=inspect_source(clip.reference), lossless=lossless) as writer:
            for picture in open_source(clip.reference):
                row = plane_views(picture.frame)[0][: 1 if lossless else None]
                row += np.where(row < 128, change, -change).astype(row.dtype)
                writer.write(picture)
        return replace(fakes.ground_truth(clip), video=video, lossless=lossless)

    return plant


def _levels(heads: NDArray[np.number]) -> NDArray[np.uint8]:
    return np.clip(np.rint(heads), 0, 255).astype(np.uint8)


FAULTS = (
    Fault(
        says="the first head held",
        plant=_still,
        seen_by=("mouth r", "blinks", "motion", "PSNR mouth", "sync confidence", "sync distance"),
    ),
    Fault(
        says=f"heads {LATE_FRAMES} frames late",
        plant=_late,
        # Confidence and distance are those of the best shift: an even delay is the offset's to see.
        seen_by=("mouth r", "mouth distance", "sync offset"),
    ),
    Fault(
        says="heads mirrored",
        plant=_mirrored,
        seen_by=("landmark distance", "side right", "yaw", "gaze", "twins turned", "listener turns"),
    ),
    Fault(
        says=f"blurred, σ {BLUR_PX:g} crop px",
        plant=_blurred,
        seen_by=("PSNR head", "SSIM", "PSNR mouth", "mouth sharpness", "FID", "KID", "LPIPS"),
    ),
    Fault(says="another clip's head", plant=_another, seen_by=("identity-own", "words")),
    Fault(says=f"{BRIGHTER_LEVELS} levels brighter", plant=_unjoined, seen_by=("seam", "colour shift")),
    Fault(says=f"every other window {JUMP_PX:g} px aside", plant=_jumping, seen_by=("join jerk",)),
    Fault(says="mouths of speech in silence", plant=_chattering, seen_by=("silent mouth motion",)),
    Fault(
        says="each window greyer and redder, beside even noise",
        plant=_fading,
        seen_by=("PSNR drift", "sharpness drift", "colour drift"),
        beside=_noisy,
    ),
    Fault(
        says="the top row one level off",
        plant=_copied(1, lossless=True),
        seen_by=("changed outside",),
        beside=_copied(0, lossless=True),
    ),
    Fault(
        says="luma four levels off",
        plant=_copied(4, lossless=False),
        seen_by=("difference outside, lossy",),
        beside=_copied(0, lossless=False),
    ),
)


if __name__ == "__main__":
    main(tyro.cli(PlantedFaults, description=__doc__))
