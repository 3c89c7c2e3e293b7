"""ControlNet on Stable Diffusion at tiny size: read from the published layout, trained, saved, drawn with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from contextalk.core.errors import ContextalkError, DatasetError
from contextalk.core.geometry import CropPath
from contextalk.dataset.clips import Clip
from contextalk.dataset.splits import is_kept_for_judges
from contextalk.evaluation.baselines import controlnet_training
from contextalk.evaluation.baselines.controlnet import ControlNet, ControlNetFaces
from contextalk.evaluation.baselines.controlnet_models import CONTROLS, ControlCard, SceneControlNet, read_card
from contextalk.evaluation.baselines.controlnet_training import Lessons, stream, train_controlnet
from contextalk.faces.views import GREY
from contextalk.generation.identity import IdentityHead
from contextalk.generation.pipeline import Shown
from generation_kit import still_landmarks

CPU = torch.device("cpu")
DIM, LENGTH, VOCABULARY = 8, 5, 7


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stable Diffusion 1.5 in diffusers' layout with random weights: the same classes, a few channels."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_pndm import PNDMScheduler

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 4, 4),
        layers_per_block=1,
        norm_num_groups=2,
    ).save_pretrained(folder / "vae")
    UNet2DConditionModel(
        sample_size=32,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=2,
        cross_attention_dim=DIM,
        attention_head_dim=2,
    ).save_pretrained(folder / "unet")
    # The published scheduler's class and schedule; it is opened as DDIM.
    PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear").save_pretrained(
        folder / "scheduler"
    )
    (folder / "text_encoder").mkdir()
    save_file(
        {
            "text_model.embeddings.token_embedding.weight": torch.randn(VOCABULARY, DIM),
            "text_model.embeddings.position_embedding.weight": torch.randn(LENGTH, DIM),
            "text_model.final_layer_norm.weight": torch.ones(DIM),
            "text_model.final_layer_norm.bias": torch.zeros(DIM),
        },
        folder / "text_encoder" / "model.safetensors",
    )
    config = {"hidden_act": "quick_gelu", "num_attention_heads": 2, "num_hidden_layers": 0}
    (folder / "text_encoder" / "config.json").write_text(json.dumps(config))
    return folder


def clip() -> Clip:
    """Three frames of a head over a dark scene."""
    random = np.random.default_rng(0)
    landmarks = still_landmarks(np.arange(3) / 25)
    crop = CropPath(centre_px=np.full((3, 2), 70, np.float32), side_px=np.full(3, 60, np.float32))
    return Clip(
        key="a",
        source="a.mp4",
        person="anna",
        split="train",
        head=random.integers(0, 256, (3, 256, 256, 3), dtype=np.uint8),
        scene=random.integers(0, 90, (3, 256, 256, 3), dtype=np.uint8),
        wave=np.zeros(1920, np.float32),
        landmarks=landmarks,
        crop=crop,
        others=(),
        meta={},
    )


@pytest.fixture
def one_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset of one clip, without its shards."""
    monkeypatch.setattr(controlnet_training, "read_clips", lambda *_: iter([clip()]))


def pictures(seed: int, frames: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, 256, 256, 3), dtype=np.uint8)


@pytest.mark.usefixtures("one_clip")
def test_training_moves_the_controls_alone_and_goes_on_where_it_was(base: Path, tmp_path: Path) -> None:
    models = SceneControlNet.load(base, None, CPU)
    frozen = {name: value.clone() for name, value in models.unet.state_dict().items()}
    outs = {name: control.controlnet_mid_block.weight for name, control in models.controls.items()}
    assert all(not out.any() for out in outs.values())  # silent at the start
    lessons = Lessons(steps=2, batch=2, learning_rate=1e-3, save_every=1)
    assert np.isfinite(train_controlnet(models, tmp_path, tmp_path / "controls", lessons))
    assert all(out.any() for out in outs.values())
    assert all(torch.equal(value, frozen[name]) for name, value in models.unet.state_dict().items())
    assert read_card(tmp_path / "controls").seen == 4

    steps: list[int] = []
    longer = Lessons(steps=3, batch=2, learning_rate=1e-3, save_every=1)
    again = SceneControlNet.load(base, None, CPU)
    train_controlnet(again, tmp_path, tmp_path / "controls", longer, lambda *told: steps.append(told[1]))
    assert steps == [3]
    # One Adam step of 1e-3 from where the first run ended: nowhere further away than that (and weight decay's 1e-5).
    for name, out in outs.items():
        moved = (again.controls[name].controlnet_mid_block.weight - out).abs().max().item()
        assert 0 < moved < 2e-3


@pytest.mark.usefixtures("one_clip")
def test_the_target_is_hidden_in_what_the_scene_control_sees(tmp_path: Path) -> None:
    example = next(stream(tmp_path, np.random.default_rng(0)))
    # The crop's middle, (70, 70) of 160×120, is (112, 149) in the squeezed view.
    assert (example.scene[149, 112] == GREY).all()
    assert example.scene[5, 250].max() < 90  # the scene itself
    assert example.drawing.any()
    assert example.head.shape == example.scene.shape == example.drawing.shape == (256, 256, 3)


