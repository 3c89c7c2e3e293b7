"""Pictures ↔ latents: shapes, statistics, and that nothing but the network loses anything."""

import pytest
import torch

from contextalk.models.codec import DOMAINS, Codec, CodecConfig
from contextalk.models.pictures import decode_pictures, encode_pictures, to_frames, to_pixels

TINY = CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1)
TINY_KL = CodecConfig(kind="kl-f16", channels=(8, 8, 8, 8, 16), blocks=1)


@pytest.mark.parametrize("config", [TINY, TINY_KL])
def test_a_picture_is_sixteen_channels_on_sixteen_cells(config: CodecConfig):
    codec = Codec(config).eval()
    pixels = torch.rand(2, 3, 3, 256, 256) * 2 - 1
    latents = codec.encode(pixels, "face")
    assert latents.shape == (2, 3, 16, 16, 16)
    assert codec.decode(latents, "face").shape == pixels.shape


def test_kl_f16_attends_at_its_coarsest_scale_only():
    vae = Codec(TINY_KL).network.vae
    kinds = [type(block).__name__ for block in (*vae.encoder.down_blocks, *vae.decoder.up_blocks)]
    assert kinds == [
        *["DownEncoderBlock2D"] * 4,
        "AttnDownEncoderBlock2D",
        "AttnUpDecoderBlock2D",
        *["UpDecoderBlock2D"] * 4,
    ]


def test_latents_of_each_domain_are_normalised():
    codec = Codec(TINY)
    raw = torch.randn(50, 16, 16, 16) * torch.arange(1, 17).reshape(-1, 1, 1) + 5
    codec.set_statistics("drawing", raw)
    mean, std = codec._statistics("drawing")
    normal = (raw - mean) / std
    assert normal.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    torch.testing.assert_close(normal.std(dim=(0, 2, 3)), torch.ones(16), atol=1e-4, rtol=0)
    assert [bool((codec.std[row] == 1).all()) for row in range(len(DOMAINS))] == [True, False, True]


def test_decoding_undoes_the_normalisation():
    codec = Codec(TINY).eval()
    pixels = torch.rand(1, 2, 3, 256, 256) * 2 - 1
    plain = codec.decode(codec.encode(pixels, "face"), "face")
    codec.set_statistics("face", torch.randn(9, 16, 16, 16) * 3 + 1)
    # Divided and multiplied by the same number: float32 rounding.
    torch.testing.assert_close(codec.decode(codec.encode(pixels, "face"), "face"), plain, atol=1e-4, rtol=0)


def test_frames_and_pixels_are_inverse():
    frames = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(1, 16, 16, 3).numpy()
    assert (to_frames(to_pixels(frames)[0]) == frames).all()


def test_pictures_in_parts_are_pictures_at_once():
    codec = Codec(TINY).eval()
    frames = (torch.rand(19, 256, 256, 3) * 255).byte().numpy()
    whole = encode_pictures(codec, frames, "scene")
    single = torch.cat([encode_pictures(codec, frame[None], "scene") for frame in frames])
    # A batch's sums may be ordered otherwise, in bfloat16 where the machine has it: 8 bits of mantissa.
    torch.testing.assert_close(whole, single, atol=2e-2, rtol=2e-2)
    assert decode_pictures(codec, whole, "scene").shape == frames.shape
