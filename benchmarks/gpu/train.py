"""Train a whole preset on a card within minutes, resumably: `python benchmarks/gpu/train.py --help`.

Called again with the same run it goes on, until every network has seen its windows; the bundle of what is trained is
written whenever all networks have weights. The last lines say how far each is and what its last fifth has gained.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from common import Limit, OutOfTimeError, say
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from contextalk.cli.console import table
from contextalk.core.choices import Device
from contextalk.core.config import to_dict
from contextalk.core.errors import BundleError
from contextalk.presets import PRESETS, Preset
from contextalk.training.config import Budget
from contextalk.training.run import FIGURES_FILE, PRESET_FILE, bundle_run, train

CURVES = ("side right", "mouth r", "denoising", "psnr face", "px", "error")
"""Held-out figures that say whether more training helps, by the beginning of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What to train, and for how long.

    Attributes:
        data: Folder of a prepared dataset.
        run: Folder of the run, kept between calls.
        output: Folder for the bundle and its record.
        preset: Sizes; a run keeps those it began with.
        minutes: After so long the script ends well.
        batch: Windows a step of the generating networks; default: the preset's.
        windows: That each generating network sees; default: the preset's.
        small: How many times the preset's windows and batch the small networks are given.
        start: Start from the networks of this bundle.
        device: As `contextalk train`.
        workers: Processes that read clips.
    """

    data: Path
    run: Path
    output: Path
    preset: str = "compact"
    minutes: float = 9.0
    batch: int | None = None
    windows: int | None = None
    small: int = 1
    start: Path | None = None
    device: Device = "auto"
    workers: int = 1


def main(config: Training) -> None:
    """Train, bundle, print."""
    if not (config.run / PRESET_FILE).is_file():
        config.run.mkdir(parents=True, exist_ok=True)
        (config.run / PRESET_FILE).write_text(json.dumps(to_dict(enlarged(config)), indent=2) + "\n")
    try:
        train(
            "all",
            data=config.data,
            run=config.run,
            from_bundle=config.start,
            device=config.device,
            workers=config.workers,
            progress=Limit(config.minutes),
        )
        ending = "all networks are trained"
    except OutOfTimeError as stopped:
        ending = f"out of time at {stopped}; the same command goes on"
    try:
        bundle_run(config.run, config.output / "bundle", from_bundle=config.start)
        say(f"bundle in {config.output / 'bundle'}: {size_mb(config.output / 'bundle'):.1f} MB")
    except BundleError as error:
        say(f"no bundle yet: {error}")
    config.output.mkdir(parents=True, exist_ok=True)
    for name in (FIGURES_FILE, PRESET_FILE):
        if (config.run / name).is_file():
            (config.output / name).write_bytes((config.run / name).read_bytes())
    say(summary(config.run))
    say(ending)


def enlarged(config: Training) -> Preset:
    """The preset with the batches and windows asked for; learning rates stay."""
    preset = PRESETS[config.preset]()
    training = preset.training
    small = ("codec", "lips", "reader", "probe", "context")
    budgets = {name: more(getattr(training, name), config.small) for name in small}
    return replace(
        preset,
        training=replace(
            training,
            batch_windows=config.batch or training.batch_windows,
            network_windows=config.windows or training.network_windows,
            evaluate_every=max(training.evaluate_every, (config.windows or training.network_windows) // 50),
            checkpoint_every_s=min(training.checkpoint_every_s, 30.0),
            **budgets,
        ),
    )


def more(budget: Budget, times: int) -> Budget:
    """More windows in larger batches: as many steps."""
    return replace(budget, windows=times * budget.windows, batch=times * budget.batch)


def summary(run: Path) -> str:
    """A row a network and figure: windows, value, and what the last fifth of the windows has changed."""
    rows: list[tuple[str, ...]] = []
    for folder in sorted(path.parent for path in run.glob("*/averaged.safetensors")):
        for name, points in curves(folder).items():
            seen, value = points[-1]
            before = [earlier for at, earlier in points if at <= 0.8 * seen]
            gained = "-" if not before else f"{value - before[-1]:+.4f}"
            rows.append((f"{folder.name}: {name}", f"{seen:,}", f"{value:.4f}", gained))
    return table(("held-out figure", "windows", "now", "in the last fifth"), rows)


def curves(folder: Path) -> Mapping[str, list[tuple[int, float]]]:
    """(windows, value) of each held-out figure worth watching."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    read = {
        tag.removeprefix("held-out/"): [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
        if tag.startswith("held-out/")
    }
    return {
        name: [point for point in points if not math.isnan(point[1])] or [points[-1]]
        for name, points in read.items()
        if name.startswith(CURVES)
    }


def size_mb(folder: Path) -> float:
    """Of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


if __name__ == "__main__":  # worker processes import this file
    main(tyro.cli(Training))
