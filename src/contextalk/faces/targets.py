"""Who is meant: `largest | left | right | INDEX | X,Y@SECONDS | FACE.png | auto`, and the picture of somebody."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError, TargetError
from contextalk.core.geometry import CropPath, Points
from contextalk.core.records import Analysis, Landmarks, Shot, Track
from contextalk.faces.appearance import FARTHEST_SAME, describe, distance
from contextalk.faces.backends import PictureBackend
from contextalk.faces.crop import crop_path
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.faces.pose import head_pose
from contextalk.media.video import read_at

WORDS = "largest | left | right | INDEX | X,Y@SECONDS | FACE.png | auto"

_LOOKS_PER_TRACK = 9
_FOREHEAD = 0.6
"""The 68 points end at the brows; a click on the hair is meant too. Share of the box's height."""


def choose_target(analysis: Analysis, target: str) -> Track:
    """The track that is meant.

    Args:
        analysis: Of the scene.
        target: `largest` (area summed over time) | `left` | `right` (mean position) | INDEX | `X,Y@SECONDS` (scene px)
            | FACE.png (most alike by `appearance`, a simple descriptor) | `auto` (who speaks longest).

    Raises:
        TargetError: Nobody is meant; the line says who is there.
    """
    if not analysis.tracks:
        raise TargetError(f"no face in {analysis.scene.path}, wanted somebody for --target {target}")
    words: dict[str, Callable[[Analysis], Track]] = {
        "largest": lambda found: max(found.tracks, key=_area),
        "left": lambda found: found.tracks[0],
        "right": lambda found: found.tracks[-1],
        "auto": _who_speaks,
    }
    if target in words:
        return words[target](analysis)
    if re.fullmatch(r"-?\d+", target):
        return _by_index(analysis, int(target))
    clicked = re.fullmatch(r"(\d+\.?\d*),(\d+\.?\d*)@(\d+\.?\d*)", target)
    if clicked:
        return _by_click(analysis, target, *(float(number) for number in clicked.groups()))
    if Path(target).suffix:
        return _by_picture(analysis, Path(target))
    raise TargetError(f"target {target!r} is none of {WORDS}; {people_line(analysis)}")


def people_line(analysis: Analysis) -> str:
    """Who is in a scene, for messages: `2 people: 0 at x 190, 1 at x 530`."""
    places = [f"{t.index} at x {np.nanmean(t.landmarks.points[..., 0]):.0f}" for t in analysis.tracks]
    count = f"{len(places)} {'person' if len(places) == 1 else 'people'}"
    return f"the scene has {count}" + (f": {', '.join(places)}" if places else "")


def identity_square(
    rgb: NDArray[np.uint8],
    name: str = "identity picture",
    backend: PictureBackend | None = None,
    landmarks: Landmarks | None = None,
) -> tuple[Points, CropPath]:
    """The largest face in a picture: its points (70, 2) in crop px, and its square by the scene's own crop function.

    Args:
        rgb: (H, W, 3).
        name: What to call the picture in the error.
        backend: Finds the face; None: the default one.
        landmarks: Where the face is, of one frame, instead of looking for it.

    Raises:
        TargetError: No face, or landmarks of another picture.
    """
    if landmarks is None:
        landmarks = _picture_landmarks(rgb, name, backend)
    else:
        _check_landmarks(landmarks, rgb, name)
    square = crop_path(landmarks, [Shot(start=0, stop=1)])
    return square.to_crop(np.concatenate([landmarks.points, landmarks.pupils], axis=1))[0], square


def _picture_landmarks(rgb: NDArray[np.uint8], name: str, backend: PictureBackend | None) -> Landmarks:
    faces = (backend or MediapipeBackend()).faces(rgb)
    size_px = (rgb.shape[1], rgb.shape[0])
    if not len(faces):
        raise TargetError(f"no face in {name} ({size_px[0]}x{size_px[1]} px), wanted one face seen from the front")
    return Landmarks(
        points=faces[:1, :68],
        pupils=faces[:1, 68:],
        head_pose=head_pose(faces[:1, :68], size_px),
        valid=np.ones(1, bool),
        times_s=np.zeros(1),
        size_px=size_px,
    )


