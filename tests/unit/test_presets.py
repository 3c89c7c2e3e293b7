"""Presets: Table 3 row by row, and how large the networks are."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from contextalk.core.config import from_dict, to_dict
from contextalk.core.geometry import CROP_PX, LATENT_CELLS
from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ, WINDOW_FRAMES
from contextalk.diffusion.process import NUM_STEPS
from contextalk.models.codec import latent_shape
from contextalk.models.conditions import Condition
from contextalk.models.mvcontrolnet import MVControlNet, NetworkConfig
from contextalk.presets import PRESETS, Preset, paper
from contextalk.training.ablations import ablation_networks

DEPARTURES = ("per_frame_time", "pooled_condition", "predict_points")


def test_paper_is_table_3() -> None:
    preset = paper()
    for network in preset.models.networks.values():
        assert network.base_channels == 128
        assert network.multipliers == (1, 2, 4)
        assert network.blocks == 2
        assert network.downsample_last  # "Downsample scale 1,2,3"
        assert network.attention_scales == (1, 2, 3)
        assert (network.condition_dim, network.head_dim, network.time_dim) == (128, 64, 128)
        assert network.dropout == 0.1
        assert not any(getattr(network, name) for name in DEPARTURES)
    assert CROP_PX / LATENT_CELLS == 16
    assert latent_shape(1, WINDOW_FRAMES)[1:] == (8, 16, 16, 16)
    assert NUM_STEPS == preset.models.num_steps == 1000
    assert (preset.models.process.prediction, preset.models.sampler) == ("epsilon", "ddpm")
    assert (RATE_HZ, SAMPLE_RATE_HZ) == (25, 16_000)
    training = preset.training
    assert (training.learning_rate, training.learning_rate_decay) == (2e-4, "none")
    assert training.batch_windows == 192
    assert training.network_windows == 192 * 150_000
    assert training.ema_decay == 0.9999


def test_paper_has_the_four_networks_of_figure_2() -> None:
    models = paper().models
    assert {name: set(network.modalities) for name, network in models.networks.items()} == {
        "landmark_first": {"audio", "identity"},
        "landmark_sequence": {"audio"},
        "face_first": {"lips", "identity"},
        "face_sequence": {"lips", "identity"},
    }
    assert models.face_hints == ("drawing",)
    assert not models.draws_pupils
    training = paper().training
    assert training.generated_first_share == 1.0
    assert (training.carried_noise, training.condition_dropout, training.mouth_weight, training.auxiliary_weight) == (
        *(0.0, 0.0),
        *(0.0, 0.0),
    )


def count(config: NetworkConfig) -> tuple[float, float, float]:
    """Millions of parameters of the video and of the control branch, GFLOP of a call on 8×16×16×16."""
    with torch.device("meta"):
        network = MVControlNet(config).eval()
        x = torch.zeros(1, 8, 16, 16, 16)
        condition = Condition(
            hints=(x,) * config.num_hints,
            audio=torch.zeros(1, 8, 80, 16),
            lips=torch.zeros(1, 8, 1, 16, 16),
            identity=x[:, 0],
            place=torch.zeros(1, 8, 3),
        )
        with FlopCounterMode(display=False) as counter:
            network(x, torch.zeros(1), condition, first_is_clean=False)
    control = sum(parameter.numel() for parameter in network.control.parameters())
    everything = sum(parameter.numel() for parameter in network.parameters())
    return (everything - control) / 1e6, control / 1e6, counter.get_total_flops() / 1e9


# A change of a network's size changes docs/performance.md too.
SIZES = {
    ("paper", "landmark_first"): (101.9, 42.4, 63.9),
    ("paper", "face_sequence"): (101.8, 42.4, 63.9),
    ("quality", "face"): (86.8, 40.0, 70.8),
    ("compact", "landmark"): (5.1, 1.4, 3.0),
    ("compact", "face"): (4.5, 1.4, 2.7),
}


@pytest.mark.parametrize(("preset", "name"), SIZES)
def test_sizes_are_those_in_the_documents(preset: str, name: str) -> None:
    seen = count(PRESETS[preset]().models.networks[name])
    # The documents round to one decimal.
    assert seen == pytest.approx(SIZES[preset, name], abs=0.06)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str) -> None:
    preset = PRESETS[name]()
    assert from_dict(Preset, to_dict(preset)) == preset


@pytest.mark.parametrize("name", PRESETS)
def test_expression_is_off_but_in_its_ablation(name: str) -> None:
    models = PRESETS[name]().models
    assert not any("expression" in network.modalities for network in models.networks.values())
    told = {name for name, network in ablation_networks(models).items() if "expression" in network.modalities}
    assert told == {"expression"}
