"""The generator of Wav2Lip: a face and 0.2 s of sound → that face saying it.

After Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild", 2020. Ours by its
published layout: names and shapes of tensors are those of the published files (`models/weights.py`).
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from contextalk.models.machine import device_of, move
from contextalk.models.pictures import Frames, inference

FACE_PX = 96

CHUNK_LEAD_S = 0.04
"""Wav2Lip learnt with chunks that begin a frame of 25 Hz before theirs; ours (`media.mel`) begin two before."""

_FRAMES_AT_ONCE = 16


class Wav2Lip(nn.Module):
    """A U-Net over the face whose bottom is the sound: what is decoded is shown the encoded face at every scale."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = nn.ModuleList(
            [
                nn.Sequential(_Convolution(6, 16, 7, padding=3)),
                _shrunk(16, 32, still=2),
                _shrunk(32, 64, still=3),
                _shrunk(64, 128, still=2),
                _shrunk(128, 256, still=2),
                _shrunk(256, 512, still=1),
                nn.Sequential(_Convolution(512, 512, 3), _Convolution(512, 512, 1)),
            ]
        )
        self.audio_encoder = nn.Sequential(
            _Convolution(1, 32, 3, padding=1),
            *_still(32, 2),
            _Convolution(32, 64, 3, stride=(3, 1), padding=1),
            *_still(64, 2),
            _Convolution(64, 128, 3, stride=(3, 3), padding=1),
            *_still(128, 2),
            _Convolution(128, 256, 3, stride=(3, 2), padding=1),
            *_still(256, 1),
            _Convolution(256, 512, 3),
            _Convolution(512, 512, 1),
        )
        self.face_decoder_blocks = nn.ModuleList(
            [
                nn.Sequential(_Convolution(512, 512, 1)),
                nn.Sequential(_Transposed(1024, 512, stride=1, padding=0), *_still(512, 1)),
                *(
                    nn.Sequential(_Transposed(seen, made, stride=2, padding=1), *_still(made, 2))
                    for seen, made in ((1024, 512), (768, 384), (512, 256), (320, 128), (160, 64))
                ),
            ]
        )
        self.output_block = nn.Sequential(_Convolution(80, 32, 3, padding=1), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, faces: Float[Tensor, "b 6 96 96"], mel: Float[Tensor, "b 1 80 16"]) -> Float[Tensor, "b 3 96 96"]:
        """Draw faces.

        Args:
            faces: In 0 … 1, channels blue, green, red: the face whose pose is wanted, its lower half 0, and after it
                another of the person, whole.
            mel: In −4 … 4.

        Returns:
            The first face whole, speaking; in 0 … 1, channels blue, green, red.
        """
        seen: list[Tensor] = []
        x = faces
        for block in self.face_encoder_blocks:
            x = block(x)
            seen.append(x)
        x = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            x = torch.cat([block(x), seen.pop()], dim=1)
        return self.output_block(x)

    def speak(self, face: Frames, mel: NDArray[np.float32]) -> Frames:
        """One face, saying each chunk: it is both the face that lends its pose and the one seen whole.

        Args:
            face: (96, 96, 3) uint8 RGB.
            mel: (F, 80, 16) of `media.mel.mel_chunks` with `CHUNK_LEAD_S`.

        Returns:
            (F, 96, 96, 3) uint8 RGB.
        """
        device = device_of(self)
        whole = move(torch.from_numpy(np.ascontiguousarray(face[..., ::-1])), device).permute(2, 0, 1).float() / 255
        half = whole.clone()
        half[:, FACE_PX // 2 :] = 0
        shown, heard = torch.cat([half, whole])[None], move(torch.from_numpy(mel), device).float()[:, None]
        with inference(device):
            drawn = torch.cat(
                [self(shown.expand(len(part), -1, -1, -1), part) for part in heard.split(_FRAMES_AT_ONCE)]
            )
        return (255 * drawn.float().flip(1)).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


class _Convolution(nn.Module):
    """Convolution, normalisation and ReLU; `still` ones add what they were given before that."""

    def __init__(
        self,
        into: int,
        out: int,
        kernel: int,
        *,
        stride: int | tuple[int, int] = 1,
        padding: int = 0,
        still: bool = False,
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(into, out, kernel, stride=stride, padding=padding), nn.BatchNorm2d(out)
        )
        self.still = still

    def forward(self, x: Tensor) -> Tensor:
        made = self.conv_block(x)
        return torch.relu(made + x if self.still else made)


class _Transposed(nn.Module):
    """Transposed convolution, normalisation and ReLU; of stride 2 it doubles the side."""

    def __init__(self, into: int, out: int, *, stride: int, padding: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(into, out, 3, stride=stride, padding=padding, output_padding=stride - 1),
            nn.BatchNorm2d(out),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv_block(x))


def _still(channels: int, count: int) -> list[nn.Module]:
    return [_Convolution(channels, channels, 3, padding=1, still=True) for _ in range(count)]


def _shrunk(into: int, out: int, *, still: int) -> nn.Sequential:
    """To half the side."""
    return nn.Sequential(_Convolution(into, out, 3, stride=2, padding=1), *_still(out, still))
