"""A run: a folder in which the networks of a preset are trained, one after the other, and resumed."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from torch import Tensor, nn

from contextalk.core.choices import Device, LipsKind
from contextalk.core.config import from_dict, to_dict
from contextalk.core.errors import BundleError, ContextalkError, DatasetError
from contextalk.core.records import Progress
from contextalk.core.runs import WEIGHTS
from contextalk.dataset.clips import Clip, bring_dataset, read_clips
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.models.bundle import Bundle, BundleCard
from contextalk.models.codec import Codec
from contextalk.models.config import ModelsConfig, Step
from contextalk.models.familiarity import Familiarity, texture
from contextalk.models.lip_reader import LipReader, LipReaderConfig
from contextalk.models.lips import LipGenerator
from contextalk.models.machine import CPU, choose_device
from contextalk.models.mvcontrolnet import MVControlNet, NetworkConfig
from contextalk.models.reader import LandmarkReader
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from contextalk.models.wav2lip import Wav2Lip
from contextalk.models.weights import default_folder, find_published, open_wav2lip
from contextalk.presets import PRESETS, Preset
from contextalk.training.ablations import NETWORK_FILE, ONE_STAGE_BUDGET, ablation_networks
from contextalk.training.checkpoint import load_averaged
from contextalk.training.clip_workers import map_clips
from contextalk.training.config import Budget, TrainConfig
from contextalk.training.dubbing import dub_clips, read_sentences
from contextalk.training.first_frames import generate_first_frames
from contextalk.training.guesses import cached_guesses
from contextalk.training.latents import LatentClip, cached_latents, split_clips
from contextalk.training.lip_references import DrawnLips, FoldedLips, cached_references
from contextalk.training.loop import Objective, fit
from contextalk.training.objectives.codec import CodecObjective
from contextalk.training.objectives.context import ContextObjective
from contextalk.training.objectives.denoising import DenoisingObjective, Lesson, LipSource, Stage
from contextalk.training.objectives.lip_reader import LipReaderObjective
from contextalk.training.objectives.lips import LipsObjective, lip_figures
from contextalk.training.objectives.probe import ProbeObjective
from contextalk.training.objectives.reader import ReaderObjective
from contextalk.training.objectives.sync import MouthClip, SyncObjective, mouth_clips
from contextalk.training.picture_set import PictureSet
from contextalk.training.windows import WindowSet

_Network = TypeVar("_Network", bound=nn.Module)

PRESET_FILE = "preset.json"
START_FILE = "start.json"
FIGURES_FILE = "figures.json"
SPEECH_FILE = "speech.json"

_TUNING_RATE = 0.25
"""Of the codec's learning rate, for one that is not new: latents stay near those that the bundle's networks know."""


def train(
    network: str,
    *,
    data: Path | str,
    run: Path,
    preset: str = "compact",
    from_bundle: Path | None = None,
    windows: int | None = None,
    speech: Path | str | None = None,
    lips: LipsKind | None = None,
    device: Device = "auto",
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, dict[str, float]]:
    """Train one network of a run, or `all` in order; what is finished is skipped, what was interrupted goes on.

    Args:
        network: `codec`, `probe`, `lips`, `reader`, a generating network of the preset (`landmark`, `face`,
            `landmark-first` …), or `all`; apart from these the judges of evaluation: `estimator`,
            `sync` and `lip_reader`, and the ablations `one-stage`, `framewise` and `expression`.
        data: Dataset written by `prepare`; of one at a URL a copy is made.
        run: Folder of the run; made if missing.
        preset: Name in `PRESETS`; a run keeps the one it began with.
        from_bundle: Start from these weights; its codec is kept as it is, unless `codec` is named with `windows`.
        windows: Train the named network for this many windows instead of the preset's.
        speech: Dataset of real speakers, by whom the clips of `data` are dubbed for stage 1 (`dubbing.py`); None: it
            hears the clips' own voices alone.
        lips: Where lip references come from, kept as the preset is; None: from where the run has them, a new one as
            its bundle, or from our own generator.
        device: Where networks learn; a run may go on elsewhere than it began.
        workers: Processes that read clips and draw what networks see of them.
        progress: Told what is being done.

    Returns:
        Held-out figures per network trained.

    Raises:
        ContextalkError: No such network, preset or device, another bundle or other lip references than the run began
            with, no published weights for them, or a network trained before what it stands on.
    """
    where = choose_device(device)
    start = None if from_bundle is None else Bundle.load(from_bundle)
    chosen = _preset(run, preset, lips, start)
    _keep_start(run, _start_of(from_bundle, start))
    dataset = bring_dataset(data, progress=progress)
    spoken = None if speech is None else bring_dataset(speech, progress=progress)
    if spoken is not None:
        if network not in ("all", "context") and not network.startswith("landmark"):
            raise ContextalkError(f"--speech is for stage 1 (context, landmark …, all), not for {network}")
        read_manifest(spoken)  # what is no dataset is missed now, not after the codec
    training_run = TrainingRun(
        dataset, run, chosen, speech=spoken, start=start, device=where, workers=workers, progress=progress
    )
    if windows is not None:
        training_run.shorten(network, windows)
    return training_run.train(network)


def bundle_run(run: Path, output: Path, *, whom: str | None = None, from_bundle: Path | None = None) -> BundleCard:
    """Make a bundle of a run's averaged weights.

    Args:
        run: Folder of the run.
        output: Folder of the bundle.
        whom: Whom it can draw, in words.
        from_bundle: Where networks that the run has not trained come from: the bundle it started from.

    Raises:
        BundleError: A network has no weights yet, or the bundle given has none of this shape or is not the one that the
            run started from.
    """
    if not (run / PRESET_FILE).is_file():
        raise BundleError(f"{run} is no run: there is no {PRESET_FILE} in it")
    preset = from_dict(Preset, json.loads((run / PRESET_FILE).read_text()))
    figures_path = run / FIGURES_FILE
    figures = json.loads(figures_path.read_text()) if figures_path.is_file() else {}
    persons = json.loads((run / "persons.json").read_text()) if (run / "persons.json").is_file() else []
    card = BundleCard(
        models=preset.models,
        whom=whom or _whom(persons),
        persons=tuple(persons) if len(persons) <= 8 else (),
        record={name: json.dumps(values) for name, values in figures.items()},
        licence=_licence(preset.models.lips.kind),
    )
    start = None if from_bundle is None else Bundle.load(from_bundle)
    if start is not None:
        _keep_start(run, _start_of(from_bundle, start))
        card = replace(card, record=start.card.record | card.record)
    if (run / SPEECH_FILE).is_file():
        known = json.loads(card.record.get("speech", "{}")) | json.loads((run / SPEECH_FILE).read_text())
        card = replace(card, record=card.record | {"speech": json.dumps(known)})
    if (began := _read_start(run)) is not None:
        card = replace(card, record=card.record | {"from": json.dumps(to_dict(began))})
    bundle = Bundle(card)
    _refuse_half_a_codec(run)
    for name, module in bundle.modules.items():
        if load_averaged(run / name, module):
            continue
        if start is not None:
            _load_from(start, name, module)
        else:
            raise BundleError(f"{run} has no trained {name}: `contextalk train {name} --run {run}` first")
    bundle.save(output)
    return card


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The bundle that a run started from; in `start.json`, null there for none.

    Attributes:
        bundle: Name of its folder.
        sha256: Its fingerprint: what it is told apart by.
    """

    bundle: str
    sha256: str


