"""Networks trained for comparison alone: no bundle has them, `evaluation/baselines` draws with them."""

from dataclasses import replace

from contextalk.models.config import ModelsConfig
from contextalk.models.mvcontrolnet import NetworkConfig

NETWORK_FILE = "network.json"
"""The shape of an ablation's network, beside its weights."""

ONE_STAGE_BUDGET = 200_000 / 150_000
"""Windows of the one-stage ablation over those of other networks (paper, Table 4 against Table 3)."""


def ablation_networks(models: ModelsConfig) -> dict[str, NetworkConfig]:
    """Stage 2's network told other things.

    * `one_stage`: heads from scene view, audio and lips without landmarks (paper, Sec. 5.5).
    * `framewise`: heads from scene view and drawing, each frame a window of its own: what the paper's ControlNet
      baseline sees, drawn by our network. With F = 1 the temporal layers mix nothing.
    * `expression`: stage 2 told the expression besides (paper, Sec. 5.5), both steps in one network.
    """
    face = models.networks[models.network_name("face", "sequence")]
    plain = replace(face, predict_points=False)
    return {
        "one_stage": replace(plain, modalities=("audio", "lips", "identity"), num_hints=1),
        "framewise": replace(plain, modalities=("identity",), num_hints=2),
        "expression": replace(plain, modalities=(*plain.modalities, "expression")),
    }
