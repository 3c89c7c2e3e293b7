from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CropPath
from contextalk.core.records import GenerateRequest, Scene, Shot
from contextalk.faces.hand_tracks import HandTracks
from contextalk.faces.occluders import HeadOutlines, Occluders
from contextalk.generation.kept import Kept, check_segmenter
from contextalk.generation.region import Region
from faces_kit import spread_hand
from generation_kit import still_landmarks

SIZE_PX = (320, 240)
FRAMES = 4
CENTRE, SIDE = np.array([150.0, 120.0]), 128.0


NOBODY = HeadOutlines(frames=np.zeros(0, np.int64), points=np.zeros((0, 84, 2), np.float32))


def make_region(occluders: Occluders | None) -> Region:
    times_s = np.arange(FRAMES) / 25
    scene = Scene(
        path=Path("s.mp4"), size_px=SIZE_PX, times_s=times_s, duration_s=FRAMES / 25, rotation_deg=0, has_audio=False
    )
    return Region(
        scene=scene,
        shots=(Shot(start=0, stop=FRAMES),),
        target=0,
        track=still_landmarks(times_s, SIZE_PX, centre_px=(150.0, 120.0)),
        crop=CropPath(
            centre_px=np.repeat(CENTRE[None], FRAMES, 0).astype(np.float32), side_px=np.full(FRAMES, SIDE, np.float32)
        ),
        active=np.ones(FRAMES, bool),
        missing=(),
        mask=None,
        backend="test",
        occluders=occluders,
    )


def hand_in_frames(*frames: int) -> Occluders:
    joints = np.repeat(spread_hand((150.0, 130.0), 40.0)[None], len(frames), 0).astype(np.float32)
    hands = HandTracks(name="hands-test", frames=np.array(frames, np.int64), joints=joints)
    return Occluders(hands=hands, why_no_hands="", heads=NOBODY)


class LowerHalf:
    """Takes the lower half of the crop for something in front."""

    name = "lower-half-1"

    def __init__(self) -> None:
        self.points: list[np.ndarray] = []

    def in_front(self, head: np.ndarray, points: np.ndarray) -> np.ndarray:
        assert head.shape == (256, 256, 3)
        self.points.append(points)
        return np.broadcast_to(np.arange(256)[:, None] >= 128, (256, 256))


CROP = np.zeros((256, 256, 3), np.uint8)


def told(kept: Kept, **fields: Any) -> dict[str, Any]:
    return kept.told(GenerateRequest(scene=Path("s"), audio=Path("a"), output=Path("o"), **fields))


def test_a_hand_is_kept_in_its_frames_alone_and_told() -> None:
    kept = Kept(make_region(hand_in_frames(1, 2)))
    masks = [kept.mask(frame, CROP) for frame in range(FRAMES)]
    assert [mask is not None for mask in masks] == [False, True, True, False]
    assert masks[1] is not None
    assert masks[1].shape == SIZE_PX[::-1]
    assert masks[1][130, 150] == 255
    report = told(kept)
    assert report["kept_spans"] == [[1, 3]]
    assert 0.05 < report["kept_share"] == report["largest_kept_share"] < 0.5
    assert report["found_by"] == "heads-2, hands-test"
    assert report["hands_not_looked_for"] == ""


def test_nothing_is_kept_where_occluders_are_ignored() -> None:
    kept = Kept(make_region(None))
    assert all(kept.mask(frame, CROP) is None for frame in range(FRAMES))
    assert told(kept, occluders="ignore")["found_by"] == ""
    assert told(kept, mask=Path("m.png"))["choice"] == "mask"


def test_hands_that_were_not_looked_for_are_told() -> None:
    nobody = Occluders(hands=None, why_no_hands="not installed", heads=NOBODY)
    assert told(Kept(make_region(nobody)))["hands_not_looked_for"] == "not installed"


def test_what_was_kept_before_a_break_is_told_after_it() -> None:
    before, after = Kept(make_region(hand_in_frames(1, 2))), Kept(make_region(hand_in_frames(1, 2)))
    before.mask(1, CROP)
    after.recall(before.arrays(0, 2))
    after.mask(2, CROP)
    assert told(after)["kept_spans"] == [[1, 3]]


def test_pictures_to_bend_from_have_no_hand_before_the_face() -> None:
    region = make_region(hand_in_frames(0, 2))
    assert region.track is not None
    assert Kept(region).clear(region.track).valid.tolist() == [False, True, False, True]
    everywhere = hand_in_frames(*range(FRAMES))
    assert everywhere.hands is not None
    assert Kept(make_region(everywhere)).clear(region.track).valid.all()
    everywhere.hands.joints[3] += (40, 50)  # lower and to the right: half of it is still in the mask
    assert Kept(make_region(everywhere)).clear(region.track).valid.tolist() == [False, False, False, True]


def test_a_segmenter_is_asked_instead_and_lands_where_it_saw_something() -> None:
    segmenter = LowerHalf()
    kept = Kept(make_region(None), segmenter)
    mask = kept.mask(0, CROP)
    assert mask is not None
    # The crop's lower half: from the centre down, as wide as the square.
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (120, 183)
    assert (columns.min(), columns.max()) == (86, 213)
    assert 0.4 < kept.shares[0] < 0.6
    assert kept.name == "lower-half-1"
    assert segmenter.points[0].shape == (68, 2)
    assert abs(float(segmenter.points[0][:, 0].mean()) - 128) < 2


def test_a_segmenter_of_another_shape_is_refused() -> None:
    wrong: Any = SimpleNamespace(name="wrong", in_front=lambda head, points: np.zeros((64, 64), bool))  # noqa: ARG005
    with pytest.raises(ContextalkError, match=r"segmenter wrong gave bool \(64, 64\), wanted bool \(256, 256\)"):
        Kept(make_region(None), wrong).mask(0, CROP)


@pytest.mark.parametrize(("fields", "says"), [({"occluders": "ignore"}, "ignore"), ({"mask": Path("m")}, "mask")])
def test_a_segmenter_that_would_not_be_asked_is_refused(fields: dict[str, Any], says: str) -> None:
    request = GenerateRequest(scene=Path("s"), audio=Path("a"), output=Path("o"), **fields)
    check_segmenter(request, None)
    with pytest.raises(ContextalkError, match=says):
        check_segmenter(request, LowerHalf())
