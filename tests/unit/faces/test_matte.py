"""Who is the person in a picture, and what may be behind somebody else's head."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from contextalk.core.geometry import Points
from contextalk.faces import matte as room_of_mattes
from contextalk.faces.crop import head_mask
from contextalk.faces.hands import why_no_hands
from contextalk.faces.matte import behind, person_matte
from contextalk.faces.targets import identity_square
from contextalk.faces.views import head_crop, masked_crop
from contextalk.media.video import read_frames
from generation_kit import face_points


def face() -> Points:
    points = face_points((128, 140), 110)
    return np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])


def test_the_room_goes_on_behind_the_head_and_shoulders_do_not():
    wall, shirt = np.array([60, 120, 180]), np.array([250, 20, 20])
    scene = np.broadcast_to(wall, (256, 256, 3)).astype(np.uint8).copy()
    scene[200:] = shirt
    body = np.zeros((256, 256), np.float32)
    body[200:] = 1
    filled = behind(masked_crop(scene), body)
    hidden = head_mask() > 0
    hidden[200:] = False
    # One level: rounding.
    assert np.abs(filled[hidden].astype(int) - wall).max() <= 1
    bled = behind(masked_crop(scene), np.zeros((256, 256), np.float32))
    assert np.abs(bled[hidden].astype(int) - wall).max() > 20, "the shirt would be seen beside the neck"


def test_what_is_seen_of_the_room_stays():
    scene = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    masked = masked_crop(scene)
    filled = behind(masked, np.zeros((256, 256), np.float32))
    seen = head_mask() == 0
    assert np.array_equal(filled[seen], masked[seen])
    assert filled[~seen].std() < 0.5 * scene.std(), "behind the head it is smooth"


def test_a_face_is_the_persons_whatever_the_network_takes_it_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room_of_mattes, "_share_of_person", lambda _: np.zeros((256, 256), np.float32))
    picture = np.full((256, 256, 3), 90, np.uint8)
    matte = person_matte(picture, face())
    inside = np.zeros((256, 256), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(cv2.convexHull(face()[:68])).astype(np.int32), 1)
    inner = cv2.erode(inside, np.ones((7, 7), np.uint8)) > 0  # the edge is soft
    assert matte[inner].min() > 0.99
    assert matte[:60].max() < 0.01, "the wall above is nobody"


def test_others_in_the_picture_are_not_taken_along(monkeypatch: pytest.MonkeyPatch):
    share = np.zeros((256, 256), np.float32)
    picture = np.full((256, 256, 3), 90, np.uint8)
    for left in (70, 215):
        share[70:256, left : left + 30] = 1
        picture[70:256, left : left + 30] = 200
    share[70:256, 70:190], picture[70:256, 70:190] = 1, 200
    monkeypatch.setattr(room_of_mattes, "_share_of_person", lambda _: share)
    matte = person_matte(picture, face())
    assert matte[100:200, 80:180].min() > 0.99
    assert matte[:, 205:].max() < 0.01


def test_threads_do_not_share_a_network():
    """As two calls of `generate` in one program do."""
    pytest.importorskip("ai_edge_litert")
    if why_no_hands():
        pytest.skip(why_no_hands())
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    alone = person_matte(picture, face())
    with ThreadPoolExecutor(2) as pool:
        for matte in pool.map(lambda _: person_matte(picture, face()), range(8)):
            np.testing.assert_array_equal(matte, alone)


@pytest.mark.media
def test_a_real_man_is_told_from_a_blue_wall(media: Path):
    rgb = next(read_frames(media / "grid_s1_single_6min.mp4", start=50, stop=51)).rgb
    points, square = identity_square(rgb)
    head = head_crop(rgb, square.centre_px[0], float(square.side_px[0]))
    matte = person_matte(head, points)
    blue = head[..., 2].astype(int) - head[..., 0] > 60
    wall = cv2.erode((blue & (np.arange(256)[:, None] < 200)).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert wall.mean() > 0.3
    # Strands of hair before the wall are both.
    assert matte[wall].mean() < 0.02
    assert matte[100:190, 90:166].mean() > 0.98
