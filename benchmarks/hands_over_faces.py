"""Real hands laid over real faces at known places: how many are found, and how well their shape covers them.

    python benchmarks/hands_over_faces.py HANDS.mp4 --faces VIDEO...

Hands are cut out of a video in which they are seen apart from the face, as they are found there whole; turned, resized
to what a hand is beside a face (palm over face height 0.68), and laid over faces of others. A hand counts as found
where a shape overlaps it by half. The same faces without hands give the false alarms.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from contextalk.faces.hand_watch import SQUARE_GROWTH
from contextalk.faces.hands import HandFinder, draw_hand, palm_length
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.media.video import probe, read_at

PLACES = {"mouth": (0.0, 0.25), "image-left cheek": (-0.4, 0.1), "image-right cheek": (0.4, 0.1), "chin": (0.0, 0.6)}
"""Where a hand's middle lies, in face heights from the middle of the face."""

PALM_SHARE = 0.68
"""A palm's length (wrist to middle knuckle, 97 mm) over the height from brows to chin (142 mm)."""

_NUM_HANDS, _NUM_FACES = 12, 12
_SURE = 0.95
_CARRIED_PX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class CutHand:
    """A hand out of its picture.

    Attributes:
        rgb: (400, 400, 3), the hand's middle in the middle, its palm 100 px long.
        alpha: (400, 400) in [0, 1].
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]


def hands_of(video: Path, find: HandFinder) -> list[CutHand]:
    """Hands of a video, spread over it."""
    cut: list[CutHand] = []
    for rgb in read_at(video, np.linspace(0, probe(video).times_s[-1], _NUM_HANDS)):
        for hand in find(rgb):
            if hand.presence < _SURE:
                continue
            shape = np.zeros(rgb.shape[:2], np.uint8)
            draw_hand(shape, hand.joints)
            scale = 100 / palm_length(hand.joints)
            middle = hand.joints.mean(axis=0)
            matrix = np.array([[scale, 0, _CARRIED_PX / 2 - scale * middle[0]], [0, scale, 200 - scale * middle[1]]])
            size = (_CARRIED_PX, _CARRIED_PX)
            soft = cv2.GaussianBlur(cv2.warpAffine(shape, matrix, size), (0, 0), 2)
            cut.append(
                CutHand(
                    rgb=np.asarray(cv2.warpAffine(rgb, matrix, size), np.uint8), alpha=(soft / 255).astype(np.float32)
                )
            )
    return cut


def lay(
    rgb: NDArray[np.uint8], points: NDArray[np.floating], hand: CutHand, place: tuple[float, float], turn_deg: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The picture with the hand over its face, and where that is."""
    height = float(np.ptp(points[:68, 1]))
    middle = (points[:68].min(axis=0) + points[:68].max(axis=0)) / 2 + height * np.array(place)
    matrix = cv2.getRotationMatrix2D((_CARRIED_PX / 2, _CARRIED_PX / 2), turn_deg, height * PALM_SHARE / 100)
    matrix[:, 2] += middle - _CARRIED_PX / 2
    size = rgb.shape[1::-1]
    alpha = cv2.warpAffine(hand.alpha, matrix, size)[..., None]
    laid = cv2.warpAffine(hand.rgb, matrix, size)
    return np.rint(rgb * (1 - alpha) + laid * alpha).astype(np.uint8), alpha[..., 0] >= 0.5


def found_in(rgb: NDArray[np.uint8], points: NDArray[np.floating], find: HandFinder) -> NDArray[np.bool_]:
    """(H, W) whatever is taken for a hand around a head."""
    low, high = points[:68].min(axis=0), points[:68].max(axis=0)
    half = SQUARE_GROWTH * float((high - low).max()) / 2
    middle = (low + high) / 2
    left, top = np.maximum(middle - half, 0).astype(int)
    right, bottom = np.minimum(middle + half, rgb.shape[1::-1]).astype(int)
    shape = np.zeros(rgb.shape[:2], np.uint8)
    for hand in find(np.ascontiguousarray(rgb[top:bottom, left:right])):
        draw_hand(shape, hand.joints + np.array([left, top]))
    return shape > 0


def main(hands: tyro.conf.Positional[Path], faces: tuple[Path, ...], sheet: Path | None = None) -> None:
    """Measure, and print a row a place.

    Args:
        hands: Video in which hands are seen apart from the face.
        faces: Videos whose largest face gets them.
        sheet: Picture to draw of some of them, what was found tinted.
    """
    find, backend, random = HandFinder(), MediapipeBackend(), np.random.default_rng(0)
    cut = hands_of(hands, find)
    overlaps: dict[str, list[float]] = {place: [] for place in PLACES}
    num_faces = alarms = 0
    shown: list[NDArray[np.uint8]] = []
    for video in faces:
        for rgb in read_at(video, np.linspace(0, probe(video).times_s[-1], _NUM_FACES)):
            seen = backend.faces(rgb)
            if not len(seen):
                continue
            num_faces += 1
            alarms += bool(found_in(rgb, seen[0], find).any())
            for place, offset in PLACES.items():
                hand = cut[int(random.integers(len(cut)))]
                laid, truth = lay(rgb, seen[0], hand, offset, float(random.uniform(-180, 180)))
                found = found_in(laid, seen[0], find)
                overlaps[place].append(float((found & truth).sum() / max((found | truth).sum(), 1)))
                if sheet is not None and len(shown) < 32:
                    shown.append(_tinted(laid, found, seen[0]))
    sys.stdout.write(f"{len(cut)} hands, {num_faces} faces; false alarms on faces without a hand: {alarms}\n")
    for place, values in overlaps.items():
        hits = np.array([value for value in values if value >= 0.5])
        covered = f"{hits.mean():.2f}" if len(hits) else "-"
        sys.stdout.write(f"{place:18s} found {len(hits) / max(len(values), 1):.2f}, overlap of those {covered}\n")
    if sheet is not None and shown:
        rows = [np.concatenate(shown[at : at + 8], axis=1) for at in range(0, len(shown) // 8 * 8, 8)]
        cv2.imwrite(str(sheet), np.concatenate(rows)[..., ::-1])


def _tinted(rgb: NDArray[np.uint8], found: NDArray[np.bool_], points: NDArray[np.floating]) -> NDArray[np.uint8]:
    tinted = rgb.copy()
    tinted[found] = tinted[found] // 2 + np.array([0, 100, 0], np.uint8)
    middle, reach = points[:68].mean(axis=0), float(np.ptp(points[:68, 1])) * 1.3
    low, high = np.maximum(middle - reach, 0).astype(int), (middle + reach).astype(int)
    return np.asarray(cv2.resize(tinted[low[1] : high[1], low[0] : high[0]], (192, 192)), np.uint8)


if __name__ == "__main__":
    tyro.cli(main)
