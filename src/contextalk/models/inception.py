"""The Inception network of the Fréchet Inception Distance: `pt_inception-2015-12-05`, names and shapes as published.

It is TensorFlow's graph of 2015, not the usual Inception v3: average pools do not count the padding, and the last
block pools by maximum (Heusel et al. 2017 measured with exactly this one).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

INPUT_PX = 299
NUM_FEATURES = 2048


class Inception(nn.Module):
    """Pictures → the 2048 features before the classifier, which is not built."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b = _BlockA(192, 32)
        self.Mixed_5c = _BlockA(256, 64)
        self.Mixed_5d = _BlockA(288, 64)
        self.Mixed_6a = _BlockB(288)
        self.Mixed_6b = _BlockC(768, 128)
        self.Mixed_6c = _BlockC(768, 160)
        self.Mixed_6d = _BlockC(768, 160)
        self.Mixed_6e = _BlockC(768, 192)
        self.Mixed_7a = _BlockD(768)
        self.Mixed_7b = _BlockE(1280, pool="average")
        self.Mixed_7c = _BlockE(2048, pool="maximum")

    def forward(self, pictures: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 2048"]:
        """Features of RGB pictures in 0 … 1 of any size; they are resampled to 299×299 bilinearly, without low-pass."""
        x = functional.interpolate(pictures, size=(INPUT_PX, INPUT_PX), mode="bilinear", align_corners=False)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(2 * x - 1)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(x, 3, stride=2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(functional.max_pool2d(x, 3, stride=2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return x.mean(dim=(2, 3))


class _Conv(nn.Module):
    def __init__(
        self,
        into: int,
        out: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


def _average(x: Tensor) -> Tensor:
    """3×3, the padding not counted."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _BlockA(nn.Module):
    def __init__(self, into: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(into, 64, 1)
        self.branch5x5_1 = _Conv(into, 48, 1)
        self.branch5x5_2 = _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Conv(into, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(into, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), wide, double, self.branch_pool(_average(x))], dim=1)


class _BlockB(nn.Module):
    def __init__(self, into: int) -> None:
        super().__init__()
        self.branch3x3 = _Conv(into, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Conv(into, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, functional.max_pool2d(x, 3, stride=2)], dim=1)


class _BlockC(nn.Module):
    def __init__(self, into: int, inner: int) -> None:
        super().__init__()
        across, down = (0, 3), (3, 0)
        self.branch1x1 = _Conv(into, 192, 1)
        self.branch7x7_1 = _Conv(into, inner, 1)
        self.branch7x7_2 = _Conv(inner, inner, (1, 7), padding=across)
        self.branch7x7_3 = _Conv(inner, 192, (7, 1), padding=down)
        self.branch7x7dbl_1 = _Conv(into, inner, 1)
        self.branch7x7dbl_2 = _Conv(inner, inner, (7, 1), padding=down)
        self.branch7x7dbl_3 = _Conv(inner, inner, (1, 7), padding=across)
        self.branch7x7dbl_4 = _Conv(inner, inner, (7, 1), padding=down)
        self.branch7x7dbl_5 = _Conv(inner, 192, (1, 7), padding=across)
        self.branch_pool = _Conv(into, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, self.branch_pool(_average(x))], dim=1)


class _BlockD(nn.Module):
    def __init__(self, into: int) -> None:
        super().__init__()
        self.branch3x3_1 = _Conv(into, 192, 1)
        self.branch3x3_2 = _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(into, 192, 1)
        self.branch7x7x3_2 = _Conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = _Conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), wide, functional.max_pool2d(x, 3, stride=2)], dim=1)


class _BlockE(nn.Module):
    def __init__(self, into: int, pool: str) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = _Conv(into, 320, 1)
        self.branch3x3_1 = _Conv(into, 384, 1)
        self.branch3x3_2a = _Conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = _Conv(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = _Conv(into, 448, 1)
        self.branch3x3dbl_2 = _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _Conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = _Conv(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = _Conv(into, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = _average(x) if self.pool == "average" else functional.max_pool2d(x, 3, stride=1, padding=1)
        parts = [
            self.branch1x1(x),
            self.branch3x3_2a(single),
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(pooled),
        ]
        return torch.cat(parts, dim=1)
