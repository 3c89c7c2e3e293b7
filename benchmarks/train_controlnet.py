"""Train the controls of Stable Diffusion 1.5 for `reproduce table1`: `python benchmarks/train_controlnet.py --help`.

The paper's ControlNet baseline: scene and landmarks as two controls. Stopped and called again, it goes on after the
last save; `contextalk reproduce table1 --controlnet SD15 CONTROLS` then has its row.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from tqdm import tqdm

from contextalk.evaluation.baselines.controlnet_models import SceneControlNet
from contextalk.evaluation.baselines.controlnet_training import STEPS, Lessons, train_controlnet


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What is trained on what.

    Attributes:
        base: Folder of Stable Diffusion 1.5 in diffusers' layout.
        data: Prepared dataset.
        output: Folder of the controls.
        device: Where: cpu or cuda.
        steps: How many.
        batch: Pictures a step.
    """

    base: Path
    data: Path
    output: Path
    device: str = "cpu"
    steps: int = STEPS
    batch: int = 8


def main(config: Training) -> None:
    """Train, and print the mean error of the last hundred steps."""
    models = SceneControlNet.load(config.base, None, torch.device(config.device))
    with tqdm(total=config.steps, unit="step") as bar:

        def told(_what: str, done: int, _total: int) -> None:
            bar.update(done - bar.n)

        lessons = Lessons(steps=config.steps, batch=config.batch)
        error = train_controlnet(models, config.data, config.output, lessons, told)
    sys.stdout.write(f"{config.output}: error {error:.4f}\n")


if __name__ == "__main__":
    main(tyro.cli(Training, description=__doc__))
