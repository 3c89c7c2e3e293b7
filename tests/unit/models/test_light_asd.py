"""Light-ASD: the published layout, its slices, and what it is shown."""

import itertools

import torch

from contextalk.models.light_asd import SLICES_S, LightAsd


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes in `finetuning_TalkSet.model`, but for `lossV.` and counters of batch normalisation."""
    layout: dict[str, tuple[int, ...]] = {}
    widths = (1, 32, 64, 128)
    for block, (into, out) in enumerate(itertools.pairwise(widths), 1):
        eye, ear = f"model.visualEncoder.block{block}", f"model.audioEncoder.block{block}"
        for reach in (3, 5):
            layout[f"{eye}.s_{reach}.weight"] = (out, into, 1, reach, reach)
            layout[f"{eye}.t_{reach}.weight"] = (out, out, reach, 1, 1)
            layout[f"{ear}.m_{reach}.weight"] = (out, into, reach, 1)
            layout[f"{ear}.t_{reach}.weight"] = (out, out, 1, reach)
        layout[f"{eye}.last.weight"], layout[f"{ear}.last.weight"] = (out, out, 1, 1, 1), (out, out, 1, 1)
        for half, across in ((eye, "s"), (ear, "m")):
            for layer in (f"{across}_3", "t_3", f"{across}_5", "t_5", "last"):
                layout |= {f"{half}.bn_{layer}.{kind}": (out,) for kind in ("weight", "bias")}
                layout |= {f"{half}.bn_{layer}.running_{kind}": (out,) for kind in ("mean", "var")}
    for way in ("gru_forward", "gru_backward"):
        layout |= {f"model.GRU.{way}.weight_{kind}_l0": (384, 128) for kind in ("ih", "hh")}
        layout |= {f"model.GRU.{way}.bias_{kind}_l0": (384,) for kind in ("ih", "hh")}
    return layout | {"lossAV.FC.weight": (2, 128), "lossAV.FC.bias": (2,)}


def test_the_layout_is_the_published_one() -> None:
    with torch.device("meta"):
        network = LightAsd()
    state = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert {name: shape for name, shape in state.items() if not name.endswith("num_batches_tracked")} == published()
    # 1.02 M in its paper; the batch normalisation's are those of the published file.
    assert sum(value.numel() for value in network.parameters()) == 1_021_378
    assert {norm.eps for norm in network.modules() if hasattr(norm, "running_var")} == {1e-3}


def judged(network: LightAsd, frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log odds of noise, and what eye and ear made of it together."""
    generator = torch.Generator().manual_seed(0)
    faces = torch.rand(1, frames, 112, 112, generator=generator) * 255
    cepstra = torch.randn(1, 4 * frames, 13, generator=generator)
    with torch.no_grad():
        seen = network.model["visualEncoder"](((faces / 255 - 0.4161) / 0.1688)[:, None])
        heard = network.model["audioEncoder"](cepstra.transpose(1, 2)[:, None])
        return network(faces, cepstra), seen, heard


def plain(network: LightAsd, both: torch.Tensor) -> torch.Tensor:
    """One slice."""
    with torch.no_grad():
        odds = network.lossAV["FC"](network.model["GRU"](both))
    return odds[..., 1] - odds[..., 0]


def test_a_second_is_one_slice_and_more_are_averaged() -> None:
    torch.manual_seed(0)
    network = LightAsd().eval()
    odds, seen, heard = judged(network, 25)
    # Means of six equal numbers, in float32.
    torch.testing.assert_close(odds, plain(network, seen + heard), rtol=0, atol=1e-6)
    odds, seen, heard = judged(network, 60)
    slices = [[plain(network, part) for part in (seen + heard).split(25 * length, dim=1)] for length in SLICES_S]
    wanted = torch.stack([torch.cat(parts, dim=1) for parts in slices])
    torch.testing.assert_close(odds, wanted.mean(dim=0), rtol=0, atol=1e-6)
    assert (wanted[0] - wanted[2]).abs().max() > 1e-4  # slices do differ


def test_any_number_of_frames_has_as_many_odds() -> None:
    network = LightAsd().eval()
    for frames in (1, 2, 13, 38):
        odds, seen, heard = judged(network, frames)
        assert odds.shape == (1, frames)
        assert seen.shape == heard.shape == (1, frames, 128)
