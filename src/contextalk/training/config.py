"""How networks are trained. Everything counts windows seen (8 frames each), so that nothing depends on the batch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long a network is trained.

    Attributes:
        windows: Windows seen at the end.
        batch: Windows a step.
        learning_rate: Adam's at the start.
    """

    windows: int
    batch: int
    learning_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How a whole run is trained.

    Attributes:
        learning_rate: Of the generating networks.
        learning_rate_decay: `none` (paper) or `cosine` to a hundredth.
        batch_windows: Windows a step; a step of first frames has as many frames, each a window of one.
        network_windows: Windows each generating network sees.
        landmark_share: Stage 1's windows over stage 2's: context is learnt last, so stage 1 gets more.
        ema_decay: Per step.
        codec, lips, reader, probe, context: Budgets of the small networks.
        sync, lip_reader: Budgets of the judges that evaluation asks; a window is five frames, or a sentence.
        judge_share: Share of the training clips that teach judges and are kept from all other networks, chosen by a
            hash of their keys. 0: none are; judges are then trained in a run of their own, on footage of their own.
        first_share: In a network that does both steps, the share of training steps spent on first frames.
        generated_first_share: How often a sequence starts from a generated first frame instead of a true one (paper,
            Sec. 4.4).
        carried_noise: Standard deviation of noise on the carried latent, against drift.
        condition_dropout: How often a modality is replaced by its null token.
        stranger_share: How often stage 1 learns from what it is told of strangers alone (departure, see
            `Lesson.condition`), where it is told of others at all.
        auxiliary_weight: Of the points regressed from the pooled condition (departure, see NetworkConfig).
        mouth_weight: Extra weight of latent cells at mouth and eyes (departure; 0: the paper's plain mean).
        checkpoint_every_s: Seconds between checkpoints.
        evaluate_every: Windows between held-out evaluations.
        seed: Root of all randomness.
    """

    learning_rate: float = 2e-4
    learning_rate_decay: Literal["none", "cosine"] = "none"
    batch_windows: int = 192
    network_windows: int = 192 * 150_000
    landmark_share: float = 1.0
    ema_decay: float = 0.9999
    codec: Budget = Budget(windows=5_000, batch=2, learning_rate=1e-3)
    lips: Budget = Budget(windows=16_000, batch=16, learning_rate=1e-3)
    reader: Budget = Budget(windows=8_000, batch=4, learning_rate=1e-3)
    probe: Budget = Budget(windows=12_000, batch=8, learning_rate=2e-3)
    context: Budget = Budget(windows=32_000, batch=16, learning_rate=2e-3)
    sync: Budget = Budget(windows=200_000, batch=64, learning_rate=1e-3)
    lip_reader: Budget = Budget(windows=24_000, batch=16, learning_rate=1e-3)
    judge_share: float = 0.0
    first_share: float = 0.25
    generated_first_share: float = 0.0
    carried_noise: float = 0.0
    condition_dropout: float = 0.0
    stranger_share: float = 0.0
    auxiliary_weight: float = 0.0
    mouth_weight: float = 0.0
    checkpoint_every_s: float = 120.0
    evaluate_every: int = 4_000
    seed: int = 0
