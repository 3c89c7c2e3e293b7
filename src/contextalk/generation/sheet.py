"""A picture of a result: what was given, what was drawn, what came out, every few frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from contextalk.core.records import GenerateResult
from contextalk.faces.crop import scene_mask
from contextalk.faces.views import GREY, head_crop
from contextalk.media.drawing import draw_landmarks
from contextalk.media.video import read_at

COLUMNS = 8
SCENE_HEIGHT_PX = 192
HEAD_PX = 256

_GAP_PX, _LABEL_PX, _TITLE_PX = 6, 150, 24
_PAPER, _INK = (250, 250, 248), (30, 30, 30)
_ROWS = ("masked scene", "landmarks", "head", "composite")

Picture = NDArray[np.uint8]


def contact_sheet(scene: Path, result: GenerateResult, columns: int = COLUMNS) -> Image.Image:
    """Rows: masked scene, landmarks, head, composite; columns: generated frames, evenly over the scene.

    The head is cut from the composite as written, with what surrounds it, so that a seam would show.

    Args:
        scene: The video that went in.
        result: What came out of it, made without a user's mask.
        columns: How many frames; fewer where fewer were generated.
    """
    generated = np.flatnonzero(result.landmarks.valid)
    frames = generated[np.linspace(0, len(generated) - 1, min(columns, len(generated))).round().astype(int)]
    times = result.landmarks.times_s[frames]
    pairs = zip(frames.tolist(), read_at(scene, times), read_at(result.output, times), strict=True)
    cells = [_column(result, frame, before, after) for frame, before, after in pairs]
    return _lay_out(cells, times)


def _column(result: GenerateResult, frame: int, before: Picture, after: Picture) -> list[Picture]:
    landmarks, crop = result.landmarks, result.crop[np.array([frame])]
    centre, side = crop.centre_px[0], float(crop.side_px[0])
    masked = np.where(scene_mask(landmarks.size_px, centre, side)[..., None] > 0, np.uint8(GREY), before)
    drawing = draw_landmarks(
        crop.to_crop(landmarks.points[frame][None])[0], crop.to_crop(landmarks.pupils[frame][None])[0]
    )
    return [_at_height(masked), drawing, head_crop(after, centre, side), _at_height(after)]


def _at_height(rgb: Picture) -> Picture:
    width = round(rgb.shape[1] * SCENE_HEIGHT_PX / rgb.shape[0])
    return np.asarray(Image.fromarray(rgb).resize((width, SCENE_HEIGHT_PX), Image.Resampling.LANCZOS))


def _lay_out(columns: Sequence[Sequence[Picture]], times_s: NDArray[np.float64]) -> Image.Image:
    width = max(cell.shape[1] for cell in columns[0]) + _GAP_PX
    heights = [cell.shape[0] + _GAP_PX for cell in columns[0]]
    tops = _TITLE_PX + np.concatenate([[0], np.cumsum(heights)])
    sheet = Image.new("RGB", (_LABEL_PX + len(columns) * width, int(tops[-1])), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for row, name in enumerate(_ROWS):
        pen.text((_GAP_PX, int(tops[row]) + heights[row] // 2), name, fill=_INK, font=font, anchor="lm")
    for index, (column, time_s) in enumerate(zip(columns, times_s, strict=True)):
        left = _LABEL_PX + index * width
        pen.text((left + width // 2, _TITLE_PX // 2), f"{time_s:.2f} s", fill=_INK, font=font, anchor="mm")
        for top, cell in zip(tops, column, strict=False):
            sheet.paste(Image.fromarray(cell), (left + (width - _GAP_PX - cell.shape[1]) // 2, int(top)))
    return sheet
