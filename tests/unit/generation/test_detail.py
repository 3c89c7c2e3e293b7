"""Detail of a known head: given where the generated one is alike, withheld where it is not."""

import numpy as np

from contextalk.generation.detail import LIKENESS, restore_detail

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
