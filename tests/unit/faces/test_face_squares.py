"""Squares of faces as published networks were shown them."""

from pathlib import Path

import numpy as np
import pytest

from contextalk.core.time import clip_times
from contextalk.faces.face_squares import face_squares
from contextalk.media.video import read_at, write_video
from judges_kit import face_points


def test_the_square_reaches_below_the_chin(tmp_path: Path) -> None:
    scene = np.full((400, 400, 3), 50, np.uint8)
    scene[240:] = 200
    video = tmp_path / "scene.mp4"
    write_video(video, [scene] * 14, crf=1)
    points = np.full((14, 68, 2), np.nan, np.float32)
    points[:] = (200, 150)
    points[:, 0], points[:, 16], points[:, 8], points[:, 19] = (160, 150), (240, 150), (200, 230), (200, 130)
    square = face_squares(read_at(video, clip_times(14)), points)[7]
    # Box: 130 … 230 and 0.3 · 100 of hairline: 100 … 230, half 65, middle 165. Rows 100 … 165 + 65 · 1.8 = 282.
    border = (240 - 100) / (282 - 100) * 224
    level = square[:, 112].mean(axis=-1)
    # Bilinear resampling and the codec blur the border over about two rows.
    assert np.abs(level - 125).argmin() == pytest.approx(border, abs=2)
    assert square.shape == (224, 224, 3)


def test_beyond_the_picture_there_is_grey(tmp_path: Path) -> None:
    video = tmp_path / "scene.mp4"
    write_video(video, [np.full((200, 200, 3), 250, np.uint8)] * 14, crf=1)
    square = face_squares(read_at(video, clip_times(14)), face_points(14, nose=(20.0, 100.0)))[7]
    # The codec moves flat grey by a level or two.
    assert np.abs(square[112, :10].astype(int) - 110).max() <= 1
    assert np.abs(square[112, -10:].astype(int) - 250).max() <= 3
