"""Shape coefficients against what moves them, and as a modality."""

import numpy as np
import pytest
import torch

from contextalk.faces.head_model import head_points
from contextalk.models.conditions import Condition, ConditionEncoder
from contextalk.models.expression import NAMES, expression


def face() -> torch.Tensor:
    """(68, 2) of the generic head from the front, its mouth a little open."""
    points = torch.from_numpy(head_points()[:, :2]).float()
    points[65:68, 1] += 3
    points[55:60, 1] += 3
    return points


def moved(numbers: list[int], by: tuple[float, float]) -> dict[str, float]:
    points = face()
    points[numbers] += torch.tensor(by)
    return dict(zip(NAMES, (expression(points) - expression(face())).tolist(), strict=True))


def test_place_size_and_roll_do_not_matter() -> None:
    turn = np.deg2rad(25)
    matrix = torch.tensor([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).float()
    elsewhere = 1.7 * face() @ matrix.T + torch.tensor([40.0, -9.0])
    # float32 px over heights of tens of px.
    torch.testing.assert_close(expression(elsewhere), expression(face()), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("numbers", "by", "grows"),
    [
        ([*range(55, 60), *range(65, 68)], (0, 8), {"jaw"}),
        ([54], (6, 0), {"wide"}),
        ([61, 62, 63], (0, 2), {"thick"}),
        ([48, 54], (0, -4), {"corners"}),
        (list(range(17, 22)), (0, -5), {"left brow"}),
        (list(range(22, 27)), (0, -5), {"right brow"}),
        ([37, 38], (0, -3), {"left lid"}),
        ([43, 44], (0, -3), {"right lid"}),
    ],
)
def test_each_coefficient_grows_with_its_muscle(numbers: list[int], by: tuple[float, float], grows: set[str]) -> None:
    change = moved(numbers, by)
    assert {name for name, value in change.items() if value > 0.02} == grows


def test_an_unseen_face_has_no_expression() -> None:
    assert expression(torch.full((3, 68, 2), torch.nan)).isnan().all()
    assert expression(torch.zeros(2, 5, 68, 2)).shape == (2, 5, len(NAMES))


@pytest.mark.usefixtures("skia_drawing")
def test_they_follow_the_rig_of_drawn_people() -> None:
    """While the head turns by up to 25°, each coefficient goes with its muscle, whatever the other muscles do."""
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed: pip install 'contextalk[synth]'")
    from contextalk.synth.head import HeadMotion, head_shapes
    from contextalk.synth.people import person

    random, frames = np.random.default_rng(0), 200
    ranges = {
        **{"yaw": (-25, 25), "pitch": (-4, 4), "roll": (-8, 8), "gaze_yaw": (-20, 20), "gaze_pitch": (-5, 5)},
        **{"blink": (0, 1), "brow": (-1, 1), "jaw": (0, 1), "wide": (-1, 1), "rounded": (0, 1)},
        **{"teeth": (0, 1), "tongue": (0, 1), "neck_x": (470, 490), "neck_y": (290, 310)},
    }
    motion = HeadMotion(**{name: random.uniform(*ends, frames) for name, ends in ranges.items()})
    points = torch.from_numpy(head_shapes(person(3), motion, 50.0).points).float()
    seen = dict(zip(NAMES, expression(points).numpy().T, strict=True))
    spread = motion.wide * 0.24 - motion.rounded * 0.45  # as the rig widens a mouth
    for name, muscle, least in (
        ("jaw", motion.jaw, 0.95),
        ("wide", spread, 0.9),
        ("left brow", motion.brow, 0.6),
        ("right brow", motion.brow, 0.6),
        ("left lid", -motion.blink, 0.9),
        ("right lid", -motion.blink, 0.9),
    ):
        assert np.corrcoef(seen[name], muscle)[0, 1] > least, name


def test_it_is_a_modality_that_is_heard_and_may_be_absent() -> None:
    torch.manual_seed(0)
    encoder = ConditionEncoder(("identity", "expression"), 16)
    hints = (torch.zeros(1, 2, 16, 16, 16),)
    told = encoder(Condition(hints=hints, expression=torch.rand(1, 2, len(NAMES))))
    other = encoder(Condition(hints=hints, expression=torch.rand(1, 2, len(NAMES))))
    absent = encoder(Condition(hints=hints))
    assert told.shape == absent.shape == (1, 2, 17, 16)
    assert torch.equal(told[:, :, :16], other[:, :, :16])
    assert not torch.equal(told[:, :, 16], other[:, :, 16])
    assert torch.equal(absent[:, :, 16], encoder.null_tokens["expression"].expand(1, 2, 1, 16)[:, :, 0])
