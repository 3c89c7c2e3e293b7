"""Which rows a table has, who generates them, and what each is told of a clip."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from contextalk.core.records import GenerateRequest, Generator
from contextalk.core.runs import WEIGHTS, run_with
from contextalk.evaluation.baselines.controlnet import ControlNet
from contextalk.evaluation.baselines.framewise import Framewise
from contextalk.evaluation.baselines.one_stage import OneStage
from contextalk.evaluation.baselines.ours import Ours, OursTrueLandmarks
from contextalk.evaluation.baselines.sadtalker import SadTalker
from contextalk.evaluation.baselines.scene_blind import SceneBlind
from contextalk.evaluation.baselines.shuffled_scene import ShuffledScene
from contextalk.evaluation.baselines.with_expression import WithExpression
from contextalk.evaluation.baselines.without_lips import WithoutLips
from contextalk.evaluation.reproduce.material import Context, Material
from contextalk.generation.work import file_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What methods are made of.

    Attributes:
        bundle: Folder of ours; None: the embedded one.
        runs: Folders of training runs that are looked through for `one_stage`, `framewise` and `expression`.
        controlnet: Folders of Stable Diffusion 1.5 and of trained controls.
        sadtalker: A checkout, and the interpreter it runs in.
        steps: Solver steps a window; None: the bundle's.
        seed: Root of all randomness.
    """

    bundle: Path | None = None
    runs: tuple[Path, ...] = ()
    controlnet: tuple[Path, Path] | None = None
    sadtalker: tuple[Path, Path] | None = None
    steps: int | None = None
    seed: int = 0

    def find(self, name: str) -> Path | None:
        """RUN/name of the first run that has such weights."""
        run = run_with(name, self.runs)
        return None if run is None else run / name


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A row.

    Attributes:
        name: Of the row, and of the folder of its clips.
        generator: For a clip.
        sees_landmarks: Whether it is given the true ones, without which it would draw its own.
        sees_identity: Whether it is shown the picture of the target.
        draws_landmarks: Whether landmarks of its own are saved beside its clips.
        depends_on: Changes with everything but bundle and request that decides its clips.
    """

    name: str
    generator: Callable[[Context], Generator]
    sees_landmarks: bool = False
    sees_identity: bool = True
    draws_landmarks: bool = False
    depends_on: str = ""

    def request(self, context: Context, output: Path, given: Given) -> GenerateRequest:
        """What is asked of the generator."""
        return GenerateRequest(
            scene=context.scene,
            audio=context.audio,
            output=output,
            bundle=given.bundle,
            target=context.target,
            annotations=str(context.scene.parent),
            identity=context.identity if self.sees_identity else None,
            landmarks=context.landmarks if self.sees_landmarks else None,
            save_landmarks=output.with_suffix(".npz") if self.draws_landmarks else None,
            steps=given.steps,
            seed=given.seed,
            force=True,  # strangers are met as a user would have them met
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A row that cannot be made.

    Attributes:
        name: Of the row.
        needs: What is missing.
    """

    name: str
    needs: str


def ours(_given: Given, _material: Material) -> Method:
    """Both stages."""
    return Method(name=Ours.name, generator=lambda _: Ours(), draws_landmarks=True)


def true_landmarks(_given: Given, _material: Material) -> Method:
    """Stage 2 alone."""
    return Method(name=OursTrueLandmarks.name, generator=lambda _: OursTrueLandmarks(), sees_landmarks=True)


def without_lips(_given: Given, _material: Material) -> Method:
    """Both stages, stage 2 without lip references."""
    return Method(name=WithoutLips.name, generator=lambda _: WithoutLips(), draws_landmarks=True)


def without_lips_true(_given: Given, _material: Material) -> Method:
    """Stage 2 alone, without lip references."""
    name = f"{WithoutLips.name}, true landmarks"
    return Method(name=name, generator=lambda _: WithoutLips(), sees_landmarks=True)


def scene_blind(_given: Given, _material: Material) -> Method:
    """Stage 1 behind a blindfold."""
    return Method(name=SceneBlind.name, generator=lambda _: SceneBlind(), draws_landmarks=True)


