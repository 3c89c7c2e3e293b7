"""Complete configurations as functions."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from contextalk.diffusion.process import Process
from contextalk.models.codec import CodecConfig
from contextalk.models.config import FaceHint, ModelsConfig
from contextalk.models.lips import LipsConfig
from contextalk.models.mvcontrolnet import NetworkConfig
from contextalk.models.reader import ReaderConfig
from contextalk.training.config import Budget, TrainConfig

_FACE_HINTS: tuple[FaceHint, ...] = ("drawing", "bent")
_LANDMARK_RESIDUAL, _FACE_RESIDUAL = 0.7, 0.7
"""About the standard deviation of what the guesses of both stages lack where the head is (docs/log.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Everything `train` needs to know.

    Attributes:
        models: What is built.
        training: How it is trained.
    """

    models: ModelsConfig
    training: TrainConfig


def paper() -> Preset:
    """Table 3 to the letter; what the paper leaves open is in docs/paper_map.md."""
    models = ModelsConfig(
        codec=CodecConfig(),
        reader=ReaderConfig(),
        lips=LipsConfig(),
        process=Process(prediction="epsilon"),
        networks={
            "landmark_first": NetworkConfig(modalities=("audio", "identity")),
            "landmark_sequence": NetworkConfig(modalities=("audio",)),
            "face_first": NetworkConfig(modalities=("lips", "identity")),
            "face_sequence": NetworkConfig(modalities=("lips", "identity")),
        },
    )
    training = TrainConfig(
        learning_rate=2e-4,
        learning_rate_decay="none",
        batch_windows=192,
        ema_decay=0.9999,
        codec=Budget(windows=2_000_000, batch=32, learning_rate=1e-4),
        network_windows=192 * 150_000,
        generated_first_share=1.0,
    )
    return Preset(models=models, training=training)


def quality() -> Preset:
    """The paper's networks with every departure that helped; for a graphics card."""
    base = paper()
    network = NetworkConfig(
        modalities=(), per_frame_time=True, pooled_condition=True, predict_points=True, downsample_last=False
    )
    return replace(
        base,
        models=replace(
            base.models,
            process=Process(prediction="flow"),
            networks=_two_networks(network),
            face_hints=_FACE_HINTS,
            landmark_residual=_LANDMARK_RESIDUAL,
            face_residual=_FACE_RESIDUAL,
            draws_pupils=True,
            sampler="dpm",
            num_steps=20,
        ),
        training=replace(
            base.training,
            learning_rate_decay="cosine",
            network_windows=4_000_000,
            generated_first_share=0.0,
            stranger_share=0.4,
            auxiliary_weight=0.1,
        ),
    )


def compact() -> Preset:
    """The embedded default: the same classes, small enough for minutes on two CPU cores."""
    network = NetworkConfig(
        modalities=(),
        base_channels=32,
        head_dim=32,
        blocks=1,
        attention_scales=(2, 3),
        downsample_last=False,
        dropout=0.0,
        per_frame_time=True,
        pooled_condition=True,
        predict_points=True,
    )
    models = ModelsConfig(
        codec=CodecConfig(kind="compact", channels=(48, 96, 192), blocks=1, latent_noise=0.1),
        reader=ReaderConfig(),
        lips=LipsConfig(),
        process=Process(prediction="flow"),
        networks=_two_networks(network),
        face_hints=_FACE_HINTS,
        landmark_residual=_LANDMARK_RESIDUAL,
        face_residual=_FACE_RESIDUAL,
        draws_pupils=True,
        sampler="dpm",
        num_steps=4,
        noise_scale=0.6,
    )
    training = TrainConfig(
        learning_rate=1e-3,
        learning_rate_decay="cosine",
        batch_windows=8,
        ema_decay=0.999,
        codec=Budget(windows=7_000, batch=4, learning_rate=2e-3),
        network_windows=40_000,
        carried_noise=0.05,
        condition_dropout=0.05,
        stranger_share=0.4,
        auxiliary_weight=0.1,
        mouth_weight=2.0,
    )
    return Preset(models=models, training=training)


def debug() -> Preset:
    """Seconds: the paper's structure, tiny; proves the chain, not the picture."""
    base = compact()
    paper_models = paper().models
    tiny = {
        name: replace(config, base_channels=8, head_dim=8, condition_dim=16, time_dim=16, blocks=1)
        for name, config in paper_models.networks.items()
    }
    models = replace(
        paper_models,
        codec=CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1),
        reader=ReaderConfig(channels=16, blocks=1),
        lips=LipsConfig(channels=16),
        networks=tiny,
        sampler="ddim",
        num_steps=2,
    )
    training = replace(
        base.training,
        batch_windows=2,
        learning_rate=2e-4,
        codec=Budget(windows=4, batch=1, learning_rate=1e-3),
        lips=Budget(windows=4, batch=2, learning_rate=1e-3),
        reader=Budget(windows=4, batch=2, learning_rate=1e-3),
        probe=Budget(windows=8, batch=4, learning_rate=1e-3),
        context=Budget(windows=8, batch=4, learning_rate=1e-3),
        sync=Budget(windows=8, batch=4, learning_rate=1e-3),
        lip_reader=Budget(windows=4, batch=2, learning_rate=1e-3),
        network_windows=6,
        generated_first_share=0.5,
        checkpoint_every_s=5.0,
    )
    return Preset(models=models, training=training)


def _two_networks(network: NetworkConfig) -> dict[str, NetworkConfig]:
    """One network a stage, told all that DESIGN lists for it; stage 1 also reads the scene view as tokens."""
    return {
        "landmark": replace(
            network,
            modalities=("audio", "identity", "place", "scene", "others"),
            num_hints=2,
            hints_in_video_branch=True,
        ),
        # Stage 2's c_l does not know the pose: points regressed from it would be noise in the gradient.
        "face": replace(
            network,
            modalities=("lips", "identity"),
            num_hints=len(_FACE_HINTS),
            predict_points=False,
            hints_in_video_branch=True,
        ),
    }


PRESETS: dict[str, Callable[[], Preset]] = {"paper": paper, "quality": quality, "compact": compact, "debug": debug}
