"""Generate unseen synth scenes with twins by a bundle and evaluate them: `python benchmarks/quality.py --help`.

Methods are folders of `contextalk evaluate`: both stages, stage 2 on true landmarks, and stage 1 blind to the scene.
The identity picture of the first and last shows the target *in the twin*, turned to somebody else, so that no picture
of the target tells the side: what faces the right way has looked at the others.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from contextalk.core.records import GenerateRequest, Generator, Landmarks
from contextalk.evaluation.baselines.ours import Ours, OursTrueLandmarks
from contextalk.evaluation.baselines.scene_blind import SceneBlind
from contextalk.evaluation.estimator import FaceBackendEstimator, HeadEstimator
from contextalk.evaluation.evaluate import evaluate
from contextalk.evaluation.read_evidence import TWIN
from contextalk.evaluation.tables import markdown, write_tables
from contextalk.media.video import read_frames
from contextalk.models.bundle import Bundle, embedded_bundle

METHODS: tuple[Generator, ...] = (Ours(), OursTrueLandmarks(), SceneBlind())

_AROUND_FACE = 1.0
"""Border about the landmarks in an identity picture, in widths of their box: hair, ears and neck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Score a bundle.

    Attributes:
        footage: Folder written by `contextalk synth --people held-out --twins`.
        output: Folder for the videos and the tables; what is there is not generated again.
        bundle: Bundle; default: the embedded one.
        estimator: Folder of a run of `contextalk train estimator` on the bundle's codec; default: the face backend.
        clips: How many scenes, each with its twin.
        steps: Solver steps; default: the bundle's.
    """

    footage: Path
    output: Path
    estimator: Path | None = None
    bundle: Path | None = None
    clips: int = 20
    steps: int | None = None


def main(config: Quality) -> None:
    """Generate, evaluate, print."""
    folder = config.bundle or embedded_bundle()
    for twin in sorted(config.footage.glob(f"scene-*{TWIN}"))[: config.clips]:
        scene = twin.with_name(twin.name.removesuffix(TWIN))
        for here, there in ((scene, twin), (twin, scene)):
            identity = identity_picture(there, config.output / "identities" / f"{here.name}.png")
            for method in METHODS:
                generate_clip(method, here, identity, config, folder)
    bundle = Bundle.load(folder)
    table = evaluate(
        {method.name: config.output / method.name for method in METHODS},
        config.footage,
        config.output / "work",
        estimator=FaceBackendEstimator() if config.estimator is None else HeadEstimator(bundle, config.estimator),
        bundle=bundle,
    )
    write_tables(table, config.output)
    sys.stdout.write(markdown(table))


def generate_clip(method: Generator, scene: Path, identity: Path, config: Quality, bundle: Path) -> None:
    """One clip by one method; what is there is kept."""
    person = main_person(scene)
    given = isinstance(method, OursTrueLandmarks)
    output = config.output / method.name / f"{scene.name}.mp4"
    output.parent.mkdir(parents=True, exist_ok=True)
    request = GenerateRequest(
        scene=scene / "scene.mp4",
        audio=scene / f"speaker-{person}.wav",
        output=output,
        bundle=bundle,
        target=str(person),
        steps=config.steps,
        identity=None if given else identity,
        landmarks=scene / f"landmarks-{person}.npz" if given else None,
        save_landmarks=None if given else output.with_suffix(".npz"),
    )
    if not output.with_suffix(".report.json").is_file():
        method.generate(request)


def identity_picture(scene: Path, path: Path) -> Path:
    """The main person's head in the middle of a scene, as a picture of its own."""
    if not path.is_file():
        landmarks = Landmarks.load(scene / f"landmarks-{main_person(scene)}.npz")
        middle = len(landmarks) // 2
        low, high = landmarks.points[middle].min(axis=0), landmarks.points[middle].max(axis=0)
        border = _AROUND_FACE * (high - low)[0]
        frame = next(read_frames(scene / "scene.mp4", start=middle, stop=middle + 1)).rgb
        x0, y0 = np.maximum(low - border, 0).astype(int)
        x1, y1 = np.ceil(high + border).astype(int)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame[y0:y1, x0:x1]).save(path)
    return path


def main_person(scene: Path) -> int:
    """Index of the person who is generated."""
    return int(json.loads((scene / "scene.json").read_text())["main"])


if __name__ == "__main__":
    main(tyro.cli(Quality))
