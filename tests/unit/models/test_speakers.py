"""Judges of who speaks: opened by name, and what they make of faces and sound."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from contextalk.core.errors import ContextalkError
from contextalk.models.active_speaker import open_active_speaker, weights_file
from contextalk.models.light_asd import LightAsd
from contextalk.models.speakers import NOBODY, LightAsdSpeaker, SyncSpeaker
from contextalk.models.sync_judge import judge_embeddings
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from contextalk.models.weights import check_file, default_folder, find_published, import_weights
from speakers_kit import BRIGHT, DARK, bright_faces_speak

FRAME = 640


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, frames * FRAME).astype(np.float32)


def test_a_file_in_the_published_layout_is_imported_verified_and_run(tmp_path: Path) -> None:
    file = tmp_path / "finetuning_TalkSet.model"
    torch.save(bright_faces_speak(), file)
    published = replace(find_published("light-asd"), sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    kept = import_weights(published, file, default_folder())
    assert kept == weights_file("light-asd")
    assert check_file(published, kept) == published.sha256
    judge = open_active_speaker("light-asd")
    assert isinstance(judge, LightAsdSpeaker)
    assert judge.name == f"light-asd-{published.sha256[:8]}-1"
    for level, wanted in ((BRIGHT, 1.0), (DARK, 0.0)):
        sure = judge.score(np.full((20, 112, 112), level, np.uint8), noise(20))
        # Log odds of ±10 are within 5e-5 of certainty.
        np.testing.assert_allclose(sure, np.full(20, wanted), atol=1e-4)
    scores = np.array([[0.2, np.nan], [0.9, 0.4]], np.float32)
    np.testing.assert_array_equal(judge.decide(scores, np.zeros(2, np.float32)), np.nan_to_num(scores))


class Energy(LightAsd):
    """Each frame's odds are the log energy of its four cepstra."""

    def forward(self, faces: Tensor, cepstra: Tensor) -> Tensor:
        return cepstra[..., 0].unflatten(1, (faces.shape[1], 4)).mean(dim=2)


@pytest.mark.parametrize("loud", [0, 7, 13])
def test_every_frame_hears_its_own_sound(loud: int) -> None:
    wave = noise(14) * 1e-3
    wave[loud * FRAME : (loud + 1) * FRAME] *= 1000
    sure = LightAsdSpeaker(Energy(), "planted").score(np.zeros((14, 112, 112), np.uint8), wave)
    assert sure.argmax() == loud


def test_weights_that_are_not_here_name_the_command() -> None:
    with pytest.raises(ContextalkError, match=r"`contextalk weights import light-asd finetuning_TalkSet\.model`"):
        open_active_speaker("light-asd")


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    default_folder().mkdir(parents=True)
    tensors = bright_faces_speak()
    del tensors["lossAV.FC.bias"]
    file = weights_file("light-asd")
    assert file is not None
    torch.save(tensors, file)
    with pytest.raises(ContextalkError, match=r"is no light-asd: 1 tensors are missing, first lossAV\.FC\.bias"):
        open_active_speaker("light-asd")
    file.write_text("<html>not found</html>")
    with pytest.raises(ContextalkError, match="damaged or no file of weights"):
        open_active_speaker("light-asd")
    with pytest.raises(ContextalkError, match="SHA-256 begins"):
        import_weights(find_published("light-asd"), file, tmp_path / "elsewhere")


def test_names_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    assert open_active_speaker("default") is None
    assert weights_file("default") is None
    with pytest.raises(ContextalkError, match="'talknet' is none of default, light-asd"):
        open_active_speaker("talknet")
    with pytest.raises(ContextalkError, match="wanted a run of `contextalk train sync`"):
        open_active_speaker(str(tmp_path))


def test_the_judge_of_a_run_is_opened_and_named_by_its_weights(tmp_path: Path) -> None:
    (tmp_path / "sync").mkdir()
    names = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_file(SyncJudge(SyncJudgeConfig()).state_dict(), tmp_path / "sync" / "averaged.safetensors")
        judge = open_active_speaker(str(tmp_path))
        assert isinstance(judge, SyncSpeaker)
        names.append(judge.name)
        views = np.random.default_rng(0).integers(0, 256, (13, 48, 48), dtype=np.uint8)
        assert np.isfinite(judge.score(views, noise(13))).all()
    assert names[0] != names[1]


class Loudness(SyncJudge):
    """Knows how bright a mouth is and how loud a sound: the nearer on a half circle, the better."""

    def __init__(self) -> None:
        super().__init__(SyncJudgeConfig(channels=4, dim=2))
        self.log_sharpness.data.fill_(3.0)

    def look(self, views: Tensor) -> Tensor:
        return around(views.mean(dim=(1, 2, 3)) / 255)

    def listen(self, mel: Tensor) -> Tensor:
        return around(mel.mean(dim=(1, 2)) / 8 + 0.5)


def around(share: Tensor) -> Tensor:
    angle = share * torch.pi
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def test_the_mouth_that_goes_with_the_sound_has_the_voice() -> None:
    frames = 100
    rng = np.random.default_rng(0)
    level = np.repeat(rng.uniform(0.0001, 1, frames // 5) ** 3, 5)
    wave = (rng.normal(size=frames * FRAME) * np.repeat(level, FRAME) * 0.3).astype(np.float32)
    network = Loudness()
    _, sound = judge_embeddings(network, np.zeros((frames, 48, 48), np.uint8), wave)
    heard = np.pad(torch.atan2(sound[:, 1], sound[:, 0]).numpy() / np.pi, (2, 2), mode="edge")
    moving = np.broadcast_to((heard * 255).astype(np.uint8)[:, None, None], (frames, 48, 48)).copy()
    judge = SyncSpeaker(network, "planted")
    fits, still, other = (judge.score(views, wave) for views in (moving, np.full_like(moving, 90), moving[::-1].copy()))
    assert fits.shape == (frames,)
    assert fits.mean() > 0.5
    # All sounds are as good for a still mouth, and for one that follows another sound its own are no better.
    assert still.mean() < 0
    assert other.mean() < 0
    voice = np.where(np.arange(frames) < 50, 1.0, 0.0).astype(np.float32)
    sure = judge.decide(np.stack([still, fits, np.full(frames, np.nan, np.float32)]), voice)
    assert (sure[1, :50] > 0.5).mean() > 0.9
    assert (sure[0] < 0.5).all()
    assert not sure[:, 50:].any()
    assert not sure[2].any()


def test_a_voice_is_nobodys_where_no_mouth_goes_with_it() -> None:
    judge = SyncSpeaker(Loudness(), "planted")
    voice = np.ones(3, np.float32)
    sure = judge.decide(np.zeros((2, 3), np.float32), voice)
    assert (sure < 0.5).all()
    # Softmax of (1, 0, 0), as it stands beside `NOBODY`.
    np.testing.assert_allclose(sure, np.full((2, 3), 1 / (np.exp(NOBODY) + 2)), rtol=1e-6)
    assert not judge.decide(np.full((2, 3), np.nan, np.float32), voice).any()
    assert (judge.decide(np.ones((1, 3), np.float32), voice) > 0.9).all()
