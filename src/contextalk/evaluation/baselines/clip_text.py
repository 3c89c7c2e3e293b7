"""What Stable Diffusion's U-Net is told when nothing is said: CLIP's embedding of the empty prompt.

The only text this project ever needs, so the text encoder is read from its published files and run once; no tokenizer.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from contextalk.core.errors import ContextalkError

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


def empty_prompt(folder: Path) -> Tensor:
    """(1, 77, 768) for the published encoder: last hidden states after the final norm (Radford et al. 2021).

    The empty prompt is the token that begins a text and then the one that ends it, up to the full length; they are the
    last two of the vocabulary.

    Args:
        folder: `text_encoder` of a Stable Diffusion 1.x folder: `config.json` and `model.safetensors`.

    Raises:
        ContextalkError: A file is missing or of another layout.
    """
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise ContextalkError(f"{folder} has no {name}, wanted the text encoder of a Stable Diffusion 1.x folder")
    try:
        config = json.loads((folder / _CONFIG).read_text())
        if config["hidden_act"] != "quick_gelu":
            raise ContextalkError(f"{folder / _CONFIG} has hidden_act {config['hidden_act']}, wanted quick_gelu")
        weights = {name: value.float() for name, value in load_file(folder / _WEIGHTS).items()}
        with torch.no_grad():
            return _encode(weights, config)
    except (KeyError, json.JSONDecodeError, SafetensorError) as error:
        raise ContextalkError(f"{folder} is no CLIP text encoder: {error!r}") from error


def _encode(weights: dict[str, Tensor], config: dict[str, int]) -> Tensor:
    tokens = weights["text_model.embeddings.token_embedding.weight"]
    positions = weights["text_model.embeddings.position_embedding.weight"]
    length, vocabulary = len(positions), len(tokens)
    said = torch.full((length,), vocabulary - 1)
    said[0] = vocabulary - 2
    x = tokens[said] + positions
    for number in range(config["num_hidden_layers"]):
        layer = f"text_model.encoder.layers.{number}"
        x = x + _attend(weights, f"{layer}.self_attn", _norm(weights, f"{layer}.layer_norm1", x), config)
        hidden = _linear(weights, f"{layer}.mlp.fc1", _norm(weights, f"{layer}.layer_norm2", x))
        x = x + _linear(weights, f"{layer}.mlp.fc2", hidden * torch.sigmoid(1.702 * hidden))
    return _norm(weights, "text_model.final_layer_norm", x)[None]


def _attend(weights: dict[str, Tensor], name: str, x: Tensor, config: dict[str, int]) -> Tensor:
    """Causal self-attention of (T, D)."""
    heads = config["num_attention_heads"]
    query, key, value = (
        _linear(weights, f"{name}.{part}_proj", x).unflatten(-1, (heads, -1)).transpose(0, 1)[None]
        for part in ("q", "k", "v")
    )
    attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return _linear(weights, f"{name}.out_proj", attended[0].transpose(0, 1).flatten(1))


def _linear(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-5)
