"""Stage 1's condition encoders learn from c_l alone, and their weights are where the landmark network begins."""

import torch

from contextalk.models.mvcontrolnet import MVControlNet, NetworkConfig
from contextalk.training.latents import LatentClip
from contextalk.training.objectives.context import ContextObjective
from contextalk.training.objectives.denoising import Lesson
from contextalk.training.windows import WindowSet

CONFIG = NetworkConfig(
    modalities=("audio", "identity", "place", "scene"),
    base_channels=8,
    head_dim=8,
    condition_dim=16,
    time_dim=16,
    blocks=1,
    pooled_condition=True,
    predict_points=True,
)
LESSON = Lesson(stage="landmark", steps=("first", "sequence"), modalities=CONFIG.modalities, face_hints=("drawing",))


def clip(key: str, side: float) -> LatentClip:
    """A clip whose scene view says the side in one channel, and whose face stands there."""
    generator = torch.Generator().manual_seed(len(key))
    points = torch.full((16, 70, 2), 128.0)
    points[:, 0, 0], points[:, 16, 0], points[:, 17:, 0] = 88.0, 168.0, 128.0 + 30 * side
    scene = torch.randn(16, 16, 16, 16, generator=generator)
    scene[:, 3] = side
    blank = torch.zeros(16, 16, 16, 16)
    return LatentClip(
        key=key,
        person="anna",
        split="train",
        face=blank,
        masked=blank,
        bent=blank,
        drawing=blank,
        scene=scene,
        mel=torch.zeros(16, 80, 16),
        place=torch.full((16, 3), 0.5),
        others=torch.full((16, 3, 7), side),
        points=points,
        lips=torch.zeros(16, 16, 16, dtype=torch.uint8),
    )


def test_the_side_is_learnt_from_the_scene_view_and_the_u_net_is_left_alone():
    torch.manual_seed(0)
    network = MVControlNet(CONFIG)
    before = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    windows = WindowSet([clip("a", -1.0), clip("bb", 1.0)])
    objective = ContextObjective(network, LESSON, windows, windows)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    first = None
    for _ in range(150):
        loss, _ = objective.loss(2, generator)
        first = float(loss.detach()) if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        figures = objective.evaluate()
    assert first is not None
    assert float(loss.detach()) < first / 4
    assert figures["side right"] == 1.0
    assert all(torch.equal(value, before[name]) for name, value in network.encoder.state_dict().items())
