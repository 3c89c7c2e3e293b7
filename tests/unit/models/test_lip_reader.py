"""The lip reader: what it takes for a sentence, and that padding says nothing."""

import pytest
import torch

from contextalk.models.lip_reader import SLOTS, LipReader, LipReaderConfig, parse_sentence


def test_there_are_51_words() -> None:
    assert sum(len(words) for words in SLOTS) == 51
    assert len({word for words in SLOTS for word in words}) == 51


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bin blue at f two now", (0, 0, 0, 5, 2, 1)),
        ("sil Set white with Z 9, soon. sil", (3, 3, 3, 24, 9, 3)),
        ("place red in x zero please", (2, 2, 2, 22, 0, 2)),
        ("bin blue at w two now", None),
        ("bin blue at f two", None),
        ("blue bin at f two now", None),
        ("", None),
    ],
)
def test_sentences_are_read_by_the_grammar(text: str, words: tuple[int, ...] | None) -> None:
    assert parse_sentence(text) == words


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    reader = LipReader(LipReaderConfig(channels=8, hidden=8)).eval()
    views = torch.rand(2, 20, 48, 48) * 255
    present = torch.ones(2, 20, dtype=torch.bool)
    present[1, 12:] = False
    with torch.no_grad():
        together = reader(views, present)
        alone = reader(views[1:, :12], present[1:, :12])
        other = reader(views[:1, :12], present[1:, :12])
    assert [slot.shape[1] for slot in together] == [4, 4, 4, 25, 10, 4]
    for both, one, different in zip(together, alone, other, strict=True):
        # The same sums in batches of other sizes.
        torch.testing.assert_close(both[1:], one, atol=1e-5, rtol=0)
        assert (one - different).abs().max() > 1e-4


def test_padding_is_not_heard() -> None:
    torch.manual_seed(0)
    reader = LipReader(LipReaderConfig(channels=8, hidden=8)).eval()
    mel = torch.randn(2, 20, 80)
    present = torch.ones(2, 20, dtype=torch.bool)
    present[1, 12:] = False
    with torch.no_grad():
        together = reader.listen(mel, present)
        alone = reader.listen(mel[1:, :12], present[1:, :12])
    torch.testing.assert_close(together.when[1:, :12], alone.when, atol=1e-5, rtol=0)
    for both, one in zip(together.logits, alone.logits, strict=True):
        torch.testing.assert_close(both[1:], one, atol=1e-5, rtol=0)
