"""Judges learn, on clips of their own."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from contextalk.core.errors import DatasetError
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.models.lip_reader import LipReader, LipReaderConfig
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from contextalk.training.objectives.lip_reader import LipReaderObjective
from contextalk.training.objectives.sync import MouthClip, SyncObjective


def speaking(key: str, *, frames: int = 60, split: str = "train", text: str = "", most: float = 1.0) -> MouthClip:
    """A dark disc that opens, up to `most`, as the lowest mel bands get loud."""
    rng = np.random.default_rng(int(key))
    opening = rng.uniform(0, most, frames)
    views = np.full((frames, 48, 48), 160, np.uint8)
    for view, wide in zip(views, opening, strict=True):
        cv2.ellipse(view, (24, 24), (14, max(1, round(14 * wide))), 0, 0, 360, 30, -1)
    steps = np.repeat(opening, 4)[np.clip(np.arange(frames)[:, None] * 4 + np.arange(-8, 8), 0, 4 * frames - 1)]
    mel = np.full((frames, 80, 16), -2, np.float32)
    mel[:, :40] = (6 * steps - 3)[:, None]
    return MouthClip(key=key, split=split, text=text, views=torch.from_numpy(views), mel=torch.from_numpy(mel).half())


def train(objective: SyncObjective | LipReaderObjective, steps: int, batch: int, rate: float) -> list[float]:
    optimizer = torch.optim.Adam(objective.network.parameters(), lr=rate)
    losses = []
    objective.network.train()
    for step in range(steps):
        loss, _ = objective.loss(batch, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    objective.network.eval()
    return losses


def figures(objective: SyncObjective | LipReaderObjective) -> dict[str, float]:
    with torch.no_grad():
        return objective.evaluate()


def test_the_judge_finds_the_sound_of_unseen_lips() -> None:
    torch.manual_seed(0)
    clips = [speaking(str(number), split="val" if number < 3 else "train") for number in range(12)]
    objective = SyncObjective(SyncJudge(SyncJudgeConfig(channels=8, dim=16)), clips)
    assert len(objective.held_out) == 3
    train(objective, steps=60, batch=16, rate=3e-3)
    after = figures(objective)
    assert after["offset right"] == 1
    assert after["confidence"] > 2 * after["confidence with another clip's sound"]


def test_a_step_in_bfloat16_is_a_step() -> None:
    objective = SyncObjective(SyncJudge(SyncJudgeConfig(channels=8, dim=8)), [speaking("7")])
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = objective.loss(4, torch.Generator().manual_seed(1))
    assert torch.isfinite(loss)


def test_the_right_sound_stands_first_among_others_of_its_clip() -> None:
    clip = speaking("7")
    objective = SyncObjective(SyncJudge(SyncJudgeConfig(channels=8, dim=8)), [clip])
    seen: dict[str, Tensor] = {}
    look, listen = objective.network.look, objective.network.listen
    objective.network.look = lambda views: look(seen.setdefault("views", views))  # pyright: ignore[reportAttributeAccessIssue]
    objective.network.listen = lambda mel: listen(seen.setdefault("mel", mel))  # pyright: ignore[reportAttributeAccessIssue]
    objective.loss(1, torch.Generator().manual_seed(1))
    views = seen["views"][0].byte()
    # The disc is mirror-symmetric to a pixel, so its rows tell the frame whether or not it was mirrored.
    starts = [
        at for at in range(56) if (clip.views[at : at + 5].float().mean(-1) - views.float().mean(-1)).abs().max() < 3
    ]
    heard = [int((clip.mel.float() - mel).abs().amax(dim=(1, 2)).argmin()) for mel in seen["mel"]]
    assert heard[0] - 2 in starts
    assert len(set(heard)) == 8
    assert max(abs(middle - heard[0]) for middle in heard[1:]) <= 15


def test_short_clips_teach_no_judge() -> None:
    judge = SyncJudge(SyncJudgeConfig(channels=8, dim=8))
    with pytest.raises(DatasetError, match=r"1\.4 s"):
        SyncObjective(judge, [speaking("1", frames=34)])
    assert SyncObjective(judge, [speaking("1", frames=35)]).training


def test_clips_kept_for_judges_are_chosen_for_good() -> None:
    keys = [f"clip-{number}" for number in range(1000)]
    kept = {key for key in keys if is_kept_for_judges(key, 0.2)}
    assert kept == {key for key in keys if is_kept_for_judges(key, 0.2)}
    # 1000 draws of 0.2: five standard deviations of 12.6.
    assert abs(len(kept) - 200) < 64
    assert kept < {key for key in keys if is_kept_for_judges(key, 0.5)}
    assert not any(is_kept_for_judges(key, 0.0) for key in keys)


def test_the_reader_learns_its_sentences() -> None:
    torch.manual_seed(0)
    texts = ("bin blue at f two now", "set red in z nine soon", "lay white by b one again")
    # A mouth of its own for each sentence: hardly open, half open, wide.
    clips = [
        speaking(str(number), frames=74 + number, text=text, most=0.2 + 0.4 * number)
        for number, text in enumerate(texts)
    ]
    clips += [
        speaking("8", frames=75, text="something else altogether"),
        speaking("9", frames=60, text=texts[0]),
        speaking("10", frames=100, text=texts[0]),
    ]
    objective = LipReaderObjective(LipReader(LipReaderConfig(channels=8, hidden=16)), clips)
    assert len(objective.training) == 3
    objective.held_out = objective.training
    before = figures(objective)["words right"]
    train(objective, steps=150, batch=3, rate=4e-3)
    # 18 words of 51; by heart they are all known, by chance a quarter.
    after = figures(objective)
    assert after["words right"] > max(before, 80)
    assert after["words right by ear"] > 80
    with pytest.raises(DatasetError, match="GRID"):
        LipReaderObjective(objective.network, clips[3:])


def middles(objective: LipReaderObjective) -> tuple[Tensor, Tensor]:
    """(6,) frame about which each slot is looked for, and heard, in the first sentence."""
    clip, _ = objective.training[0]
    present = torch.ones(1, len(clip.views), dtype=torch.bool)
    mel = clip.mel[..., 6:10].float().mean(dim=-1)[None]
    with torch.no_grad():
        seen = objective.network.look(clip.views[None].float(), present).words.when
        heard = objective.network.listen((mel - mel.mean()) / mel.std(), present).when
    frames = torch.arange(len(clip.views), dtype=torch.float32)
    return frames @ seen[0], frames @ heard[0]


def test_the_reader_looks_where_the_ear_hears() -> None:
    """An ear that expects words a second too late: the eye follows it, not the ear the eye."""
    torch.manual_seed(0)
    clips = [speaking(str(number), frames=75, text="bin blue at f two now") for number in range(3)]
    objective = LipReaderObjective(LipReader(LipReaderConfig(channels=8, hidden=8)), clips)
    ear = objective.network.heard_slots.at_s
    ear.data += 0.8
    ear.requires_grad_(False)
    before, heard = middles(objective)
    assert (heard - before).abs().min() > 10
    train(objective, steps=120, batch=3, rate=1e-2)
    after, heard = middles(objective)
    assert (heard - after).abs().max() < 5
