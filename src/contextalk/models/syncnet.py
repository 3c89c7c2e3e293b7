"""Sync judges: do these lips belong to this sound? The published SyncNet, and a small one trained on our own clips."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

SYNC_FRAMES = 5
"""Frames (0.2 s at 25 Hz) that are judged together, by both networks."""

MFCC_STEPS = 20
"""The sound of five frames at 100 Hz."""


class SyncNet(nn.Module):
    """The network of `syncnet_v2` (Chung & Zisserman, "Out of time", 2016), weights and names as published."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_heard(1, 64, 3, padding=1),
            nn.MaxPool2d(1),
            *_heard(64, 192, 3, padding=1),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_heard(192, 384, 3, padding=1),
            *_heard(384, 256, 3, padding=1),
            *_heard(256, 256, 3, padding=1),
            nn.MaxPool2d(3, stride=2),
            *_heard(256, 512, (5, 4)),
        )
        self.netfcaud = _embedding()
        self.netfclip = _embedding()
        self.netcnnlip = nn.Sequential(
            *_seen(3, 96, (5, 7, 7), stride=(1, 2, 2)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_seen(96, 256, (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            *_seen(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_seen(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_seen(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_seen(256, 512, (1, 6, 6)),
        )

    def look(self, frames: Float[Tensor, "b 3 5 224 224"]) -> Float[Tensor, "b 1024"]:
        """Embeddings of five face squares, channels blue, green, red in 0 … 255."""
        return self.netfclip(self.netcnnlip(frames).flatten(1))

    def listen(self, cepstra: Float[Tensor, "b 1 13 20"]) -> Float[Tensor, "b 1024"]:
        """Embeddings of 0.2 s of `media.mfcc.mfcc`, cepstra as rows."""
        return self.netfcaud(self.netcnnaud(cepstra).flatten(1))


def _heard(into: int, out: int, kernel: int | tuple[int, int], padding: int = 0) -> tuple[nn.Module, ...]:
    return nn.Conv2d(into, out, kernel, padding=padding), nn.BatchNorm2d(out), nn.ReLU()


def _seen(
    into: int,
    out: int,
    kernel: tuple[int, int, int],
    stride: tuple[int, int, int] = (1, 1, 1),
    padding: tuple[int, int, int] = (0, 0, 0),
) -> tuple[nn.Module, ...]:
    return nn.Conv3d(into, out, kernel, stride=stride, padding=padding), nn.BatchNorm3d(out), nn.ReLU()


def _embedding() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJudgeConfig:
    """Shape of the small judge.

    Attributes:
        channels: Width; the four convolutions that look have 1, 2, 3 and 4 times as many.
        dim: Length of an embedding.
    """

    channels: int = 32
    dim: int = 128


class SyncJudge(nn.Module):
    """A small SyncNet: five grey mouths and 16 mel steps, each to a unit vector; the nearer, the better in time.

    A judge and nothing else: no generating network is ever trained with it.
    """

    def __init__(self, config: SyncJudgeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.eye = nn.Sequential(
            *_halved(SYNC_FRAMES, width, 5),
            *_halved(width, 2 * width, 3),
            *_halved(2 * width, 3 * width, 3),
            *_halved(3 * width, 4 * width, 3),
            nn.Flatten(),
            nn.Linear(4 * width * 9, config.dim),
        )
        self.ear = nn.Sequential(
            nn.Conv1d(80, 3 * width, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(3 * width, 3 * width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv1d(3 * width, 3 * width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(4 * 3 * width, config.dim),
        )
        self.log_sharpness = nn.Parameter(torch.tensor(2.0))

    def look(self, views: Float[Tensor, "b 5 48 48"]) -> Float[Tensor, "b d"]:
        """Unit vectors of `faces.mouth_views.mouth_views`, 0 … 255; a window's own mean and contrast are taken out."""
        mean = views.mean(dim=(1, 2, 3), keepdim=True)
        spread = views.std(dim=(1, 2, 3), keepdim=True).clamp(min=1.0)
        return functional.normalize(self.eye((views - mean) / spread).float(), dim=-1)

    def listen(self, mel: Float[Tensor, "b 80 16"]) -> Float[Tensor, "b d"]:
        """Unit vectors of `media.mel.mel_chunks` around the middle one of the five frames."""
        return functional.normalize(self.ear(mel / 4).float(), dim=-1)


def _halved(into: int, out: int, kernel: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(into, out, kernel, stride=2, padding=kernel // 2), nn.GroupNorm(4, out), nn.SiLU()
