"""The identity bent to a window, as the network sees it and as the scene has it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.generation_kit import face_points

from contextalk.faces.crop import head_mask
from contextalk.faces.warp import bend, lay, lay_heads
from contextalk.generation.bent import BentHeads, bend_identity, cross_fade, finish
from contextalk.generation.identity import IdentityHead

INSIDE = head_mask().astype(bool)


def face(gap_px: float = 0.0) -> np.ndarray:
    points = face_points((128, 130), 110)
    points[65:68, 1] = points[[63, 62, 61], 1] + gap_px
    points[55:60, 1] += gap_px
    return np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])


def textured(seed: int, size: int = 256) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return cv2.resize(smooth, (size, size), interpolation=cv2.INTER_CUBIC)


def masked_like(head: np.ndarray, frames: int) -> np.ndarray:
    masked = head.copy()
    masked[INSIDE] = 128
    return np.repeat(masked[None], frames, axis=0)


def test_a_head_is_laid_as_in_training():
    head = IdentityHead(picture=textured(0), points=face(8))
    wanted = np.stack([face(8), face(8) + np.float32(4)])
    masked = masked_like(head.picture, 2)
    bent = bend_identity(head, masked, wanted)
    assert bent.fine is None
    assert np.array_equal(lay(masked, bent.heads), lay_heads(masked, head.picture, head.points, wanted))


def striped(period_px: int) -> np.ndarray:
    """(768, 768, 3) of a colour that changes over 256 px, with stripes that 256 px do not hold."""
    smooth = textured(0, 768).astype(int) // 2 + 60
    return (smooth + 40 * ((np.arange(768) // period_px) % 2)[:, None, None]).astype(np.uint8)


def test_the_scenes_own_pixels_are_bent_alike():
    fine = striped(1)
    head = IdentityHead(picture=cv2.resize(fine, (256, 256), interpolation=cv2.INTER_AREA), points=face(8), fine=fine)
    wanted = np.stack([face(8) + np.float32(3)])
    bent = bend_identity(head, masked_like(head.picture, 1), wanted)
    assert bent.fine is not None
    small = cv2.resize(bent.fine[0], (256, 256), interpolation=cv2.INTER_AREA)
    inner = cv2.erode(INSIDE.astype(np.uint8), np.ones((5, 5))) > 0
    # Bilinear sampling at 256 blurs more than at 768: of noise some levels are left.
    assert np.abs(small[inner].astype(int) - bent.heads[0][inner]).mean() < 8
    elsewhere = np.roll(small, 3, axis=0)
    assert np.abs(elsewhere[inner].astype(int) - bent.heads[0][inner]).mean() > 10
    # And they have what the crop has not.
    rough = np.abs(np.diff(bent.fine[0].astype(int), axis=0)).mean()
    smooth = cv2.resize(bent.heads[0], (768, 768), interpolation=cv2.INTER_CUBIC)
    assert rough > 3 * np.abs(np.diff(smooth.astype(int), axis=0)).mean()


def with_bright_inside(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 3) of 60 levels, 220 between the inner lips."""
    picture = np.full((size, size, 3), 60, np.uint8)
    corners = np.rint(points[60:68] * size / 256).astype(np.int32)
    cv2.fillPoly(picture, [corners], (220, 220, 220))
    return picture


def test_a_fine_mouth_is_lent_too():
    wide = IdentityHead(
        picture=with_bright_inside(face(16), 256), points=face(16), fine=with_bright_inside(face(16), 512)
    )
    head = IdentityHead(
        picture=np.full((256, 256, 3), 60, np.uint8),
        points=face(0),
        fine=np.full((512,) * 2 + (3,), 60, np.uint8),
        lenders=(wide,),
    )
    fine = bend_identity(head, masked_like(head.picture, 1), face(14)[None]).fine
    assert fine is not None
    x, y = (2 * face(14)[[62, 66]].mean(axis=0)).astype(int)
    assert (fine[0, y, x] == 220).all()
    assert (fine[0, 100, 256] == 60).all()


