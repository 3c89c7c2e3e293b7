"""A heat map says where its point is, to a fraction of a cell."""

import torch

from contextalk.models.heat_maps import heat_maps


def test_the_point_is_the_centre_of_mass_of_its_map():
    points = torch.tensor([[[0.5, 0.25], [0.31, 0.63]]])
    maps = heat_maps(points)
    assert maps.shape == (1, 2, 16, 16)
    middles = (torch.arange(16) + 0.5) / 16
    across = (maps.sum(dim=2) * middles).sum(dim=-1) / maps.sum(dim=(2, 3))
    down = (maps.sum(dim=3) * middles).sum(dim=-1) / maps.sum(dim=(2, 3))
    # The sampled Gaussian of 0.75 cells is off by exp(-2 (π 0.75)²) of a cell: 1.5e-5 of 1/16.
    torch.testing.assert_close(torch.stack([across, down], dim=-1), points, atol=1e-5, rtol=0)


def test_a_point_in_the_middle_of_a_cell_is_one_there():
    maps = heat_maps(torch.tensor([[[(3 + 0.5) / 16, (7 + 0.5) / 16]]]))
    assert maps[0, 0, 7, 3] == 1.0
    assert maps.max() == 1.0


def test_a_point_far_outside_leaves_its_map_empty():
    assert heat_maps(torch.tensor([[[2.0, 0.5]]])).max() < 1e-30
