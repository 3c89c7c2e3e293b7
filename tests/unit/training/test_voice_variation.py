"""Mel chunks in other voices: louder, coloured, from a longer throat; the same over a window's frames."""

import torch

from contextalk.training.voice_variation import vary_voices


def test_each_window_is_another_voice_and_its_frames_are_one():
    generator = torch.Generator().manual_seed(0)
    mel = torch.linspace(-2, 2, 80)[:, None].expand(5, 3, 80, 16).contiguous()
    varied = vary_voices(mel, generator)
    assert varied.shape == mel.shape
    assert torch.equal(varied[:, 0], varied[:, 2])
    assert (varied[0] - varied[1]).abs().max() > 0.05
    # A slope of 4 over 80 bands, a level and colour of some tenths, a throat of some per cent: never far.
    assert 0.05 < float((varied - mel).abs().mean()) < 1.0


def test_a_longer_throat_moves_bands_by_its_factor():
    generator = torch.Generator().manual_seed(3)
    bands = torch.arange(80.0)
    peak = 4 * torch.exp(-((bands - 40) ** 2) / 8) - 2
    varied = vary_voices(peak[None, None, :, None].expand(200, 1, 80, 1).contiguous(), generator)
    moved = varied[:, 0, :, 0].argmax(dim=1) / 40.0
    # 40 bands a factor of 0.06 apart: 2.4 bands of standard deviation, read to half a band.
    assert abs(float(moved.mean()) - 1) < 0.02
    assert 0.04 < float(moved.std()) < 0.09


def test_values_stay_in_the_range_of_mel():
    loud = torch.full((50, 1, 80, 16), 3.9)
    varied = vary_voices(loud, torch.Generator().manual_seed(1))
    assert float(varied.max()) <= 4.0
    assert float(varied.min()) >= -4.0
