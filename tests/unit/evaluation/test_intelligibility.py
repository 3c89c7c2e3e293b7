"""Words read off heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.metrics.intelligibility import (
    WORDS,
    LipReading,
    open_reader,
)
from contextalk.models.lip_reader import LipReader, LipReaderConfig, parse_sentence
from judges_kit import evidence, grey_heads


def always(sentence: str) -> LipReader:
    """A reader that says this whatever it sees."""
    reader = LipReader(LipReaderConfig(channels=8, hidden=8))
    said = parse_sentence(sentence)
    assert said is not None
    for slot, word in zip(reader.slots.words, said, strict=True):
        torch.nn.init.zeros_(slot.weight)
        torch.nn.init.zeros_(slot.bias)
        slot.bias.data[word] = 1
    return reader


TEXTS = ("bin blue at f two now", "bin blue at f nine soon", "hello there", "set red in b one again")


def clips() -> list:
    heads = grey_heads(np.full(75, 120))
    return [replace(evidence(heads), text=text) for text in (*TEXTS, "")]


def test_words_are_counted_per_sentence() -> None:
    judge = LipReading(always("bin blue at f two now"))
    shares = [judge.measure(clip)[WORDS] for clip in clips()]
    assert shares[:2] == pytest.approx([100, 100 * 4 / 6])
    assert shares[3] == 0
    assert np.isnan([shares[2], shares[4]]).all()  # no GRID sentence, no text at all


def test_the_reader_of_a_run_is_opened(tmp_path: Path) -> None:
    assert open_reader(tmp_path) is None
    torch.manual_seed(0)
    trained = LipReader(LipReaderConfig())
    (tmp_path / "lip_reader").mkdir()
    save_file(trained.state_dict(), tmp_path / "lip_reader" / "averaged.safetensors")
    opened = open_reader(tmp_path)
    assert opened is not None
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in opened.state_dict().items())
    save_file({"other": torch.zeros(1)}, tmp_path / "lip_reader" / "averaged.safetensors")
    with pytest.raises(ContextalkError, match="no lip reader"):
        open_reader(tmp_path)


def test_nothing_is_read_without_a_reader_or_a_face() -> None:
    assert all(np.isnan(LipReading(None).measure(clip)[WORDS]) for clip in clips())
    unseen = evidence(grey_heads(np.full(75, 120)), points=np.full((75, 68, 2), np.nan, np.float32))
    assert np.isnan(LipReading(always(TEXTS[0])).measure(replace(unseen, text=TEXTS[0]))[WORDS])


@pytest.mark.parametrize("frames", [60, 100])
def test_what_does_not_last_three_seconds_is_no_grid_sentence(frames: int) -> None:
    clip = replace(evidence(grey_heads(np.full(frames, 120))), text=TEXTS[0])
    assert np.isnan(LipReading(always(TEXTS[0])).measure(clip)[WORDS])
