"""LPIPS on AlexNet (Zhang et al. 2018, version 0.1), names and shapes as the two published files have them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_CHANNELS = (64, 192, 384, 256, 256)
_RELU_AT = (1, 4, 7, 9, 11)
"""Layers of `features` after which is compared."""

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
"""ImageNet's mean and deviation, for pixels in [−1, 1]."""


class Lpips(nn.Module):
    """How unlike two pictures look; `features` is AlexNet's, `lin0` … `lin4` are learnt from human judgements."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth, fifth = _CHANNELS
        self.features = nn.Sequential(
            nn.Conv2d(3, first, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(first, second, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(second, third, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(third, fourth, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(fourth, fifth, 3, padding=1),
            nn.ReLU(),
        )
        self.lin0, self.lin1, self.lin2, self.lin3, self.lin4 = (_Weighing(channels) for channels in _CHANNELS)

    def forward(self, first: Float[Tensor, "n 3 h w"], second: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n"]:
        """Distance of pictures in [−1, 1], 0 for equal ones."""
        weighings = (self.lin0, self.lin1, self.lin2, self.lin3, self.lin4)
        pairs = zip(weighings, self._levels(first), self._levels(second), strict=True)
        return torch.stack([weigh((one - other) ** 2).mean(dim=(1, 2, 3)) for weigh, one, other in pairs]).sum(dim=0)

    def _levels(self, pixels: Tensor) -> list[Tensor]:
        x = (pixels - pixels.new_tensor(_SHIFT).reshape(1, 3, 1, 1)) / pixels.new_tensor(_SCALE).reshape(1, 3, 1, 1)
        levels = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in _RELU_AT:
                levels.append(functional.normalize(x, dim=1, eps=1e-10))
        return levels


class _Weighing(nn.Module):
    """A weight per channel; the dropout before it, which acts in training alone, is why its name is `model.1`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, difference: Tensor) -> Tensor:
        return self.model(difference)
