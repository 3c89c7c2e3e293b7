"""The small sync judge of a run, and what it makes of whole clips."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from contextalk.core.errors import ContextalkError
from contextalk.core.runs import WEIGHTS
from contextalk.core.time import RATE_HZ, SAMPLE_RATE_HZ
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.syncnet import SYNC_FRAMES, SyncJudge, SyncJudgeConfig

_SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // RATE_HZ
_BATCH = 16


def judge_path(run: Path) -> Path:
    """Where the judge of a run lies."""
    return run / "sync" / WEIGHTS


def open_judge(run: Path) -> SyncJudge | None:
    """The judge of a run of `contextalk train sync`; None where the run has none.

    Raises:
        ContextalkError: Its weights are of another shape.
    """
    path = judge_path(run)
    if not path.is_file():
        return None
    judge = SyncJudge(SyncJudgeConfig())
    try:
        judge.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise ContextalkError(f"{path} is no sync judge of this contextalk: {str(error).splitlines()[0]}") from error
    return judge.eval()


def judge_embeddings(network: SyncJudge, views: NDArray[np.uint8], wave: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """(W, D) unit vectors of mouths and of sound for every five frames of a clip.

    Args:
        network: In evaluation mode.
        views: (F, 48, 48) at 25 Hz.
        wave: (S,) 16 kHz.
    """
    windows = min(len(views), len(wave) // _SAMPLES_PER_FRAME) - SYNC_FRAMES + 1
    pixels = torch.from_numpy(views)
    mel = torch.from_numpy(mel_chunks(mel_spectrogram(wave), len(views)))

    def lips(at: int) -> Tensor:
        return pixels[at : at + SYNC_FRAMES].float()

    def sound(at: int) -> Tensor:
        return mel[at + SYNC_FRAMES // 2]

    return embed_windows(network.look, lips, windows), embed_windows(network.listen, sound, windows)


def embed_windows(embed: Callable[[Tensor], Tensor], cut: Callable[[int], Tensor], windows: int) -> Tensor:
    """(W, D); an empty (0, 1) tensor where no window fits."""
    if windows < 1:
        return torch.zeros(0, 1)
    with torch.no_grad():
        parts = [
            embed(torch.stack([cut(at) for at in range(start, min(start + _BATCH, windows))])).float()
            for start in range(0, windows, _BATCH)
        ]
    return torch.cat(parts)
