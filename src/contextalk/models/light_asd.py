"""Light-ASD (Liao et al., "A Light Weight Model for Active Speaker Detection", CVPR 2023): does this face say this?

Our implementation of the published network, 1.02 M numbers, under its published names: what lies below `model.` and
`lossAV.` in its files. `lossV.`, which helped to train the eye, is left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contextalk.core.time import RATE_HZ

DIM = 128
FACE_PX = 112
CEPSTRA_PER_FRAME = 4
"""Of `media.mfcc.mfcc`, at 100 Hz."""

SLICES_S = (1, 2, 3, 4, 5, 6)
"""Its authors' own run on videos listens to slices of so many seconds each, and averages."""

_MEAN, _SPREAD = 0.4161, 0.1688
"""Of grey faces in [0, 1], as published."""


class LightAsd(nn.Module):
    """An eye, an ear, and a memory that goes through their sum both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.ModuleDict({"visualEncoder": _Eye(), "audioEncoder": _Ear(), "GRU": _Memory()})
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(DIM, 2)})

    def forward(self, faces: Float[Tensor, "b f 112 112"], cepstra: Float[Tensor, "b t 13"]) -> Float[Tensor, "b f"]:
        """Log odds that each face speaks.

        The mean over slices of `SLICES_S` from the start on. The authors' run encodes every slice for itself; here eye
        and ear look up to six frames across a slice's ends, and look once. It takes one of the two outputs for a score;
        the difference is what their training and their evaluation turn into a probability.

        Args:
            faces: Grey, 0 … 255, 25 Hz.
            cepstra: Four a frame.
        """
        seen = self.model["visualEncoder"](((faces / 255 - _MEAN) / _SPREAD)[:, None])
        heard = self.model["audioEncoder"](cepstra.transpose(1, 2)[:, None])
        return torch.stack([self._judge(seen + heard, seconds * RATE_HZ) for seconds in SLICES_S]).mean(dim=0)

    def _judge(self, both: Float[Tensor, "b f d"], frames: int) -> Float[Tensor, "b f"]:
        remembered = torch.cat([self.model["GRU"](part) for part in both.split(frames, dim=1)], dim=1)
        silent, speaks = self.lossAV["FC"](remembered).unbind(dim=-1)
        return speaks - silent


class _Eye(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block1 = _Split(nn.Conv3d, 1, 32, halve=True)
        self.block2 = _Split(nn.Conv3d, 32, 64)
        self.block3 = _Split(nn.Conv3d, 64, DIM)
        self.pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))

    def forward(self, faces: Float[Tensor, "b 1 f h w"]) -> Float[Tensor, "b f d"]:
        seen = self.block3(self.pool(self.block2(self.pool(self.block1(faces)))))
        return seen.amax(dim=(3, 4)).transpose(1, 2)


class _Ear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block1 = _Split(nn.Conv2d, 1, 32)
        self.block2 = _Split(nn.Conv2d, 32, 64)
        self.block3 = _Split(nn.Conv2d, 64, DIM)
        self.pool = nn.MaxPool2d((1, 3), stride=(1, 2), padding=(0, 1))

    def forward(self, cepstra: Float[Tensor, "b 1 13 t"]) -> Float[Tensor, "b f d"]:
        heard = self.block3(self.pool(self.block2(self.pool(self.block1(cepstra)))))
        return heard.mean(dim=2).transpose(1, 2)


class _Split(nn.Module):
    """Two ways, of reach 3 and 5, each across a picture (or the cepstra) and then along time; their sum is mixed.

    Pictures are (B, C, F, H, W), halved where wanted; cepstra are (B, C, 13, T).
    """

    def __init__(
        self, convolution: type[nn.Conv2d] | type[nn.Conv3d], into: int, out: int, *, halve: bool = False
    ) -> None:
        super().__init__()
        picture = convolution is nn.Conv3d
        norm = nn.BatchNorm3d if picture else nn.BatchNorm2d
        self._across = "s" if picture else "m"

        def add(name: str, channels: int, kernel: tuple[int, ...], stride: tuple[int, ...]) -> None:
            padding = tuple(reach // 2 for reach in kernel)
            layer = convolution(channels, out, kernel, stride=stride, padding=padding, bias=False)  # pyright: ignore[reportArgumentType]
            self.add_module(name, layer)
            self.add_module(f"bn_{name}", norm(out, eps=1e-3, momentum=0.01))

        still = (1,) * (3 if picture else 2)
        for reach in (3, 5):
            step = (1, 2, 2) if halve else still
            add(f"{self._across}_{reach}", into, (1, reach, reach) if picture else (reach, 1), step)
            add(f"t_{reach}", out, (reach, 1, 1) if picture else (1, reach), still)
        add("last", out, still, still)

    def forward(self, x: Tensor) -> Tensor:
        ways = [self._layer(f"t_{reach}", self._layer(f"{self._across}_{reach}", x)) for reach in (3, 5)]
        return self._layer("last", ways[0] + ways[1])

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return self.get_submodule(f"bn_{name}")(self.get_submodule(name)(x)).relu()


class _Memory(nn.Module):
    """One pass forward, and one back over what that remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(DIM, DIM, batch_first=True)
        self.gru_backward = nn.GRU(DIM, DIM, batch_first=True)

    def forward(self, both: Float[Tensor, "b f d"]) -> Float[Tensor, "b f d"]:
        onward = nn.functional.gelu(self.gru_forward(both)[0])
        return nn.functional.gelu(self.gru_backward(onward.flip(1))[0].flip(1))
