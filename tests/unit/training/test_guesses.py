"""Guesses are drawn once for every frame, told who it is only where a sequence begins."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.unit.training.test_context import CONFIG, LESSON, clip

from contextalk.models.codec import Codec, CodecConfig
from contextalk.models.mvcontrolnet import MVControlNet
from contextalk.training import guesses
from contextalk.training.guesses import cached_guesses
from contextalk.training.windows import WindowSet


def test_guesses_are_drawings_of_the_regressed_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    network = MVControlNet(CONFIG).eval()
    codec = Codec(CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1)).eval()
    windows = WindowSet([clip("a", -1.0), clip("bb", 1.0)])
    made = cached_guesses(network, LESSON, windows, codec, tmp_path, draws_pupils=True)

    assert made.first.shape == made.sequence.shape == windows.tensors["drawing"].shape
    assert not made.sequence.isnan().any()
    begins = torch.zeros(len(windows.clip_of), dtype=torch.bool)
    begins[windows.begins] = True
    assert torch.equal(~made.first.flatten(1).isnan().any(dim=1), begins)
    # Told who it is, the encoders regress another face.
    assert (made.first[begins] - made.sequence[begins]).abs().max() > 1e-3

    windows.guesses = made
    lesson = replace(LESSON, residual=0.5)
    for length, expected in ((1, made.first), (8, made.sequence)):
        batch = windows.draw(3, torch.Generator().manual_seed(0), length=length)
        assert batch.guess is not None
        assert torch.equal(batch.guess, expected[batch.frames].float())
        torch.testing.assert_close(batch.guess + 0.5 * lesson.clean(batch), batch.drawing)
        assert torch.equal(lesson.condition(batch, None, first=length == 1).hints[1], batch.guess)
        assert len(lesson.regression(batch, first=True).hints) == 1

    monkeypatch.setattr(guesses, "encode_pictures", None)  # the second time nothing is drawn
    again = cached_guesses(network, LESSON, windows, codec, tmp_path, draws_pupils=True)
    assert torch.equal(again.sequence, made.sequence)
    with torch.no_grad():
        network.points_head.bias += 0.1
    with pytest.raises(TypeError):  # other weights, other guesses
        cached_guesses(network, LESSON, windows, codec, tmp_path, draws_pupils=True)
