"""The picture half of CLIP, against PyTorch's own transformer with the same weights."""

import numpy as np
import pytest
import torch
from torch import nn

from contextalk.models.clip_features import MEAN, STD, ClipConfig, ClipVision, clip_pixels

TINY = ClipConfig(picture_px=28, patch_px=14, width=16, layers=2, heads=2, embedding=8)

PUBLISHED = {
    "vision_model.embeddings.class_embedding": (1024,),
    "vision_model.embeddings.patch_embedding.weight": (1024, 3, 14, 14),
    "vision_model.embeddings.position_embedding.weight": (257, 1024),
    "vision_model.pre_layrnorm.weight": (1024,),
    "vision_model.encoder.layers.0.self_attn.q_proj.weight": (1024, 1024),
    "vision_model.encoder.layers.0.layer_norm2.bias": (1024,),
    "vision_model.encoder.layers.23.mlp.fc1.weight": (4096, 1024),
    "vision_model.post_layernorm.bias": (1024,),
    "visual_projection.weight": (768, 1024),
}
"""Some names and shapes in the published file of ViT-L/14."""


def test_clip_has_the_published_layout() -> None:
    with torch.device("meta"):
        state = ClipVision().state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLISHED} == PUBLISHED
    # 16 tensors a layer, eight around them.
    assert len(state) == 24 * 16 + 8


def test_clip_equals_torchs_transformer() -> None:
    torch.manual_seed(0)
    network = ClipVision(TINY).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    pixels = torch.randn(3, 3, 28, 28)
    with torch.no_grad():
        seen = network(pixels)
        wanted = nn.functional.normalize(_by_torch(network, pixels), dim=-1)
    # Two layers in float32, in another order of sums.
    torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=0)
    assert (seen[0] - seen[1]).norm() > 1e-2


def _by_torch(network: ClipVision, pixels: torch.Tensor) -> torch.Tensor:
    tower = network.vision_model
    weight = tower.embeddings.patch_embedding.weight
    patches = torch.einsum("nciujv,dcuv->nijd", pixels.reshape(-1, 3, 2, 14, 2, 14), weight).flatten(1, 2)
    tokens = torch.cat([tower.embeddings.class_embedding.expand(len(pixels), 1, -1), patches], dim=1)
    x = tower.pre_layrnorm(tokens + tower.embeddings.position_embedding.weight)
    for layer in tower.encoder["layers"]:
        theirs = nn.TransformerEncoderLayer(
            16, 2, 64, dropout=0.0, activation=lambda v: v * torch.sigmoid(1.702 * v), norm_first=True, batch_first=True
        )
        ours = layer.self_attn
        parts = (ours.q_proj, ours.k_proj, ours.v_proj)
        state = {
            "self_attn.in_proj_weight": torch.cat([part.weight for part in parts]),
            "self_attn.in_proj_bias": torch.cat([part.bias for part in parts]),
            "self_attn.out_proj.weight": ours.out_proj.weight,
            "self_attn.out_proj.bias": ours.out_proj.bias,
        }
        for mine, name in ((layer.mlp.fc1, "linear1"), (layer.mlp.fc2, "linear2")):
            state |= {f"{name}.weight": mine.weight, f"{name}.bias": mine.bias}
        for mine, name in ((layer.layer_norm1, "norm1"), (layer.layer_norm2, "norm2")):
            state |= {f"{name}.weight": mine.weight, f"{name}.bias": mine.bias}
        theirs.load_state_dict(state)
        x = theirs.eval()(x)
    return network.visual_projection(tower.post_layernorm(x[:, 0]))


def test_pictures_are_standardised() -> None:
    pictures = np.zeros((2, 256, 256, 3), np.uint8)
    pictures[1] = (255, 128, 0)
    pixels = clip_pixels(pictures)
    assert pixels.shape == (2, 3, 224, 224)
    for channel, level in enumerate((1.0, 128 / 255, 0.0)):
        wanted = (level - MEAN[channel]) / STD[channel]
        # One float32 division.
        assert pixels[1, channel].mean().item() == pytest.approx(wanted, abs=1e-5)
    with pytest.raises(ValueError, match="64x32"):
        clip_pixels(np.zeros((1, 32, 64, 3), np.uint8))