def test_a_strangers_own_head_keeps_all_but_the_inside_of_a_mouth():
    head = IdentityHead(picture=textured(0), points=face(0), fine=striped(1))
    wanted = np.stack([face(0), face(14)])
    bent = bend_identity(head, masked_like(head.picture, 2), wanted)
    generated = np.full_like(bent.heads, 255)
    own = finish(generated, bent, head, wanted, own=True)
    assert own.shape == (2, 768, 768, 3)
    # Where the bent head is shown as it is, its fine pixels are (levels are rounded on the way).
    assert np.abs(own[0].astype(int) - bent.fine[0]).max() <= 1
    x, y = (3 * wanted[1][[62, 66]].mean(axis=0)).astype(int)
    assert own[1, y, x].min() > 225
    drawn = finish(generated, bent, head, wanted, own=False)
    assert drawn[0].min() > 225  # unlike the bent head everywhere: none of its detail
    assert np.array_equal(finish(generated, replace(bent, fine=None), head, wanted, own=False), generated)


def test_one_head_fades_into_another_over_a_window():
    heads = [
        BentHeads(heads=np.full((8, 4, 4, 3), level, np.uint8), fine=np.full((8, 8, 8, 3), level, np.uint8))
        for level in (30, 100)
    ]
    mixed = cross_fade(*heads)
    np.testing.assert_array_equal(mixed.heads[:, 0, 0, 0], np.linspace(30, 100, 8))
    np.testing.assert_array_equal(mixed.fine[:, 0, 0, 0], np.linspace(30, 100, 8))


def test_each_frame_has_the_mouth_most_alike():
    wide = IdentityHead(picture=with_bright_inside(face(16), 256), points=face(16))
    head = IdentityHead(picture=np.full((256, 256, 3), 60, np.uint8), points=face(0), lenders=(wide,))
    wanted = np.stack([face(0), face(0), face(14), face(14)])
    bent = bend_identity(head, masked_like(head.picture, 4), wanted).heads
    x, y = wanted[2][[62, 66]].mean(axis=0).astype(int)
    assert (bent[:2, INSIDE] == 60).all()
    assert (bent[2:, y, x] == 220).all()
    assert (bent[2:, INSIDE] == 60).all(axis=-1).mean() > 0.9


def test_a_bend_is_the_same_at_every_size():
    points, wanted = face(8), face(8) * 1.04
    one = bend(points, wanted.astype(np.float32))
    large = one.of(textured(1, 512))
    assert large.shape == (512, 512, 3)
    small = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    # A quarter px of misplacement would show as 5 levels in this texture.
    assert np.abs(small[INSIDE].astype(int) - one.of(textured(1))[INSIDE]).mean() < 4


@pytest.mark.parametrize("fine", [False, True])
def test_a_picture_from_elsewhere_leaves_its_room_there(fine: bool):
    """The right half is the person's: left of it the scene's wall goes on, as fine as the head is."""
    own = np.full((256, 256, 3), 200, np.uint8)
    matte = np.zeros((256, 256), np.float32)
    matte[:, 128:] = 1
    large = cv2.resize(own, (768, 768)) if fine else None
    head = IdentityHead(picture=own, points=face(8), matte=matte, fine=large)
    masked = masked_like(np.full((256, 256, 3), 50, np.uint8), 1)
    bent = bend_identity(head, masked, face(8)[None])
    heads, times = (bent.heads, 1) if bent.fine is None else (bent.fine, 3)
    assert len(heads[0]) == 256 * times
    middle = heads[0, 128 * times]
    assert np.abs(middle[60 * times : 120 * times].astype(int) - 50).max() <= 1
    assert (middle[136 * times : 190 * times] == 200).all()
    mirrored = head.mirrored().matte
    assert mirrored is not None
    assert np.array_equal(mirrored, matte[:, ::-1])
