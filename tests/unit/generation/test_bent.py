"""The identity bent to a window, as the network sees it and as the scene has it."""

import cv2
import numpy as np
from tests.generation_kit import face_points

from contextalk.faces.crop import head_mask
from contextalk.faces.warp import bend, lay_heads
from contextalk.generation.bent import bend_identity
from contextalk.generation.identity import IdentityHead

INSIDE = head_mask().astype(bool)


def face(gap_px: float = 0.0) -> np.ndarray:
    points = face_points((128, 130), 110)
    points[65:68, 1] = points[[63, 62, 61], 1] + gap_px
    return np.concatenate([points, points[36:42].mean(axis=0)[None], points[42:48].mean(axis=0)[None]])


def textured(seed: int, size: int = 256) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return cv2.resize(smooth, (size, size), interpolation=cv2.INTER_CUBIC)


def masked_like(head: np.ndarray, frames: int) -> np.ndarray:
    masked = head.copy()
    masked[INSIDE] = 128
    return np.repeat(masked[None], frames, axis=0)


def test_a_head_without_more_is_laid_as_in_training():
    head = IdentityHead(picture=textured(0), points=face(8))
    wanted = np.stack([face(8), face(8) + np.float32(4)])
    masked = masked_like(head.picture, 2)
    bent = bend_identity(head, masked, wanted)
    assert bent.fine is None
    assert bent.finest is bent.heads
    assert np.array_equal(bent.heads, lay_heads(masked, head.picture, head.points, wanted))


def test_the_scenes_own_pixels_are_bent_alike():
    head = IdentityHead(picture=textured(0), points=face(8), fine=textured(0, 768))
    wanted = np.stack([face(8) + np.float32(3)])
    bent = bend_identity(head, masked_like(head.picture, 1), wanted)
    assert bent.fine is not None
    assert bent.finest is bent.fine
    small = cv2.resize(bent.fine[0], (256, 256), interpolation=cv2.INTER_AREA)
    inner = cv2.erode(INSIDE.astype(np.uint8), np.ones((5, 5))) > 0
    # Bilinear sampling at 256 blurs more than at 768: of noise some levels are left.
    assert np.abs(small[inner].astype(int) - bent.heads[0][inner]).mean() < 8
    elsewhere = np.roll(small, 3, axis=0)
    assert np.abs(elsewhere[inner].astype(int) - bent.heads[0][inner]).mean() > 12


def test_a_mouth_that_opens_has_the_inside_of_the_wider_one():
    wide = IdentityHead(picture=np.full((256, 256, 3), 220, np.uint8), points=face(16))
    head = IdentityHead(picture=np.full((256, 256, 3), 60, np.uint8), points=face(0), mouth=wide)
    wanted = np.stack([face(0), face(14)])
    bent = bend_identity(head, masked_like(head.picture, 2), wanted).heads
    x, y = wanted[1][[62, 66]].mean(axis=0).astype(int)
    assert (bent[0, INSIDE] == 60).all()
    assert (bent[1, y, x] == 220).all()
    assert (bent[1, INSIDE] == 60).all(axis=-1).mean() > 0.9


def test_a_bend_is_the_same_at_every_size():
    points, wanted = face(8), face(8) * 1.04
    one = bend(points, wanted.astype(np.float32))
    large = one.of(textured(1, 512))
    assert large.shape == (512, 512, 3)
    small = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    # A quarter px of misplacement would show as 5 levels in this texture.
    assert np.abs(small[INSIDE].astype(int) - one.of(textured(1))[INSIDE]).mean() < 4