def shuffled_scene(_given: Given, material: Material) -> Method | Absent:
    """Stage 1 in another scene."""
    elsewhere = material.elsewhere
    if len(elsewhere) < len(material.contexts):
        return Absent(name=ShuffledScene.name, needs="for every clip another conversation that is not shorter")
    return Method(
        name=ShuffledScene.name,
        generator=lambda context: ShuffledScene(elsewhere[context.name].scene, elsewhere[context.name].target),
        depends_on=repr([(name, str(other.scene)) for name, other in elsewhere.items()]),
    )


def one_stage(given: Given, _material: Material) -> Method | Absent:
    """Heads straight from scene and sound."""
    return _ablation(given, "one_stage", OneStage.name, lambda folder: OneStage(folder))


def framewise(given: Given, _material: Material) -> Method | Absent:
    """Each frame by itself, on true landmarks."""
    return _ablation(given, "framewise", Framewise.name, lambda folder: Framewise(folder), sees_landmarks=True)


def controlnet(given: Given, _material: Material) -> Method | Absent:
    """Stable Diffusion under two controls, on true landmarks."""
    if given.controlnet is None:
        return Absent(name=ControlNet.name, needs="--controlnet with Stable Diffusion 1.5 and trained controls")
    model = ControlNet(*given.controlnet)
    files = [path for folder in given.controlnet for path in sorted(folder.rglob("*.safetensors"))]
    return Method(name=model.name, generator=lambda _: model, sees_landmarks=True, depends_on=_digests(files))


def sadtalker(given: Given, _material: Material) -> Method | Absent:
    """A still picture animated: the true first face."""
    if given.sadtalker is None:
        return Absent(name=SadTalker.name, needs="--sadtalker with a checkout and its interpreter")
    model = SadTalker(*given.sadtalker)
    return Method(
        name=model.name, generator=lambda _: model, sees_identity=False, depends_on=_state(given.sadtalker[0])
    )


def with_expression(given: Given, _material: Material) -> Method | Absent:
    """Both stages, stage 2 told the expression."""
    return _ablation(
        given, "expression", WithExpression.name, lambda folder: WithExpression(folder), draws_landmarks=True
    )


def with_expression_true(given: Given, _material: Material) -> Method | Absent:
    """Stage 2 alone, told the expression."""
    name = f"{WithExpression.name}, true landmarks"
    return _ablation(given, "expression", name, lambda folder: WithExpression(folder), sees_landmarks=True)


MakeMethod = Callable[[Given, Material], Method | Absent]

ROWS: dict[str, tuple[MakeMethod, ...]] = {
    "table1": (ours, true_landmarks, framewise, controlnet, sadtalker),
    "table4": (ours, true_landmarks, one_stage),
    "lips": (ours, without_lips, true_landmarks, without_lips_true),
    "expression": (ours, with_expression, true_landmarks, with_expression_true),
    "twins": (ours, scene_blind, shuffled_scene, true_landmarks),
    "drift": (ours, true_landmarks, one_stage),
}


def methods_of(table: str, given: Given, material: Material) -> tuple[list[Method], list[Absent]]:
    """The rows of a table that can be made, and those that cannot."""
    rows = [make(given, material) for make in ROWS[table]]
    return [row for row in rows if isinstance(row, Method)], [row for row in rows if isinstance(row, Absent)]


def _ablation(
    given: Given,
    weights: str,
    name: str,
    make: Callable[[Path], Generator],
    *,
    sees_landmarks: bool = False,
    draws_landmarks: bool = False,
) -> Method | Absent:
    folder = given.find(weights)
    if folder is None:
        return Absent(name=name, needs=f"--runs with {weights} of `contextalk train {weights.replace('_', '-')}`")
    return Method(
        name=name,
        generator=lambda _: make(folder),
        sees_landmarks=sees_landmarks,
        draws_landmarks=draws_landmarks,
        depends_on=_digests([folder / WEIGHTS]),
    )


def _state(checkout: Path) -> str:
    """Names, sizes and times of a checkout's code and checkpoints, which are too large to be read for every clip."""
    files = [*checkout.glob("*.py"), *(checkout / "src").rglob("*.py"), *(checkout / "checkpoints").rglob("*")]
    known = [(str(path.relative_to(checkout)), path.stat()) for path in sorted(files) if path.is_file()]
    return hashlib.sha256(repr([(name, seen.st_size, seen.st_mtime_ns) for name, seen in known]).encode()).hexdigest()


def _digests(files: Sequence[Path]) -> str:
    return hashlib.sha256("".join(file_digest(path) for path in files).encode()).hexdigest()
