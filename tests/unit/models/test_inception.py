"""The Inception of the FID: the published layout, and the two things in which it is no usual Inception."""

import torch

from contextalk.models.inception import Inception

PUBLISHED = {
    "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
    "Conv2d_1a_3x3.bn.running_mean": (32,),
    "Conv2d_4a_3x3.conv.weight": (192, 80, 3, 3),
    "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
    "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
    "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
    "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
    "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
    "Mixed_6c.branch7x7dbl_2.conv.weight": (160, 160, 7, 1),
    "Mixed_6e.branch7x7dbl_5.conv.weight": (192, 192, 1, 7),
    "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
    "Mixed_7b.branch3x3_2a.conv.weight": (384, 384, 1, 3),
    "Mixed_7c.branch3x3dbl_1.conv.weight": (448, 2048, 1, 1),
    "Mixed_7c.branch_pool.bn.bias": (192,),
}
"""Some names and shapes in `pt_inception-2015-12-05-6726825d.pth`."""


def test_inception_has_the_published_layout() -> None:
    with torch.device("meta"):
        network = Inception()
    state = network.state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLISHED} == PUBLISHED
    # 94 convolutions, each with four tensors of its normalisation and its counter.
    assert len(state) == 94 * 6
    # The published count of Inception v3 without classifiers.
    assert sum(value.numel() for value in network.parameters()) == 21_785_568


def test_features_are_pooled_and_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    network = Inception().eval()
    for parameter in network.parameters():
        if parameter.dim() == 4:
            torch.nn.init.kaiming_normal_(parameter)  # so that pictures are told apart behind 48 layers
    pictures = torch.rand(2, 3, 256, 256) * torch.tensor([0.2, 1.0]).reshape(2, 1, 1, 1)
    with torch.no_grad():
        both, one = network(pictures), network(pictures[1:])
    assert both.shape == (2, 2048)
    # The same sums in batches of other sizes, against what tells the two pictures apart.
    apart = (both[0] - both[1]).norm()
    assert apart > 0.1 * both[1].norm()
    assert (both[1] - one[0]).norm() < 1e-4 * apart


def test_average_pools_leave_the_padding_out_and_the_last_block_takes_maxima() -> None:
    with torch.device("meta"):
        blocks = dict(Inception().named_children())
    pooled: dict[str, torch.Tensor] = {}
    for name in ("Mixed_5b", "Mixed_6b", "Mixed_7b", "Mixed_7c"):
        block = blocks[name].to_empty(device="cpu").eval()
        seen: list[torch.Tensor] = []
        block.branch_pool.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
        channels = block.branch1x1.conv.in_channels
        ramp = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, channels, 4, 4)
        with torch.no_grad():
            block(ramp)
        pooled[name] = seen[0][0, 0]
    for name in ("Mixed_5b", "Mixed_6b", "Mixed_7b"):
        assert pooled[name][0, 0] == (0 + 1 + 4 + 5) / 4  # four inside, five of padding not counted
    assert pooled["Mixed_7c"][0, 0] == 5
