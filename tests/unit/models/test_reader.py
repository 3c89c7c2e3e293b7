import torch

from contextalk.models.reader import LandmarkReader, ReaderConfig


def test_points_lie_where_the_heat_is() -> None:
    reader = LandmarkReader(ReaderConfig(channels=8, blocks=1)).eval()
    with torch.no_grad():
        for parameter in (*reader.heat.parameters(), *reader.enter.parameters()):
            parameter.zero_()
    points = reader(torch.randn(1, 2, 16, 16, 16))
    assert points.shape == (1, 2, 70, 2)
    # Even heat has its centre of mass in the middle of the crop; float32 sums of 1024 shares.
    torch.testing.assert_close(points, torch.full_like(points, 128.0), atol=1e-3, rtol=0)


def test_frames_are_read_apart() -> None:
    torch.manual_seed(0)
    reader = LandmarkReader(ReaderConfig(channels=8, blocks=1)).eval()
    latents = torch.randn(2, 3, 16, 16, 16)
    together = reader(latents)
    alone = torch.stack([reader(latents[:, frame : frame + 1])[:, 0] for frame in range(3)], dim=1)
    # The same arithmetic in batches of other sizes: float32 rounding of numbers up to 256.
    torch.testing.assert_close(together, alone, atol=1e-3, rtol=0)
    assert (together[:, 0] - together[:, 1]).abs().max() > 1
