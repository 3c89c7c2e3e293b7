"""Krippendorff's alpha against published examples and the extremes it is defined by."""

import numpy as np
import pytest

from contextalk.evaluation.study.agreement import krippendorff_alpha

X = np.nan

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units.
FOUR_OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
        [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
    ]
)


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_published_example(level: str, published: float) -> None:
    # Published to three digits.
    assert krippendorff_alpha(FOUR_OBSERVERS, level) == pytest.approx(published, abs=5e-4)  # pyright: ignore[reportArgumentType]


def test_by_hand() -> None:
    """Two raters, units (1, 1), (2, 2), (1, 3): coincidences o11 = 2, o22 = 2, o13 = o31 = 1; n = (3, 2, 1).

    Interval: D_o = (1 + 1)·4 = 8; D_e = 2·(3·2·1 + 3·1·4 + 2·1·1) / 5 = 8; alpha = 0.
    Ordinal: mid-ranks 1.5, 4, 5.5; D_o = 2·16 = 32; D_e = 2·(6·6.25 + 3·16 + 2·2.25) / 5 = 36; alpha = 1 − 32/36.
    """
    scores = np.array([[1.0, 2, 1], [1, 2, 3]])
    assert krippendorff_alpha(scores, "interval") == pytest.approx(0.0, abs=1e-12)  # float64 rounding
    assert krippendorff_alpha(scores, "ordinal") == pytest.approx(1 - 32 / 36, abs=1e-12)


def test_agreement_is_one_and_opposition_is_negative() -> None:
    agreed = np.array([[1.0, 2, 5], [1, 2, 5], [1, 2, X]])
    assert krippendorff_alpha(agreed) == pytest.approx(1.0)
    assert krippendorff_alpha(np.array([[1.0, 5, 1, 5], [5, 1, 5, 1]])) < 0


@pytest.mark.parametrize(
    "scores", [np.array([[1.0, 2, 3]]), np.array([[1.0, X], [X, 2]]), np.full((3, 4), 2.0), np.full((2, 2), X)]
)
def test_what_cannot_be_said_is_nan(scores: np.ndarray) -> None:
    assert np.isnan(krippendorff_alpha(scores))
