"""Where heads are made: from the target's track, or from a user's mask."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError, TargetError
from contextalk.core.geometry import CropPath
from contextalk.core.records import Analysis, GenerateRequest, Landmarks, Progress, Scene, SeenHands, Shot, Track
from contextalk.faces.analysis import analyse
from contextalk.faces.crop import crop_from_mask, crop_path, head_mask, scene_mask
from contextalk.faces.occluders import Occluders, find_occluders
from contextalk.faces.shots import ShotFinder, shots_between
from contextalk.faces.targets import choose_target
from contextalk.faces.views import head_crop
from contextalk.generation.missing import fill_missing, frames_to_generate
from contextalk.generation.user_mask import WHITE, UserMask
from contextalk.media.video import read_frames
from contextalk.models.active_speaker import open_active_speaker

Mask = NDArray[np.uint8]

_HEAD_MASK = head_mask() > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The place of the generated head in every frame of a scene.

    Attributes:
        scene: The video.
        shots: Tile its frames.
        target: Index of the person; 0 with a user's mask.
        track: The person's landmarks as seen in the scene; None with a user's mask.
        others: Everybody else's; nobody with a user's mask, for whom the scene is not searched for faces.
        crop: The square, one row per frame.
        active: (F,) frames that get a head.
        missing: Wanted frames in which the face is not seen, or given landmarks show none.
        mask: The user's; None: the fixed shape of the crop.
        backend: What found the faces.
        hands: What was taken for a hand in the scene; None: hands were not looked for.
        occluders: What is in front of the target; None: nobody asked.
    """

    scene: Scene
    shots: tuple[Shot, ...]
    target: int
    track: Landmarks | None
    crop: CropPath
    active: NDArray[np.bool_]
    missing: tuple[int, ...]
    mask: UserMask | None
    backend: str
    others: tuple[Landmarks, ...] = ()
    hands: SeenHands | None = None
    occluders: Occluders | None = None

    def masks(self, start: int, stop: int) -> Iterator[Mask]:
        """(H, W), 255 = regenerate, for frames `[start, stop)`, scene px."""
        if self.mask is not None:
            yield from self.mask.frames(self.scene.times_s[start:stop])
            return
        for frame in range(start, stop):
            yield scene_mask(self.scene.size_px, self.crop.centre_px[frame], float(self.crop.side_px[frame]))

    def mask_in_crop(self, mask: Mask, frame: int) -> NDArray[np.bool_]:
        """(256, 256), the mask of a frame as the crop sees it."""
        if self.mask is None:
            return _HEAD_MASK
        centre, side = self.crop.centre_px[frame], float(self.crop.side_px[frame])
        return head_crop(np.repeat(mask[..., None], 3, axis=2), centre, side)[..., 0] >= WHITE


def find_region(request: GenerateRequest, scene: Scene, mask: UserMask | None, progress: Progress | None) -> Region:
    """Find the target, or take the user's mask.

    Raises:
        TargetError: Nobody there, no such person, or a face missing with `on_missing_face="error"`.
        ContextalkError: A range without a frame.
    """
    wanted = wanted_frames(scene, request.time_range_s)
    if mask is not None:
        return _from_mask(mask, scene, wanted, progress)
    analysis = analyse_scene(request, progress)
    return _from_track(request, analysis, choose_target(analysis, request.target), wanted)


def with_occluders(region: Region) -> Region:
    """The region with what is in front of its target; with a user's mask nobody is looked for."""
    if region.track is None:
        return region
    (found,) = find_occluders(region.scene, region.shots, [region.track, *region.others], [0], region.hands)
    return replace(region, occluders=found)


def analyse_scene(request: GenerateRequest, progress: Progress | None = None) -> Analysis:
    """Who is in the scene and who speaks, as the request wants it found.

    Only `auto` asks who speaks: for no other target a judge looks at the scene.

    Raises:
        ContextalkError: Annotations or an active speaker that are not there.
    """
    judge = open_active_speaker(request.active_speaker)
    return analyse(
        request.scene,
        annotations=request.annotations,
        progress=progress,
        active_speaker=judge if request.target == "auto" else None,
    )


def wanted_frames(scene: Scene, time_range_s: tuple[float, float] | None) -> NDArray[np.bool_]:
    """(F,) frames with start ≤ time < stop.

    Raises:
        ContextalkError: There is none.
    """
    if time_range_s is None:
        return np.ones(len(scene.times_s), bool)
    start_s, stop_s = time_range_s
    wanted = (scene.times_s >= start_s) & (scene.times_s < stop_s)
    if not wanted.any():
        raise ContextalkError(
            f"no frame in the range {start_s:g}-{stop_s:g} s, the scene lasts {scene.duration_s:.2f} s"
        )
    return wanted


def _from_track(request: GenerateRequest, analysis: Analysis, track: Track, wanted: NDArray[np.bool_]) -> Region:
    scene, policy = analysis.scene, request.on_missing_face
    valid = track.landmarks.valid
    active = frames_to_generate(valid, wanted, scene.times_s, analysis.shots, policy)
    if not active.any():
        raise TargetError(f"the target has no face in the frames to regenerate of {scene.path}, wanted at least one")
    return Region(
        scene=scene,
        shots=analysis.shots,
        target=track.index,
        track=track.landmarks,
        crop=crop_path(fill_missing(track.landmarks, analysis.shots, policy), analysis.shots),
        active=active,
        missing=tuple(np.flatnonzero(wanted & ~valid).tolist()),
        mask=None,
        backend=analysis.backend,
        others=tuple(other.landmarks for other in analysis.tracks if other.index != track.index),
        hands=analysis.hands,
    )


def _from_mask(mask: UserMask, scene: Scene, wanted: NDArray[np.bool_], progress: Progress | None) -> Region:
    shots = _find_shots(scene, progress)
    # A picture is one mask for all frames; frames of a video mask that are black are left alone.
    frames = [mask.picture] if mask.picture is not None else mask.frames(scene.times_s)
    white = np.zeros(len(scene.times_s), bool)

    def noted() -> Iterator[Mask]:
        for index, frame in enumerate(frames):
            white[index if mask.picture is None else slice(None)] = bool(frame.any())
            yield frame

    crop = crop_from_mask(noted(), scene.times_s, shots)
    if not (wanted & white).any():
        raise TargetError(f"mask {mask.path} is black in all frames to regenerate, wanted white where the head belongs")
    return Region(
        scene=scene,
        shots=shots,
        target=0,
        track=None,
        crop=crop,
        active=wanted & white,
        missing=tuple(np.flatnonzero(wanted & ~white).tolist()),
        mask=mask,
        backend="mask",
    )


def _find_shots(scene: Scene, progress: Progress | None) -> tuple[Shot, ...]:
    finder = ShotFinder()
    for picture in read_frames(scene.path):
        finder.see(picture)
        if progress is not None:
            progress("shots", picture.index + 1, len(scene.times_s))
    return shots_between(finder.cuts, len(scene.times_s))


def with_landmarks(region: Region, valid: NDArray[np.bool_], active: NDArray[np.bool_]) -> Region:
    """The region for given landmarks: those of its frames that get a head, and where the landmarks show no face."""
    missing = {*region.missing, *np.flatnonzero(region.active & ~valid).tolist()}
    return replace(region, active=active, missing=tuple(sorted(missing)))
