from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import seam
from contextalk.faces.crop import head_mask, scene_mask
from contextalk.media.planes import plane_views

Make = Callable[..., Evidence]
FRAMES = 6
SIZE_PX = (160, 120)


def test_a_pasted_box_shows_and_a_blurred_blend_shows_the_other_way(clip: Make) -> None:
    truth = clip()
    inside = head_mask()[None, ..., None] > 0
    pasted = np.where(inside, np.clip(truth.truth.heads.astype(int) + 60, 0, 255), truth.truth.heads).astype(np.uint8)
    blurred = np.stack([cv2.GaussianBlur(head, (0, 0), 6.0) for head in truth.truth.heads])
    assert seam.measure(truth)["seam"] == 1.0
    assert seam.measure(replace(truth, seen=replace(truth.seen, heads=pasted)))["seam"] > 1.15
    assert seam.measure(replace(truth, seen=replace(truth.seen, heads=blurred)))["seam"] < 0.8


def test_seam_in_closed_form_on_a_ramp(clip: Make) -> None:
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, None, :, None], (50, 256, 256, 3))
    truth = clip()
    truth = replace(truth, truth=replace(truth.truth, heads=ramp), seen=replace(truth.seen, heads=ramp // 2 * 2))
    # Central differences of a staircase of two levels are 0 or 2 where the ramp's are 1, ... and 1 on the mean.
    assert seam.measure(truth)["seam"] == pytest.approx(1.0, rel=0.02)  # columns in the band need not pair evenly
    truth = replace(truth, seen=replace(truth.seen, heads=ramp // 2))
    assert seam.measure(truth)["seam"] == pytest.approx(0.5, rel=0.02)


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
    return seam.measure(replace(evidence, reference=real, video=made, lossless=lossless))


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
    assert np.isnan(seam.measure(evidence)["changed outside"])
    reference = write(tmp_path / "real.mkv", planes(), "ffv1")
    smaller = write(tmp_path / "small.mkv", planes()[:, :100], "ffv1")
    assert np.isnan(compared(evidence, reference, smaller)["changed outside"])
    assert np.isnan(list(seam.measure(replace(evidence, user_mask=True)).values())).all()