def _check_landmarks(landmarks: Landmarks, rgb: NDArray[np.uint8], name: str) -> None:
    size_px = (rgb.shape[1], rgb.shape[0])
    if landmarks.size_px != size_px or len(landmarks) != 1 or not landmarks.valid.all():
        raise TargetError(
            f"the landmarks beside {name} are {len(landmarks)} faces in {landmarks.size_px[0]}x{landmarks.size_px[1]} "
            f"px, {int(landmarks.valid.sum())} of them valid, wanted one valid face in {size_px[0]}x{size_px[1]} px"
        )
    points = landmarks.points[0]
    if not np.isfinite(points).all():
        missing = np.flatnonzero(~np.isfinite(points).all(axis=1)).tolist()
        raise TargetError(f"the landmarks beside {name} lack points {missing}, wanted all {len(points)}")
    if not ((points >= 0) & (points < size_px)).all(axis=1).mean() > 0.5:
        raise TargetError(f"the landmarks beside {name} lie outside the picture of {size_px[0]}x{size_px[1]} px")


def _area(track: Track) -> float:
    box = track.box_px
    return float(np.nansum((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])))


def _who_speaks(analysis: Analysis) -> Track:
    speaker = max(analysis.tracks, key=lambda track: float(track.speaking.sum()))
    if not speaker.speaking.any():
        raise TargetError(f"target auto: nobody is heard to speak in {analysis.scene.path}; {people_line(analysis)}")
    return speaker


def _by_index(analysis: Analysis, index: int) -> Track:
    for track in analysis.tracks:
        if track.index == index:
            return track
    raise TargetError(f"no person {index}; {people_line(analysis)}")


def _by_click(analysis: Analysis, target: str, x: float, y: float, at_s: float) -> Track:
    times_s = analysis.scene.times_s
    if at_s > analysis.scene.duration_s:
        raise TargetError(f"target {target}: the scene ends at {analysis.scene.duration_s:.2f} s")
    frame = int(np.abs(times_s - at_s).argmin())
    hit: list[tuple[float, Track]] = []
    for track in analysis.tracks:
        x0, y0, x1, y1 = track.box_px[frame]
        # Comparisons with the NaN of an unseen face are false, so it is never hit.
        if x0 <= x <= x1 and y0 - _FOREHEAD * (y1 - y0) <= y <= y1:
            hit.append((float(np.hypot(x - (x0 + x1) / 2, y - (y0 + y1) / 2)), track))
    if not hit:
        raise TargetError(f"no face at {x:g},{y:g} at {at_s:g} s; {people_line(analysis)}")
    return min(hit, key=lambda pair: pair[0])[1]


def _by_picture(analysis: Analysis, path: Path) -> Track:
    if not path.is_file():
        raise TargetError(f"target picture {path} does not exist; {people_line(analysis)}")
    content = np.frombuffer(path.read_bytes(), np.uint8)
    stored = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    if stored is None:
        raise ContextalkError(f"{path} is no picture, wanted PNG or JPEG")
    rgb = np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)
    wanted = describe(rgb, _picture_landmarks(rgb, str(path), None).points[0])
    apart = [distance(wanted, _look(analysis, track)) for track in analysis.tracks]
    best = int(np.argmin(apart))
    if apart[best] > FARTHEST_SAME:
        raise TargetError(f"nobody looks like {path} (nearest: person {best}); {people_line(analysis)}")
    return analysis.tracks[best]


def _look(analysis: Analysis, track: Track) -> NDArray[np.float32]:
    """Mean descriptor over frames spread evenly over those where the person is seen."""
    seen = np.flatnonzero(track.landmarks.valid)
    frames = seen[np.linspace(0, len(seen) - 1, min(len(seen), _LOOKS_PER_TRACK)).round().astype(int)]
    pictures = read_at(analysis.scene.path, analysis.scene.times_s[frames])
    looks = [describe(rgb, track.landmarks.points[frame]) for rgb, frame in zip(pictures, frames, strict=True)]
    mean = np.mean(looks, axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)
