"""References of training clips by Wav2Lip: on whose face, of which sound, drawn once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.unit.training.test_denoising import clip

from contextalk.core.time import WINDOW_FRAMES
from contextalk.dataset.clips import read_clips
from contextalk.dataset.prepare import prepare
from contextalk.generation.lip_references import lip_lead_s
from contextalk.media.mel import mel_chunks, mel_spectrogram
from contextalk.models.wav2lip import Wav2Lip
from contextalk.training import lip_references
from contextalk.training.latents import LatentClip
from contextalk.training.lip_references import DrawnLips, cached_references
from contextalk.training.windows import WindowSet
from talk_kit import LEFT, RIGHT, write_talk

FRAMES = {"long": 40, "short": 30}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talks")
    for number, (name, side) in enumerate((("long", LEFT), ("short", RIGHT))):
        write_talk(folder / "footage" / name, side, frames=FRAMES[name], seed=number, person=20 + 2 * number)
    prepare([folder / "footage"], folder / "dataset")
    return folder / "dataset"


def test_a_frame_is_drawn_on_a_face_from_outside_its_windows(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clips = {len(one): one for one in read_clips(dataset)}
    assert set(clips) == set(FRAMES.values())
    shown: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def draw(_: Wav2Lip, head: np.ndarray, points: np.ndarray, mel: np.ndarray) -> np.ndarray:
        shown.append((head, points, mel))
        return np.full((len(mel), 16, 16), 10 * len(shown), np.uint8)

    monkeypatch.setattr(lip_references, "wav2lip_references", draw)
    latents = [replace(clip("x" * frames, frames), key=one.key) for frames, one in clips.items()]
    nobody: Wav2Lip = None  # pyright: ignore[reportAssignmentType]
    told: list[int] = []
    drawn = cached_references(dataset, latents, nobody, tmp_path, progress=lambda _, *counts: told.extend(counts))
    assert told == [1, 2, 2, 2]
    long, short = clips[FRAMES["long"]], clips[FRAMES["short"]]
    # Nobody lends to the short clip, which is the only one of its person.
    assert drawn[short.key].shape == (30, 16, 16)
    assert (drawn[short.key] == 128).all()
    assert drawn[long.key].dtype == torch.uint8
    assert drawn[long.key][:, 0, 0].tolist() == [10] * 20 + [20] * 20
    heard = mel_chunks(mel_spectrogram(long.wave), 40, lead_s=lip_lead_s("wav2lip"))
    for (head, points, mel), part in zip(shown, (range(20), range(20, 40)), strict=True):
        np.testing.assert_array_equal(mel, heard[part])
        (lender,) = [at for at in range(40) if np.array_equal(long.head[at], head)]
        np.testing.assert_array_equal(points[:68], long.crop.to_crop(long.landmarks.points)[lender])
        assert min(abs(lender - at) for at in part) >= WINDOW_FRAMES
    # The second time nothing is drawn.
    again = cached_references(dataset, latents, nobody, tmp_path)
    assert len(shown) == 2
    assert all(torch.equal(again[key], value) for key, value in drawn.items())


def test_a_window_is_told_the_references_of_its_frames():
    clips: list[LatentClip] = [clip("a"), clip("bb")]
    windows = WindowSet(clips)
    drawn = {"bb": torch.full((40, 16, 16), 255, dtype=torch.uint8), "a": torch.zeros(40, 16, 16, dtype=torch.uint8)}
    drawn["a"][:, 0, 0] = torch.arange(40)
    batch = windows.take(torch.tensor([5, 60]), torch.Generator().manual_seed(0), length=8)
    told = DrawnLips(drawn, clips, torch.device("cpu"))(batch)
    assert told.shape == (2, 8, 1, 16, 16)
    torch.testing.assert_close(told[0, :, 0, 0, 0], torch.arange(5, 13) / 127.5 - 1)
    assert (told[0, :, 0, 1:] == -1).all()
    assert (told[1] == 1).all()
