from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import outside
from contextalk.faces.crop import scene_mask
from contextalk.media.planes import plane_views

Make = Callable[..., Evidence]
FRAMES = 6
SIZE_PX = (160, 120)


def write(path: Path, luma: np.ndarray, codec: str, chroma: int = 128, options: dict[str, str] | None = None) -> Path:
    """Planes (F, H, W) as they are, 4:2:0."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = luma.shape[2], luma.shape[1], "yuv420p"
        for index, picture in enumerate(luma):
            frame = av.VideoFrame(luma.shape[2], luma.shape[1], "yuv420p")
            for plane, values in zip(plane_views(frame), (picture, chroma, chroma), strict=True):
                plane[...] = values
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def planes(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 200, (FRAMES, SIZE_PX[1], SIZE_PX[0]), dtype=np.uint8)


def compared(evidence: Evidence, real: Path, made: Path, *, lossless: bool = True) -> dict[str, float]:
    return outside.measure(replace(evidence, reference=real, video=made, lossless=lossless))


def test_only_samples_outside_the_mask_count_and_each_of_them_does(clip: Make, tmp_path: Path) -> None:
    evidence = clip(frames=FRAMES)
    mask = scene_mask(SIZE_PX, evidence.crop.centre_px[0], 100.0) > 0
    real = planes()
    inside = np.where(mask, 255 - real, real).astype(np.uint8)
    reference = write(tmp_path / "real.mkv", real, "ffv1")
    figures = compared(evidence, reference, write(tmp_path / "inside.mkv", inside, "ffv1"))
    assert figures["changed outside"] == 0
    assert np.isnan(figures["difference outside, lossy"])
    touched = inside.copy()
    touched[2, 0, :3] += 1
    touched[4, 119, 159] += 7
    figures = compared(evidence, reference, write(tmp_path / "touched.mkv", touched, "ffv1"))
    assert figures["changed outside"] == 4


def test_a_frame_that_was_not_generated_is_all_outside(clip: Make, tmp_path: Path) -> None:
    evidence = clip(frames=FRAMES, spans=((0, FRAMES - 1),))
    real = planes()
    changed = real.copy()
    changed[FRAMES - 1, 60, 80] += 1
    reference = write(tmp_path / "real.mkv", real, "ffv1")
    assert compared(evidence, reference, write(tmp_path / "made.mkv", changed, "ffv1"))["changed outside"] == 1


def test_chroma_counts_as_outside_where_one_of_its_luma_places_is(clip: Make, tmp_path: Path) -> None:
    evidence = clip(frames=FRAMES)
    reference = write(tmp_path / "real.mkv", planes(), "ffv1")
    made = write(tmp_path / "made.mkv", planes(), "ffv1", chroma=131)
    mask = scene_mask(SIZE_PX, evidence.crop.centre_px[0], 100.0) > 0
    whole = mask[::2, ::2] & mask[1::2, ::2] & mask[::2, 1::2] & mask[1::2, 1::2]
    assert compared(evidence, reference, made)["changed outside"] == 2 * FRAMES * (~whole).sum()


def test_a_compressed_output_has_another_figure(clip: Make, tmp_path: Path) -> None:
    evidence = clip(frames=FRAMES)
    real = planes() // 4
    reference = write(tmp_path / "real.mkv", real, "ffv1")
    # Quantiser 0 keeps all values: the shift of luma by 3 is all there is to see.
    made = write(tmp_path / "made.mp4", real + 3, "libx264", options={"qp": "0"})
    figures = compared(evidence, reference, made, lossless=False)
    assert np.isnan(figures["changed outside"])
    mask = scene_mask(SIZE_PX, evidence.crop.centre_px[0], 100.0) > 0
    whole = mask[::2, ::2] & mask[1::2, ::2] & mask[::2, 1::2] & mask[1::2, 1::2]
    luma, chroma = (~mask).sum(), 2 * (~whole).sum()
    # The few samples within a hundredth of a px of the border are left out.
    assert figures["difference outside, lossy"] == pytest.approx(3 * luma / (luma + chroma), rel=1e-3)


def test_what_cannot_be_compared_is_not_measured(clip: Make, tmp_path: Path) -> None:
    evidence = clip(frames=FRAMES)
    assert np.isnan(outside.measure(evidence)["changed outside"])
    reference = write(tmp_path / "real.mkv", planes(), "ffv1")
    smaller = write(tmp_path / "small.mkv", planes()[:, :100], "ffv1")
    assert np.isnan(compared(evidence, reference, smaller)["changed outside"])
    assert np.isnan(list(outside.measure(replace(evidence, user_mask=True)).values())).all()
