"""Whether anything beyond the mask was touched.

Of whole clips alone: by window, every other window's head would lie outside.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.faces.crop import scene_mask
from contextalk.generation.compositor import stored_mask
from contextalk.media.planes import bit_depth, plane_views
from contextalk.media.source import SourceFormat, inspect_source, open_source

COLUMNS = {
    "changed outside": Column(
        unit="samples",
        better="lower",
        says="samples outside the mask that differ from the real video's, on decoded planes of a lossless output; "
        "must be 0 (benchmarks/contract.py counts it on any scenes)",
        needs="a lossless generated video in the scene's pixel format, made without --mask",
    ),
    "difference outside, lossy": Column(
        unit="levels",
        better="lower",
        says="mean absolute difference of samples outside the mask, in 8-bit levels, where the output is compressed",
        needs="a compressed generated video in the scene's pixel format, made without --mask",
    ),
}

ROUNDING_PX = 0.01
"""Added to the side of the square: the report rounds it, and a sample so near the border is left out."""


def measure(evidence: Evidence) -> dict[str, float]:
    """The columns of one clip."""
    figures = dict.fromkeys(COLUMNS, float("nan"))
    if evidence.user_mask or evidence.video is None:
        return figures
    source, output = inspect_source(evidence.reference), inspect_source(evidence.video)
    if _comparable(source.format, output.format):
        changed, difference = _outside(evidence, evidence.video, source.format)
        figures |= {"changed outside": changed} if evidence.lossless else {"difference outside, lossy": difference}
    return figures


def _comparable(source: SourceFormat, output: SourceFormat) -> bool:
    return source.stored_px == output.stored_px and source.colour.pix_fmt == output.colour.pix_fmt


def _outside(evidence: Evidence, video: Path, source: SourceFormat) -> tuple[float, float]:
    """How many samples outside the mask differ, and their mean absolute difference in 8-bit levels."""
    levels = 2.0 ** (bit_depth(source.colour.pix_fmt) - 8)
    changed, total, samples = 0, 0.0, 0
    for kept, real, made in zip(
        _kept(evidence, source), open_source(evidence.reference), open_source(video), strict=True
    ):
        for outside, a, b in zip(kept, plane_views(real.frame), plane_views(made.frame), strict=True):
            apart = np.abs(a[outside].astype(np.int32) - b[outside].astype(np.int32))
            changed += int(np.count_nonzero(apart))
            total += float(apart.sum())
            samples += apart.size
    return float(changed), total / levels / samples if samples else float("nan")


def _kept(evidence: Evidence, source: SourceFormat) -> Iterator[tuple[NDArray[np.bool_], ...]]:
    """For each frame, which samples of each plane lie outside the mask; a frame that was not generated is all outside.

    A chroma sample is outside as soon as one of its luma places is, as in the compositor.
    """
    for frame, generated in enumerate(evidence.generated):
        side = float(evidence.crop.side_px[frame]) + ROUNDING_PX
        mask = stored_mask(scene_mask(source.size_px, evidence.crop.centre_px[frame], side), source)
        outside = np.asarray((mask == 0) | (not generated), np.bool_)
        x, y = source.colour.shrink
        height, width = outside.shape
        padded = np.pad(outside, ((0, -height % y), (0, -width % x)), mode="edge")
        blocks = padded.reshape(padded.shape[0] // y, y, padded.shape[1] // x, x)
        chroma = np.asarray(blocks.any(axis=(1, 3)), np.bool_)
        yield (outside, *(() if source.colour.pix_fmt.startswith("gray") else (chroma, chroma)))
