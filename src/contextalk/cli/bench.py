"""`contextalk bench`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer, OptionalPath, table
from contextalk.core.choices import Device, Progress
from contextalk.core.errors import ContextalkError

CompileMode = Literal["none", "default", "reduce-overhead", "max-autotune"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Measure how fast this machine trains or generates; nothing is read but a bundle, and nothing written.

    Attributes:
        action: train (steps of a network on random latents) or generate (windows of both stages, without reading and
            writing video).
        preset: Sizes; weights are random.
        network: train: which generating network.
        batch: train: windows a step; default: the preset's.
        bundle: generate: the networks of this bundle instead of a preset's.
        streams: generate: windows drawn at once in the figure for many streams.
        steps: generate: solver steps; default: the preset's or bundle's.
        device: cpu, cuda (a graphics card), or auto (a card where there is one).
        compile: Mode of torch.compile; reduce-overhead replays CUDA graphs. It takes minutes to begin.
        seconds: How long each figure is measured.
        json: Print the answer as JSON.
    """

    action: Annotated[Positional[Literal["train", "generate"]], arg(metavar="train|generate")]
    preset: str = "compact"
    network: str = "face"
    batch: Annotated[int | None, arg(metavar="INT")] = None
    bundle: OptionalPath = None
    streams: int = 8
    steps: Annotated[int | None, arg(metavar="INT")] = None
    device: Device = "auto"
    compile: CompileMode = "none"
    seconds: float = 10.0
    json: bool = False

    def run(self, progress: Progress) -> Answer:  # noqa: ARG002 - a bar would be measured too
        """Measure."""
        for name in ("batch", "steps", "streams"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ContextalkError(f"--{name} {value}, wanted 1 or more")
        figures = self._train() if self.action == "train" else self._generate()
        return Answer(
            text=table(("what", "measured"), [(name, _said(value)) for name, value in figures.items()]), data=figures
        )

    @property
    def _mode(self) -> str | None:
        return None if self.compile == "none" else self.compile

    def _train(self) -> Mapping[str, float | str]:
        from contextalk.models.machine import choose_device, keep_memory
        from contextalk.training.bench import measure_training

        keep_memory()
        return measure_training(
            self.preset,
            self.network,
            device=choose_device(self.device),
            batch=self.batch,
            at_least_s=self.seconds,
            compile_mode=self._mode,
        )

    def _generate(self) -> Mapping[str, float | str]:
        from contextalk.diffusion.samplers import check_sampler
        from contextalk.generation.bench import measure_generation
        from contextalk.generation.stages import Drawing
        from contextalk.models.bundle import Bundle, BundleCard
        from contextalk.models.machine import choose_device, keep_memory
        from contextalk.presets import PRESETS

        keep_memory()
        device = choose_device(self.device)
        if self.preset not in PRESETS:
            raise ContextalkError(f"no preset {self.preset!r}, wanted one of {', '.join(PRESETS)}")
        if self.bundle is None:
            card = BundleCard(
                models=PRESETS[self.preset]().models, whom="nobody", persons=(), record={}, licence="none"
            )
            bundle = Bundle(card)
        else:
            bundle = Bundle.load(self.bundle)
        models = bundle.card.models
        drawing = Drawing(sampler=models.sampler, num_steps=self.steps or models.num_steps)
        check_sampler(models.process, drawing.sampler, drawing.num_steps)
        measured = measure_generation(
            bundle.to(device), drawing, streams=self.streams, at_least_s=self.seconds, compile_mode=self._mode
        )
        return {"networks": str(self.bundle or f"preset {self.preset}"), **measured}


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
