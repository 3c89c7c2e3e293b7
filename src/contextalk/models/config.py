"""The configuration of a whole set of models: what a bundle stores and a preset chooses."""

from dataclasses import dataclass
from typing import Literal

from contextalk.diffusion.process import Process
from contextalk.diffusion.samplers import SamplerName
from contextalk.models.codec import CodecConfig
from contextalk.models.lips import LipsConfig
from contextalk.models.mvcontrolnet import NetworkConfig
from contextalk.models.reader import ReaderConfig

FaceHint = Literal["drawing", "masked", "identity", "bent"]

Stage = Literal["landmark", "face"]

Step = Literal["first", "sequence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsConfig:
    """All networks and how they fit together.

    Attributes:
        codec, reader, lips: Their shapes.
        process: What the generating networks predict.
        networks: Shape of each network by name: `landmark_first`, `landmark_sequence`, `face_first`, `face_sequence`
            (paper), or `landmark` and `face`, one network for both steps of a stage
            (departure); `one_stage` (ablation).
        face_hints: c_v of stage 2. The paper: the drawing alone. Departures: the masked head crop, so that shoulders
            and the wall behind are known; the identity picture as a hint besides its tokens; the identity bent to the
            landmarks and laid into the masked crop (`faces/warp.py`).
        landmark_residual: Departure: stage 1 generates what a guess lacks, in units of this many latent standard
            deviations, and the result is added to it. The guess is the face that c_l alone regresses, drawn; it is
            also a second hint. 0: the drawing itself (paper).
        face_residual: Departure: the same in stage 2, with the bent identity for a guess. 0: the head itself (paper).
        draws_pupils: Departure: drawings show the pupils.
        sampler, num_steps: How a bundle of these models draws unless told otherwise.
        noise_scale: Departure: standard deviation of the noise that sampling starts from. Below 1 samples lie nearer to
            the mean of what may be: less speckle, less variety. 1: the process as it is (paper).
    """

    codec: CodecConfig
    reader: ReaderConfig
    lips: LipsConfig
    process: Process
    networks: dict[str, NetworkConfig]
    face_hints: tuple[FaceHint, ...] = ("drawing",)
    landmark_residual: float = 0.0
    face_residual: float = 0.0
    draws_pupils: bool = False
    sampler: SamplerName = "ddpm"
    num_steps: int = 1000
    noise_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("landmark_residual", "face_residual"):
            if getattr(self, name) < 0:
                raise ValueError(f"models.{name} is {getattr(self, name)}, wanted 0 or more")
        if not 0 < self.noise_scale <= 1:
            raise ValueError(f"models.noise_scale is {self.noise_scale}, wanted 0 < scale ≤ 1")
        if self.face_residual and "bent" not in self.face_hints:
            raise ValueError("models.face_residual wants bent among models.face_hints: it is what the rest is added to")
        if self.landmark_residual and not self.networks[self.network_name("landmark", "first")].predict_points:
            raise ValueError("models.landmark_residual wants predict_points of stage 1: the guess is drawn from them")

    def network_name(self, stage: Stage, step: Step) -> str:
        """Which network of `networks` does this step.

        Raises:
            ValueError: None does.
        """
        names = (f"{stage}_{step}", stage)
        for name in names:
            if name in self.networks:
                return name
        raise ValueError(f"no network {' or '.join(names)}, there are {', '.join(self.networks) or 'none'}")
