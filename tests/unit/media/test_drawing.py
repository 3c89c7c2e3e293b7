import numpy as np
import pytest

from contextalk.media.drawing import BROW, EYE, FACE, INNER_MOUTH, LIPS, NOSE, PUPIL, draw_landmarks, draw_sequence


def face() -> tuple[np.ndarray, np.ndarray]:
    """A face in round numbers, mouth open."""
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.stack([128 + 70 * np.cos(angle), 120 + 90 * np.sin(angle)], axis=1)
    brows = [np.stack([np.linspace(x, x + 40, 5), np.full(5, 90.0)], axis=1) for x in (75, 140)]
    nose = [np.stack([np.full(4, 128.0), np.linspace(110, 140, 4)], axis=1)]
    nose.append(np.stack([np.linspace(115, 141, 5), np.full(5, 148.0)], axis=1))
    ring = np.array([[-1, 0], [-0.5, -0.5], [0.5, -0.5], [1, 0], [0.5, 0.5], [-0.5, 0.5]])
    eyes = [ring * [16, 16] + [x, 110] for x in (95, 160)]
    outer = np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    inner = np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    mouth = [np.stack([128 + 30 * np.cos(outer), 180 + 18 * np.sin(outer)], axis=1)]
    mouth.append(np.stack([128 + 22 * np.cos(inner), 180 + 10 * np.sin(inner)], axis=1))
    return np.concatenate([jaw, *brows, *nose, *eyes, *mouth]).astype(np.float32), np.array(
        [[95, 110], [160, 110]], np.float32
    )


@pytest.mark.parametrize(
    ("at", "colour"),
    [
        ((128, 180), INNER_MOUTH),
        ((128, 166), LIPS),
        ((95, 110), PUPIL),
        ((160, 110), PUPIL),
        ((85, 110), EYE),
        ((95, 90), BROW),
        ((128, 205), FACE),
        ((20, 20), (0, 0, 0)),
    ],
)
def test_parts_are_filled_in_colours_of_their_own(at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    drawn = draw_landmarks(*face())
    assert tuple(drawn[at[1], at[0]].tolist()) == colour


def test_without_pupils_eyes_are_plain() -> None:
    points, pupils = face()
    drawn = draw_landmarks(points, np.full_like(pupils, np.nan))
    assert tuple(drawn[110, 95].tolist()) == EYE


def test_a_face_that_is_not_there_is_black() -> None:
    points, pupils = face()
    points[3] = np.nan
    assert not draw_landmarks(points, pupils).any()


def test_a_fraction_of_a_pixel_shows() -> None:
    points, pupils = (np.round(values) + 0.5 for values in face())  # on pixel centres, which every rounding keeps
    columns = np.arange(256)
    drawn, moved = (draw_landmarks(points + by, pupils + by).sum(axis=(0, 2)) for by in (0, 0.25))
    shift = np.average(columns, weights=moved) - np.average(columns, weights=drawn)
    # Sixteenths of a pixel are kept; soft edges of strokes do the rest.
    assert shift == pytest.approx(0.25, abs=0.1)


def test_no_two_parts_share_a_colour() -> None:
    assert len({FACE, BROW, NOSE, EYE, LIPS, INNER_MOUTH, PUPIL, (0, 0, 0)}) == 8


def test_another_size_shows_the_same_face() -> None:
    points, pupils = face()
    large = draw_landmarks(points, pupils, size=512)
    assert large.shape == (512, 512, 3)
    small = large.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    # Strokes have whole widths and soft edges, which differ a little; other places would differ by tens.
    assert np.abs(small - draw_landmarks(points, pupils)).mean() < 3


def test_sequences_are_drawn_frame_by_frame() -> None:
    points, pupils = face()
    drawn = draw_sequence(np.stack([points, points + 5]), np.stack([pupils, pupils + 5]))
    assert np.array_equal(drawn[0], draw_landmarks(points, pupils))
    assert not np.array_equal(drawn[0], drawn[1])