def test_a_clip_that_teaches_judges_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"clip-{number}" for number in range(40)]
    kept = {key for key in keys if is_kept_for_judges(key, 0.3)}
    assert 0 < len(kept) < 40
    # Each clip's heads are of a level that names it.
    clips = [
        replace(clip(), key=key, head=np.full((3, 256, 256, 3), 3 * number, np.uint8))
        for number, key in enumerate(keys)
    ]
    monkeypatch.setattr(controlnet_training, "read_clips", lambda *_: iter(clips))
    examples = stream(tmp_path, np.random.default_rng(0), judge_share=0.3)
    seen = {keys[int(next(examples).head[0, 0, 0]) // 3] for _ in range(3 * (40 - len(kept)))}
    assert seen == set(keys) - kept
    with pytest.raises(DatasetError, match="no clip to train on"):
        next(stream(tmp_path, np.random.default_rng(0), judge_share=1.0))


def trained(base: Path) -> SceneControlNet:
    """Controls that speak: as after training, their last layers are not zero."""
    torch.manual_seed(1)
    models = SceneControlNet.load(base, None, CPU)
    for control in models.controls.values():
        for out in (*control.controlnet_down_blocks, control.controlnet_mid_block):
            torch.nn.init.normal_(out.weight, std=0.5)
        torch.nn.init.normal_(control.controlnet_cond_embedding.conv_out.weight, std=20.0)
    return models


def test_each_frame_is_drawn_by_itself_under_both_controls(base: Path) -> None:
    faces = ControlNetFaces(trained(base), num_steps=2, seed=3)
    scene, drawing = pictures(0, 8), pictures(1, 8)
    head = IdentityHead(picture=drawing[0], points=np.zeros((70, 2), np.float32))

    def draw(scene: np.ndarray, drawing: np.ndarray, carried: torch.Tensor | None) -> torch.Tensor:
        shown = Shown(
            drawing=drawing,
            masked_crop=drawing,
            scene_view=scene,
            points=np.zeros((len(drawing), 70, 2), np.float32),
            times_s=np.arange(len(drawing)) / 25,
            mel=np.zeros((len(drawing), 80, 16), np.float32),
            lip_mel=np.zeros((len(drawing), 80, 16), np.float32),
            identity=head,
        )
        heads, latents = faces.window(shown, carried, len(drawing))
        assert heads.shape == drawing.shape
        assert latents.shape == (len(drawing), 16, 16, 16)
        return latents

    carried = torch.full((16, 16, 16), 0.25)
    window = draw(scene, drawing, carried)
    assert torch.equal(window[0], carried)
    # float32 sums in another order for another batch; latents are about 1.
    alone = draw(scene[2:3], drawing[2:3], None)
    torch.testing.assert_close(window[2:3], alone, rtol=1e-4, atol=1e-4)
    # Well above that tolerance.
    white = np.full((1, 256, 256, 3), 255, np.uint8)
    assert (draw(white, drawing[2:3], None) - alone).abs().max() > 1e-2
    assert (draw(scene[2:3], white, None) - alone).abs().max() > 1e-2


def test_latents_come_back_from_channels(base: Path) -> None:
    """Decoding (16, 16, 16) is the autoencoder's decoding of the (4, 32, 32) it stands for."""
    models = trained(base)
    latents = models.draw(pictures(0, 1), pictures(1, 1), num_steps=1, seed=0)
    plain = torch.stack([latents[0, 4 * c : 4 * c + 4] for c in range(4)])  # (4, 2·2, 16, 16)
    plain = plain.reshape(4, 2, 2, 16, 16).permute(0, 3, 1, 4, 2).reshape(1, 4, 32, 32)
    with torch.no_grad():
        pixels = models.vae.decode(plain / models.vae.config.scaling_factor).sample[0]
    wanted = ((pixels + 1) * 127.5).round().clamp(0, 255).permute(1, 2, 0).numpy()
    # Rounding at a half may fall either way.
    assert np.abs(models.decode(latents)[0].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("part", ["unet", "vae", "scheduler", "text_encoder"])
def test_a_missing_part_is_named(base: Path, tmp_path: Path, part: str) -> None:
    for name in ("unet", "vae", "scheduler", "text_encoder"):
        if name != part:
            (tmp_path / name).symlink_to(base / name)
    with pytest.raises(ContextalkError, match=part) as caught:
        SceneControlNet.load(tmp_path, None, CPU)
    assert "\n" not in str(caught.value)


def test_controls_come_back_as_they_were_saved(base: Path, tmp_path: Path) -> None:
    models = trained(base)
    models.save_controls(tmp_path, ControlCard(seen=5, draws_pupils=True))
    again = SceneControlNet.load(base, tmp_path, CPU)
    for name in CONTROLS:
        stored = again.controls[name].state_dict()
        assert all(torch.equal(value, stored[key]) for key, value in models.controls[name].state_dict().items())
    pipeline = ControlNet(base, tmp_path, CPU)
    with pytest.raises(ContextalkError, match=r"controlnet\.json"):
        read_card(base)
    assert pipeline.name.startswith("ControlNet")