class TrainingRun:
    """One run. Data are read when first needed and shared by all networks."""

    def __init__(
        self,
        data: Path,
        folder: Path,
        preset: Preset,
        *,
        speech: Path | None = None,
        start: Bundle | None = None,
        device: torch.device = CPU,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.data = data
        self.speech = speech
        self.folder = folder
        self.models: ModelsConfig = preset.models
        self.config = preset.training
        self.budgets = _budgets(preset)
        self.start = start
        self.tunes_codec = False
        self.device = device
        self.workers = workers
        self.progress = progress

    def shorten(self, network: str, windows: int) -> None:
        """Give one network another number of windows, or `all` generating networks.

        Raises:
            ContextalkError: No such network, or no window.
        """
        if windows < 1:
            raise ContextalkError(f"{windows} windows to train, wanted at least 1")
        names = list(self.models.networks) if network == "all" else [_folder_name(network)]
        for name in names:
            if name not in self.budgets:
                wanted = ", ".join(one for one in self.order if one in self.budgets)
                raise ContextalkError(f"no windows teach {name!r}, wanted one of {wanted}")
            self.budgets[name] = replace(self.budgets[name], windows=windows)
        self.tunes_codec = self.start is not None and names == ["codec"]

    @property
    def order(self) -> list[str]:
        """Every network, each after those it stands on."""
        return [
            "codec",
            "familiarity",
            "probe",
            "reader",
            "lips",
            *self._context,
            *self.models.networks,
        ]

    @property
    def _context(self) -> list[str]:
        """Stage 1's condition encoders are taught first where they regress points."""
        return ["context"] if any(config.predict_points for config in self.models.networks.values()) else []

    def train(self, network: str) -> dict[str, dict[str, float]]:
        """Train `network`, or `all` of `order`."""
        if network == "all" and self.models.lips.kind != "own":
            _ = self.wav2lip  # weights that are not here are missed now, not after the codec
        names = self.order if network == "all" else [_folder_name(network)]
        steps: dict[str, Callable[[], dict[str, float]]] = {
            "codec": self._train_codec,
            "familiarity": self._settle_familiarity,
            "probe": self._train_probe,
            "reader": self._train_reader,
            "lips": self._train_lips,
            "estimator": self._train_estimator,
            "context": self._train_context,
            "sync": self._train_sync,
            "lip_reader": self._train_lip_reader,
        }
        figures: dict[str, dict[str, float]] = {}
        for name in names:
            if name not in steps and name not in self._shapes:
                raise ContextalkError(
                    f"no network {network!r} in this preset, wanted all or one of {', '.join(self.order)}"
                )
            torch.manual_seed(self.config.seed)  # of the weights a network starts from
            figures[name] = steps[name]() if name in steps else self._train_generating(name)
            self._note(name, figures[name])
        return figures

    @cached_property
    def codec(self) -> Codec:
        """The trained codec; a bundle's, once others stand on it, is the run's for good.

        Raises:
            ContextalkError: There is none, or one that is not finished.
        """
        folder, codec = self.folder / "codec", Codec(self.models.codec)
        _refuse_half_a_codec(self.folder)
        if (folder / "done").is_file():
            load_averaged(folder, codec)
        elif self.start is not None:
            codec.load_state_dict(self.start.codec.state_dict())
            _save_weights(folder, codec, {})
        else:
            raise ContextalkError(
                f"{self.folder} has no trained codec: `contextalk train codec --run {self.folder}` first"
            )
        return codec.to(self.device).eval().requires_grad_(requires_grad=False)

    @cached_property
    def wav2lip(self) -> Wav2Lip:
        """Who draws the lip references of a run that does not train its own.

        Raises:
            ContextalkError: The published weights are not here.
        """
        return open_wav2lip(self.models.lips.kind, default_folder()).to(self.device)

    @cached_property
    def clips(self) -> tuple[list[LatentClip], list[LatentClip]]:
        """(training, held-out) clips as latents."""
        cache = self.folder / "latents"
        draws = self.models.draws_pupils
        everything = cached_latents(
            self.data, self.codec, cache, draws_pupils=draws, workers=self.workers, progress=self.progress
        )
        persons = sorted({clip.person for clip in everything if clip.split == "train"})
        (self.folder / "persons.json").write_text(json.dumps(persons) + "\n")
        return split_clips(everything, self.config.judge_share)

    @cached_property
    def judge_clips(self) -> list[MouthClip]:
        """Clips that judges learn from and no other network does; of them the validation clips are held out.

        Raises:
            ContextalkError: The generators of this run have seen all of its clips.
        """
        share = self.config.judge_share
        taught = [name for name in self.models.networks if (self.folder / name).is_dir()]
        if share == 0 and taught:
            raise ContextalkError(
                f"{self.folder} has taught its {taught[0]} every clip (judge_share 0): train judges in a run of their "
                "own, on footage that no generator has seen"
            )
        rows = [row for row in read_manifest(self.data).to_pylist() if row["shard"]]
        keys = {
            row["key"]
            for row in rows
            if row["split"] == "val"
            or (row["split"] == "train" and (share == 0 or is_kept_for_judges(row["key"], share)))
        }
        return mouth_clips(read_clips(self.data, keys=keys))

    @cached_property
    def windows(self) -> tuple[WindowSet, WindowSet]:
        """(training, held-out) windows."""
        return WindowSet(self.clips[0], self.device), self.held_out

    @cached_property
    def held_out(self) -> WindowSet:
        """Held-out windows."""
        return WindowSet(self.clips[1], self.device)

    @cached_property
    def dubbed(self) -> tuple[WindowSet, WindowSet | None]:
        """(training, held-out) windows of stage 1: the clips and, with real speech, the same dubbed.

        Training windows are both; held out is what was said in validation clips, None without real speech.
        """
        if self.speech is None:
            _keep_speech(self.folder, None)
            return self.windows[0], None
        sentences = read_sentences(self.speech, self.config.judge_share)
        _keep_speech(self.folder, Counter(sentence.person for sentence in sentences if sentence.split == "train"))
        taught, held_out = (
            dub_clips(
                clips,
                [sentence for sentence in sentences if sentence.split == split],
                self.codec,
                self.folder / "latents",
                draws_pupils=self.models.draws_pupils,
                seed=self.config.seed,
                progress=self.progress,
            )
            for clips, split in zip(self.clips, ("train", "val"), strict=True)
        )
        return (
            WindowSet([*self.clips[0], *taught], self.device),
            WindowSet(held_out, self.device) if held_out else None,
        )

    def _train_codec(self) -> dict[str, float]:
        """Train the codec, or keep the one of the bundle, or tune that one when told for how long.

        Raises:
            ContextalkError: The bundle's was kept before, and others may stand on it.
        """
        folder = self.folder / "codec"
        codec = Codec(self.models.codec)
        if (folder / "done").is_file():
            figures = json.loads((folder / "done").read_text())
            if self.tunes_codec and not figures:
                raise ContextalkError(f"{self.folder} has kept its bundle's codec: tune it first, in a new run")
            return figures
        if self.start is not None:
            codec.load_state_dict(self.start.codec.state_dict())
            if not self.tunes_codec:
                _refuse_half_a_codec(self.folder)
                _save_weights(folder, codec, {})
                return {}
            tuned = self.budgets["codec"]
            self.budgets["codec"] = replace(tuned, learning_rate=_TUNING_RATE * tuned.learning_rate)
        pictures = PictureSet(
            self.data,
            draws_pupils=self.models.draws_pupils,
            judge_share=self.config.judge_share,
            device=self.device,
            workers=self.workers,
            progress=self.progress,
        )
        objective = CodecObjective(codec, pictures)
        figures = {"windows": self.budgets["codec"].windows, **self._fit(objective, self._decaying())}
        if self.start is None:  # the networks of a bundle know latents by its codec's statistics
            objective.measure_statistics()
        _save_weights(folder, codec, figures)
        return figures

    def _settle_familiarity(self) -> dict[str, float]:
        """What a familiar head is, by one of every clip that is taught; how many held-out ones are strangers."""
        training, held_out = (self._heads(split) for split in ("train", "val"))
        familiarity = Familiarity()
        familiarity.settle(texture(training))
        _save_weights(self.folder / "familiarity", familiarity, {})
        return {"strangers held-out": float((familiarity(held_out) > 1).float().mean()) if len(held_out) else 0.0}

    def _heads(self, split: str) -> UInt8[Tensor, "n 256 256 3"]:
        """The middle head of every clip of a split.

        Raises:
            DatasetError: None of training.
        """
        rows = [row for row in read_manifest(self.data).to_pylist() if row["shard"] and row["split"] == split]
        if not rows and split == "train":
            raise DatasetError(f"{self.data} has no clip in the training split")
        heads = map_clips(self.data, {row["key"]: None for row in rows}, _middle_head, workers=self.workers)
        return torch.from_numpy(np.stack(list(heads))) if rows else torch.zeros((0, 256, 256, 3), dtype=torch.uint8)

    def _train_probe(self) -> dict[str, float]:
        return self._fit(ProbeObjective(*self.windows), self._decaying())

    def _train_reader(self) -> dict[str, float]:
        reader = self._started(LandmarkReader(self.models.reader), "reader")
        return self._fit(ReaderObjective("reader", reader, *self.windows), self._decaying())

    def _train_estimator(self) -> dict[str, float]:
        objective = ReaderObjective("estimator", LandmarkReader(self.models.reader), *self.windows, reads="face")
        return self._fit(objective, self._decaying())

    def _train_sync(self) -> dict[str, float]:
        return self._fit(SyncObjective(SyncJudge(SyncJudgeConfig()), self.judge_clips), self._decaying())

    def _train_lip_reader(self) -> dict[str, float]:
        return self._fit(LipReaderObjective(LipReader(LipReaderConfig()), self.judge_clips), self._decaying())

    def _train_lips(self) -> dict[str, float]:
        """Train the lip generator, or draw what Wav2Lip says, where nothing descends; both say how near they come."""
        if self.models.lips.kind != "own":
            return lip_figures(self._lip_sources()[1], self.windows[1])
        return self._fit(LipsObjective(self._own_lips(), *self.clips, self.device), self._decaying())

    def _train_context(self) -> dict[str, float]:
        name = self.models.network_name("landmark", "first")
        network = self._started(MVControlNet(self.models.networks[name]), name)
        training, spoken = self.dubbed
        objective = ContextObjective(
            network,
            self.lesson(name),
            training,
            self.held_out,
            spoken=spoken,
            stranger_share=self.config.stranger_share,
        )
        return self._fit(objective, self._decaying())

    def _train_generating(self, name: str) -> dict[str, float]:
        shape = self._shapes[name]
        network = MVControlNet(shape)
        network = self._begun_as_stage_2(network) if name in self._ablations else self._started(network, name)
        if shape.predict_points and not load_averaged(self.folder / "context", network) and self.start is None:
            raise ContextalkError(
                f"{self.folder} has no trained context: `contextalk train context --run {self.folder}` first"
            )
        network.to(self.device)  # the guesses are drawn there
        lesson = self.lesson(name)
        training, held_out = self.dubbed[0] if lesson.stage == "landmark" else self.windows[0], self.held_out
        lips = self._lip_sources() if "lips" in lesson.modalities else None
        if lesson.stage == "landmark" and lesson.residual:
            self._settle_guesses(network, lesson, training, held_out)
        objective = DenoisingObjective(
            name,
            network,
            self.models.process,
            lesson,
            self.config,
            training,
            held_out,
            lips=lips,
            generated_first=self._generated_first(lesson, training),
        )
        figures = self._fit(objective, self.config)
        if name in self._ablations:
            (self.folder / name / NETWORK_FILE).write_text(json.dumps(to_dict(shape), indent=2) + "\n")
        return figures

    def _fit(self, objective: Objective, config: TrainConfig) -> dict[str, float]:
        """Train on the run's device, in the folder of the objective's name."""
        objective.network.to(self.device)
        return fit(objective, self.budgets[objective.name], config, self.folder / objective.name, self.progress)

    @cached_property
    def _ablations(self) -> dict[str, NetworkConfig]:
        return ablation_networks(self.models)

    @property
    def _shapes(self) -> dict[str, NetworkConfig]:
        """Every network that generates, those of the bundle and those for comparison."""
        return self.models.networks | self._ablations

    def _settle_guesses(self, network: MVControlNet, lesson: Lesson, *sets: WindowSet) -> None:
        """Draw what the network regresses for every frame; what it regresses with is not trained any further."""
        for name in network.REGRESSION:
            network.get_submodule(name).requires_grad_(requires_grad=False)
        for windows in sets:
            windows.guesses = cached_guesses(
                network,
                lesson,
                windows,
                self.codec,
                self.folder / "latents",
                draws_pupils=self.models.draws_pupils,
                progress=self.progress,
            )

    def lesson(self, name: str) -> Lesson:
        """What a generating network, of the preset or an ablation, learns from a window."""
        own = name in self._ablations and name != "expression"  # which is stage 2 told more
        stage: Stage = name if own else "landmark" if name.startswith("landmark") else "face"  # pyright: ignore[reportAssignmentType]
        only = (
            ["first"] if name == "framewise" else [step for step in ("first", "sequence") if name.endswith(f"_{step}")]
        )
        steps: tuple[Step, ...] = tuple(only) or ("first", "sequence")  # pyright: ignore[reportAssignmentType]
        return Lesson(
            stage=stage,
            steps=steps,
            modalities=self._shapes[name].modalities,
            face_hints=self.models.face_hints,
            residual={"landmark": self.models.landmark_residual, "face": self.models.face_residual}.get(stage, 0.0),
        )

    def _own_lips(self) -> LipGenerator:
        """A lip generator, begun with that of the bundle where it has one."""
        lips = LipGenerator(self.models.lips)
        return lips if self.start is None or self.start.lips is None else self._started(lips, "lips")

    def _lip_sources(self) -> tuple[LipSource, LipSource]:
        """References of training and of held-out windows."""
        training, held_out = self.clips
        if self.models.lips.kind != "own":
            drawn = cached_references(
                self.data,
                [*training, *held_out],
                self.wav2lip,
                self.folder / "latents" / self.models.lips.kind,
                workers=self.workers,
                progress=self.progress,
            )
            return DrawnLips(drawn, training, self.device), DrawnLips(drawn, held_out, self.device)
        lips = self._own_lips()
        if not load_averaged(self.folder / "lips", lips) and (self.start is None or self.start.lips is None):
            raise ContextalkError(
                f"{self.folder} has no trained lips: `contextalk train lips --run {self.folder}` first"
            )
        lips.to(self.device)
        return FoldedLips(lips, training), FoldedLips(lips, held_out, fold=0)

    def _generated_first(self, lesson: Lesson, training: WindowSet) -> Tensor | None:
        """The paper's rule: sequences are taught from generated first frames, made by the network of the first step."""
        if self.config.generated_first_share == 0 or lesson.steps == ("first",):
            return None
        first_name = self.models.network_name("landmark" if lesson.stage == "landmark" else "face", "first")
        network = self._started(MVControlNet(self.models.networks[first_name]), first_name)
        if not load_averaged(self.folder / first_name, network) and self.start is None:
            raise ContextalkError(f"{self.folder} has no trained {first_name}: train it before the sequence network")
        network.to(self.device)
        first_lesson = self.lesson(first_name)
        lips = self._lip_sources()[0] if "lips" in first_lesson.modalities else None
        return generate_first_frames(
            network,
            self.models.process,
            first_lesson,
            training,
            lips,
            seed=self.config.seed,
            progress=self.progress,
        )

    def _started(self, network: _Network, name: str) -> _Network:
        """A network, from the bundle's weights if there are some."""
        if self.start is not None:
            _load_from(self.start, name, network)
        return network

    def _begun_as_stage_2(self, network: MVControlNet) -> MVControlNet:
        """An ablation, which need not learn to draw: from the bundle's stage 2 wherever that has the same weights."""
        if self.start is not None:
            name = self.models.network_name("face", "sequence")
            known = self.start.modules[name].state_dict() if name in self.start.modules else {}
            own = network.state_dict()
            same = {key: known[key] for key in own.keys() & known.keys() if known[key].shape == own[key].shape}
            if not same:
                raise BundleError(f"the bundle given has no {name} of this preset's shape")
            network.load_state_dict(own | same)
        return network

    def _decaying(self) -> TrainConfig:
        """The small networks' learning rate always decays."""
        return replace(self.config, learning_rate_decay="cosine")

    def _note(self, name: str, figures: dict[str, float]) -> None:
        path = self.folder / FIGURES_FILE
        known = json.loads(path.read_text()) if path.is_file() else {}
        if not figures:  # a bundle's codec, kept: the bundle has its record
            return
        if name in self.budgets:
            # A budget below what was seen before trains nothing and changes no record.
            seen = max(self.budgets[name].windows, known.get(name, {}).get("windows", 0))
            figures = {"windows": seen, **figures}
        known[name] = figures
        path.write_text(json.dumps(known, indent=2) + "\n")


def _middle_head(clip: Clip, _: None) -> NDArray[np.uint8]:
    return clip.head[len(clip) // 2].copy()


def _load_from(start: Bundle, name: str, network: nn.Module) -> None:
    try:
        network.load_state_dict(start.modules[name].state_dict())
    except (KeyError, RuntimeError) as error:
        raise BundleError(f"the bundle given has no {name} of this preset's shape") from error


def _preset(run: Path, name: str, lips: LipsKind | None, start: Bundle | None) -> Preset:
    """The preset and the lip references a run began with; a new run notes them."""
    path = run / PRESET_FILE
    if path.is_file():
        began = from_dict(Preset, json.loads(path.read_text()))
        if lips not in (None, began.models.lips.kind):
            raise ContextalkError(
                f"{run} has its lip references from {began.models.lips.kind}, now wanted from {lips}: begin another run"
            )
        return began
    if name not in PRESETS:
        raise ContextalkError(f"no preset {name!r}, wanted one of {', '.join(PRESETS)}")
    preset = PRESETS[name]()
    kind = lips or (preset.models.lips.kind if start is None else start.card.models.lips.kind)
    preset = replace(preset, models=replace(preset.models, lips=replace(preset.models.lips, kind=kind)))
    run.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(to_dict(preset), indent=2) + "\n")
    return preset


def _start_of(folder: Path | None, bundle: Bundle | None) -> Start | None:
    if folder is None or bundle is None:
        return None
    return Start(bundle=folder.resolve().name, sha256=bundle.fingerprint)


def _keep_start(run: Path, given: Start | None) -> None:
    """A run keeps what it started from; one that has not noted it yet does."""
    path = run / START_FILE
    if not path.is_file():
        path.write_text(json.dumps(None if given is None else to_dict(given), indent=2) + "\n")
        return
    began = _read_start(run)
    if (began and began.sha256) != (given and given.sha256):
        wanted, seen = (f"{s.bundle} ({s.sha256[:12]})" if s else "no bundle" for s in (began, given))
        raise BundleError(f"{run} started from {wanted}, now given {seen}: give the same --from, or begin another run")


def _read_start(run: Path) -> Start | None:
    path = run / START_FILE
    stored = json.loads(path.read_text()) if path.is_file() else None
    return None if stored is None else from_dict(Start, stored)


def _keep_speech(run: Path, said: dict[str, int] | None) -> None:
    """A run keeps whose speech stage 1 was taught with, sentences by speaker; None: none.

    Raises:
        ContextalkError: It was another's, or is now left out.
    """
    path = run / SPEECH_FILE
    if not path.is_file():
        if said is not None:
            path.write_text(json.dumps(said) + "\n")
    elif json.loads(path.read_text()) != said:
        raise ContextalkError(f"{run} learnt speech by {path.name}: give the same --speech, or begin another run")


def _budgets(preset: Preset) -> dict[str, Budget]:
    config = preset.training
    small = {
        "codec": config.codec,
        "probe": config.probe,
        "reader": config.reader,
        **({"lips": config.lips} if preset.models.lips.kind == "own" else {}),
        "estimator": config.reader,
        "context": config.context,
        "sync": config.sync,
        "lip_reader": config.lip_reader,
    }
    generating = {
        name: Budget(
            windows=round(config.network_windows * _share(name, config)),
            batch=config.batch_windows,
            learning_rate=config.learning_rate,
        )
        for name in (*preset.models.networks, *ablation_networks(preset.models))
    }
    return small | generating


def _share(name: str, config: TrainConfig) -> float:
    if name == "one_stage":
        return ONE_STAGE_BUDGET
    return config.landmark_share if name.startswith("landmark") else 1.0


def _licence(lips: LipsKind) -> str:
    """Of a bundle's weights, and of those it cannot generate without."""
    own = "Apache-2.0"
    return own if lips == "own" else f"{own}; its lip references are drawn by {lips}, {find_published(lips).licence}"


def _folder_name(network: str) -> str:
    return network.replace("-", "_")


def _refuse_half_a_codec(run: Path) -> None:
    folder = run / "codec"
    if folder.is_dir() and not (folder / "done").is_file():
        raise ContextalkError(f"the codec of {run} is half trained: the `contextalk train codec` that began it first")


def _save_weights(folder: Path, network: nn.Module, figures: dict[str, float]) -> None:
    """A network with its statistics, and the mark that it is finished: the codec may be cached with from now on."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / "done").write_text(json.dumps(figures) + "\n")


def _whom(persons: list[str]) -> str:
    if not persons:
        return "nobody in particular"
    if all(person.startswith("person-") for person in persons):
        return f"drawn people of contextalk synth (trained on {len(persons)} of them)"
    return ", ".join(persons[:8])
