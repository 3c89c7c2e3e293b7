"""The smallest face that is found, measured by shrinking real ones into a wide picture.

    python benchmarks/smallest_face.py VIDEO...

Each video's largest face, at nine times spread over it, is shrunk with its picture to a number of heights (of the 68
points: brows to chin) and laid into an empty grey picture at nine places. A face counts as found where one is found
that overlaps the true one by half.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from contextalk.faces.detection import overlap
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.media.video import probe, read_at

HEIGHTS_PX = (12, 16, 20, 24, 28, 32, 40, 48, 64)
_TIMES = 9


def box_of(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(4,) x0 y0 x1 y1 around (68, 2)."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)]).astype(np.float64)


def laid(
    rgb: NDArray[np.uint8], points: NDArray[np.floating], height_px: float, size_px: tuple[int, int], place: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The picture, shrunk so that its face is so high, in an empty one; and where its face is then."""
    scale = height_px / float(np.ptp(points[:, 1]))
    shrunk = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((size_px[1], size_px[0], 3), 128, np.uint8)
    room = np.maximum(np.array(size_px) - shrunk.shape[1::-1], 0)
    left, top = (room * np.array([place % 3, place // 3]) / 2).astype(int)
    part = shrunk[: size_px[1] - top, : size_px[0] - left]
    canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
    return canvas, box_of(points * scale + [left, top])


def main(videos: tyro.conf.Positional[tuple[Path, ...]], size_px: tuple[int, int] = (1280, 720)) -> None:
    """Measure, and print a row a height.

    Args:
        videos: Whose largest faces are shrunk.
        size_px: Of the picture they are laid into.
    """
    backend, found = MediapipeBackend(), dict.fromkeys(HEIGHTS_PX, 0)
    total = 0
    for video in videos:
        times_s = np.linspace(0, probe(video).times_s[-1], _TIMES)
        for place, rgb in enumerate(read_at(video, times_s)):
            faces = backend.faces(rgb)
            if not len(faces):
                continue
            total += 1
            for high in HEIGHTS_PX:
                canvas, truth = laid(rgb, faces[0], high, size_px, place)
                seen = [box_of(points) for points in backend.faces(canvas)]
                found[high] += bool(seen) and float(overlap(np.array(seen), truth[None]).max()) >= 0.5
    sys.stdout.write(f"{total} faces in {size_px[0]}x{size_px[1]}\n")
    for high, count in found.items():
        sys.stdout.write(f"{high:3d} px  {count / max(total, 1):.2f}\n")


if __name__ == "__main__":
    tyro.cli(main)
