"""Words read off heads."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.metrics.intelligibility import (
    COLUMNS,
    HIGH,
    LOW,
    OF_TRUTH,
    SENTENCES,
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
    for slot, word in zip(reader.words, said, strict=True):
        torch.nn.init.zeros_(slot.weight)
        torch.nn.init.zeros_(slot.bias)
        slot.bias.data[word] = 1
    return reader


TEXTS = {
    "a": "bin blue at f two now",
    "b": "bin blue at f nine soon",
    "c": "hello there",
    "d": "set red in b one again",
}


def clips() -> list:
    heads = grey_heads(np.full(15, 120))
    return [evidence(heads, name=name) for name in ("a", "b", "c", "d", "e")]


def test_words_are_counted_per_sentence() -> None:
    judge = LipReading(always("bin blue at f two now"), TEXTS)
    shares = [judge.measure(clip)[WORDS] for clip in clips()]
    assert shares[:2] == pytest.approx([100, 100 * 4 / 6])
    assert shares[3] == 0
    assert np.isnan([shares[2], shares[4]]).all()  # no GRID sentence, no text at all


def test_a_set_has_an_interval_and_says_how_many_sentences() -> None:
    figures = LipReading(always("bin blue at f two now"), TEXTS).measure_set(clips())
    assert set(figures) == set(COLUMNS)
    assert figures[SENTENCES] == 3
    assert figures[WORDS] == pytest.approx((100 + 100 * 4 / 6 + 0) / 3)
    assert figures[OF_TRUTH] == figures[WORDS]  # these heads are their own truth
    # Means of three drawn from {0, 67, 100}: the extremes have probability 1/27 each, above 2.5 %.
    assert figures[LOW] == 0
    assert figures[HIGH] == pytest.approx(100)


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
    figures = LipReading(None, TEXTS).measure_set(clips())
    assert figures.pop(SENTENCES) == 0
    assert np.isnan(list(figures.values())).all()
    unseen = evidence(grey_heads(np.full(15, 120)), name="a", points=np.full((15, 68, 2), np.nan, np.float32))
    assert np.isnan(LipReading(always(TEXTS["a"]), TEXTS).measure(unseen)[WORDS])
