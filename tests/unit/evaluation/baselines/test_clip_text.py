"""The empty prompt's embedding: equal to the same network composed of PyTorch's own layers."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.baselines.clip_text import empty_prompt

DIM, LENGTH, VOCABULARY, LAYERS, HEADS = 16, 7, 11, 2, 4


def published(folder: Path) -> dict[str, Tensor]:
    """A text encoder in the published names, tiny."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.5

    weights = {
        "text_model.embeddings.token_embedding.weight": random(VOCABULARY, DIM),
        "text_model.embeddings.position_embedding.weight": random(LENGTH, DIM),
        "text_model.embeddings.position_ids": torch.arange(LENGTH)[None],
    }
    shapes = {
        **{f"self_attn.{part}_proj": (DIM, DIM) for part in ("q", "k", "v", "out")},
        "mlp.fc1": (4 * DIM, DIM),
        "mlp.fc2": (DIM, 4 * DIM),
        "layer_norm1": (DIM,),
        "layer_norm2": (DIM,),
    }
    for layer in range(LAYERS):
        for name, shape in shapes.items():
            weights[f"text_model.encoder.layers.{layer}.{name}.weight"] = random(*shape)
            weights[f"text_model.encoder.layers.{layer}.{name}.bias"] = random(shape[0])
    weights["text_model.final_layer_norm.weight"] = random(DIM)
    weights["text_model.final_layer_norm.bias"] = random(DIM)
    folder.mkdir(exist_ok=True)
    save_file(weights, folder / "model.safetensors")
    config = {"hidden_act": "quick_gelu", "num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (folder / "config.json").write_text(json.dumps(config))
    return weights


def by_pytorch(weights: dict[str, Tensor]) -> Tensor:
    tokens = torch.tensor([VOCABULARY - 2] + [VOCABULARY - 1] * (LENGTH - 1))
    x = (
        weights["text_model.embeddings.token_embedding.weight"][tokens]
        + weights["text_model.embeddings.position_embedding.weight"]
    )[None]
    for number in range(LAYERS):
        at = f"text_model.encoder.layers.{number}."
        layer = nn.TransformerEncoderLayer(
            DIM, HEADS, 4 * DIM, 0.0, lambda h: h * torch.sigmoid(1.702 * h), batch_first=True, norm_first=True
        )
        parts = {
            f"self_attn.in_proj_{kind}": torch.cat([weights[f"{at}self_attn.{part}_proj.{kind}"] for part in "qkv"])
            for kind in ("weight", "bias")
        }
        names = {
            "self_attn.out_proj": "self_attn.out_proj",
            "linear1": "mlp.fc1",
            "linear2": "mlp.fc2",
            "norm1": "layer_norm1",
            "norm2": "layer_norm2",
        }
        for mine, theirs in names.items():
            parts |= {f"{mine}.{kind}": weights[f"{at}{theirs}.{kind}"] for kind in ("weight", "bias")}
        layer.load_state_dict(parts)
        x = layer.eval()(x, src_mask=nn.Transformer.generate_square_subsequent_mask(LENGTH))
    norm = nn.LayerNorm(DIM)
    norm.load_state_dict({kind: weights[f"text_model.final_layer_norm.{kind}"] for kind in ("weight", "bias")})
    return norm(x)


def test_equals_pytorchs_layers_with_the_same_weights(tmp_path: Path) -> None:
    weights = published(tmp_path)
    # Two float32 orders of the same sums, values about 1: some units in the seventh digit.
    torch.testing.assert_close(empty_prompt(tmp_path), by_pytorch(weights), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    published(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ContextalkError, match=missing):
        empty_prompt(tmp_path)


def test_another_layout_is_named(tmp_path: Path) -> None:
    weights = published(tmp_path)
    del weights["text_model.encoder.layers.1.mlp.fc2.bias"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ContextalkError, match=r"layers\.1\.mlp\.fc2\.bias"):
        empty_prompt(tmp_path)
