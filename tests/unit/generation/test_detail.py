"""Detail of a known head: given where the generated one is alike, withheld where it is not."""

import cv2
import numpy as np

from contextalk.generation.detail import LIKENESS, refine, restore_detail

RNG = np.random.default_rng(0)
CODED = np.full((2, 256, 256, 3), 120, np.uint8)
KNOWN = (CODED + RNG.integers(-20, 21, CODED.shape)).astype(np.uint8)


def test_a_head_like_the_known_one_becomes_the_known_one() -> None:
    np.testing.assert_array_equal(restore_detail(CODED, KNOWN, CODED), KNOWN)


def test_a_head_unlike_it_stays_as_it_is() -> None:
    other = (CODED + 4 * LIKENESS).astype(np.uint8)
    np.testing.assert_array_equal(restore_detail(other, KNOWN, CODED), other)


def test_a_mouth_of_another_shape_gets_no_detail_and_the_cheek_beside_it_all() -> None:
    head = CODED.copy()
    head[:, 180:210, 100:160] = 10
    restored = restore_detail(head, KNOWN, CODED)
    np.testing.assert_array_equal(restored[:, 190:200, 110:150], head[:, 190:200, 110:150])
    # Three deviations of the blur away from the mouth and more, nothing of it is seen.
    np.testing.assert_array_equal(restored[:, :165], KNOWN[:, :165])


def test_colours_stay_in_their_range() -> None:
    head = np.zeros((1, 256, 256, 3), np.uint8)
    np.testing.assert_array_equal(restore_detail(head, head, head + 15), head)


def test_a_head_like_the_bent_one_gets_the_scenes_own_pixels_and_a_mouth_unlike_it_none() -> None:
    fine = np.random.default_rng(1).integers(60, 180, (1, 768, 768, 3), dtype=np.uint8)
    bent = cv2.resize(fine[0], (256, 256), interpolation=cv2.INTER_AREA)[None]
    # An interpolated picture and its difference are added up again: roundings are left.
    assert np.abs(refine(bent, bent, fine).astype(int) - fine).max() <= 1
    head = bent.copy()
    head[:, 180:210, 100:160] = 10
    refined = refine(head, bent, fine)
    assert (refined[:, 3 * 190 : 3 * 200, 3 * 110 : 3 * 150] < 20).all()
    assert np.abs(refined[:, : 3 * 160].astype(int) - fine[:, : 3 * 160]).max() <= 1
