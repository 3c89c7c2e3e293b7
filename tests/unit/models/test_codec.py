import torch

from contextalk.models.codec import DOMAINS, Codec, CodecConfig, PaperAutoencoder
from contextalk.models.reader import LandmarkReader, ReaderConfig

TINY = CodecConfig(kind="compact", channels=(8, 8, 16), blocks=1)


def test_paper_has_the_shape_of_kl_f16() -> None:
    with torch.device("meta"):
        codec = Codec(CodecConfig())
    assert isinstance(codec.network, PaperAutoencoder)
    encoder, decoder = codec.network.vae.encoder, codec.network.vae.decoder
    # kl-f16: five scales 128, 128, 256, 256, 512, attention at 16×16 in both halves, 16 channels of mean and variance.
    assert [block.resnets[0].out_channels for block in encoder.down_blocks] == [128, 128, 256, 256, 512]
    assert [hasattr(block, "attentions") for block in encoder.down_blocks] == [False] * 4 + [True]
    assert [hasattr(block, "attentions") for block in decoder.up_blocks] == [True] + [False] * 4
    assert encoder.conv_out.out_channels == 32


def test_pictures_become_16_channels_on_16_cells_and_pictures_again() -> None:
    for config in (TINY, CodecConfig(channels=(8, 8, 8, 8, 8), blocks=1)):
        codec = Codec(config).eval()
        pixels = torch.rand(2, 3, 3, 256, 256) * 2 - 1
        latents = codec.encode(pixels, "face")
        assert latents.shape == (2, 3, 16, 16, 16)
        decoded = codec.decode(latents, "face")
        assert decoded.shape == pixels.shape
        assert decoded.abs().max() <= 1


def test_latents_have_zero_mean_and_unit_variance_in_their_own_domain() -> None:
    torch.manual_seed(0)
    codec = Codec(TINY).eval()
    pixels = torch.rand(4, 2, 3, 256, 256) * 2 - 1
    raw = codec.network.encode(pixels.flatten(0, 1))
    before = codec.encode(pixels, "scene")
    codec.set_statistics("drawing", raw)
    latents = codec.encode(pixels, "drawing").flatten(0, 1)
    # The same pictures gave the statistics: what is left is float32's rounding.
    torch.testing.assert_close(latents.mean(dim=(0, 2, 3)), torch.zeros(16), atol=1e-3, rtol=0)
    torch.testing.assert_close(latents.std(dim=(0, 2, 3)), torch.ones(16), atol=1e-3, rtol=0)
    assert torch.equal(codec.encode(pixels, "scene"), before)
    assert len(DOMAINS) == 3


def test_statistics_travel_with_the_weights() -> None:
    codec, other = Codec(TINY), Codec(TINY)
    codec.set_statistics("face", torch.randn(4, 16, 16, 16) * 3 + 1)
    other.load_state_dict(codec.state_dict())
    assert torch.equal(other.std, codec.std)
    assert not torch.equal(codec.std[0], torch.ones(16))


def test_reader_points_lie_where_the_heat_is() -> None:
    reader = LandmarkReader(ReaderConfig(channels=8, blocks=1)).eval()
    with torch.no_grad():
        for parameter in (*reader.heat.parameters(), *reader.enter.parameters()):
            parameter.zero_()
    points = reader(torch.randn(1, 2, 16, 16, 16))
    assert points.shape == (1, 2, 70, 2)
    # Even heat has its centre of mass in the middle of the crop.
    torch.testing.assert_close(points, torch.full_like(points, 128.0), atol=1e-3, rtol=0)
