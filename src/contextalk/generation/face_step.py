"""Stage 2 over a scene: heads window by window, laid into the source's own pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.core.records import Landmarks
from contextalk.core.time import WINDOW_FRAMES
from contextalk.faces.views import head_crop, masked_crop, scene_view
from contextalk.generation.compositor import composite, join_colour
from contextalk.generation.identity import Identity
from contextalk.generation.pipeline import Picture, Pipeline, SceneFaceStage
from contextalk.generation.plan import Span, Step, window_seed
from contextalk.generation.region import Mask, Region
from contextalk.media.drawing import draw_faces
from contextalk.media.mel import mel_chunks
from contextalk.media.source import Source, SourceFrame, open_source
from contextalk.media.video import frame_to_rgb

STAGE = 2

Latent = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one window hands to the next, and one segment to the next.

    Attributes:
        frame: The last drawn scene frame.
        latent: (16, 16, 16) of its head.
        masked: (256, 256, 3), its masked crop.
        view: (256, 256, 3), its scene view; None where stage 2 is not shown the scene.
    """

    frame: int
    latent: Latent
    masked: Picture
    view: Picture | None = None

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """For the work folder."""
        view = {} if self.view is None else {"view": self.view}
        return {"frame": np.array(self.frame), "latent": self.latent, "masked": self.masked, **view}

    @staticmethod
    def of_arrays(arrays: dict[str, NDArray[np.generic]]) -> "Carried":
        """The inverse of `arrays`."""
        return Carried(
            frame=int(arrays["frame"]),
            latent=arrays["latent"],  # pyright: ignore[reportArgumentType]
            masked=arrays["masked"],  # pyright: ignore[reportArgumentType]
            view=arrays.get("view"),  # pyright: ignore[reportArgumentType]
        )


class FaceStep:
    """Draws heads for consecutive steps. `carried` is its whole state.

    Heads are drawn in crop px by stage 2; those between drawn ones come from linear interpolation.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        source: Source,
        region: Region,
        spans: Sequence[Span],
        landmarks: Landmarks,
        mel: NDArray[np.float32],
        identity: Identity,
        seed: int,
    ) -> None:
        self._pipeline = pipeline
        self._source = source
        self._region = region
        self._spans = spans
        self._landmarks = landmarks
        self._mel = mel
        self._identity = identity
        self._seed = seed
        self.carried: Carried | None = None

    def pictures(self, steps: Sequence[Step]) -> Iterator[SourceFrame]:
        """The finished pictures of consecutive steps, in the source's planes."""
        start, stop = steps[0].start, steps[-1].stop
        stored = open_source(self._source.path, start=start, stop=stop)
        masks = self._region.masks(start, stop)
        for step in steps:
            count = step.stop - step.start
            if step.span is None:
                for picture in islice(stored, count):
                    next(masks)
                    yield picture
                continue
            pictures, shapes = list(islice(stored, count)), list(islice(masks, count))
            self._fill(step, pictures, shapes)
            yield from pictures

    def _fill(self, step: Step, pictures: Sequence[SourceFrame], masks: Sequence[Mask]) -> None:
        crops = [self._crop(picture) for picture in pictures]
        views = self._views(step, pictures)
        for picture, mask, crop, head in zip(pictures, masks, crops, self._heads(step, crops, views), strict=True):
            joined = join_colour(head, crop, self._region.mask_in_crop(mask, picture.index))
            centre, side = self._square(picture.index)
            composite(picture.frame, self._source.format, mask, joined, centre, side)

    def _views(self, step: Step, pictures: Sequence[SourceFrame]) -> list[Picture] | None:
        """The scene view of each drawn frame, for a stage 2 that is shown the scene."""
        if not isinstance(self._pipeline.faces, SceneFaceStage):
            return None
        drawn = (pictures[frame - step.start] for frame in step.drawn)
        return [scene_view(frame_to_rgb(p.frame, self._source.format), *self._square(p.index)) for p in drawn]

    def _heads(self, step: Step, crops: Sequence[Picture], views: list[Picture] | None) -> list[Picture]:
        """A head for each frame of a step; `views` are those of its drawn frames."""
        before = None if step.window == 0 else self.carried
        assert step.window == 0 or before is not None
        drawn = list(step.drawn)
        shown = drawn if before is None else [before.frame, *drawn]
        masked = [masked_crop(crops[frame - step.start]) for frame in drawn]
        if views is not None and before is not None:
            assert before.view is not None
            views = [before.view, *views]
        heads, latents = self._window(
            step, shown, masked if before is None else [before.masked, *masked], views, before
        )
        self.carried = Carried(
            frame=drawn[-1],
            latent=latents[shown.index(drawn[-1])],
            masked=masked[-1],
            view=None if views is None else views[-1],
        )
        by_frame = dict(zip(shown, heads, strict=False))
        between = [frame for frame in range(step.start, step.stop) if frame not in by_frame]
        if between:
            times, rows = self._region.scene.times_s, slice(len(shown))
            mixed = heads_between(heads[rows], latents[rows], times[shown], times[between], self._pipeline.decode)
            by_frame.update(zip(between, mixed, strict=True))
        return [by_frame[frame] for frame in range(step.start, step.stop)]

    def _window(
        self,
        step: Step,
        shown: list[int],
        masked: list[Picture],
        views: list[Picture] | None,
        before: Carried | None,
    ) -> tuple[Picture, Latent]:
        frames = 1 if before is None else WINDOW_FRAMES
        padding = frames - len(shown)
        rows = np.array(shown + shown[-1:] * padding)
        times = self._region.scene.times_s[rows]
        points = self._points(rows)
        assert step.span is not None
        drawings, crops = (
            draw_faces(points, draws_pupils=self._pipeline.draws_pupils),
            np.stack(masked + masked[-1:] * padding),
        )
        lip_mel = mel_chunks(self._mel, times, lead_s=self._pipeline.lip_lead_s)
        # Points are NaN where a stage 1 draws none: then no pose is the nearest.
        wanted = None if np.isnan(points[:, :68]).any() else points
        identity = self._identity.for_window(float(times[0]), float(times[-1]), wanted)
        carried = None if before is None else torch.from_numpy(before.latent)
        seed = window_seed(self._seed, self._region.target, STAGE, self._spans[step.span].start, step.window)
        stage = self._pipeline.faces
        if isinstance(stage, SceneFaceStage):
            assert views is not None
            heads, latents = stage.window_in_scene(
                drawing=drawings,
                masked_crop=crops,
                scene_view=np.stack(views + views[-1:] * padding),
                times_s=times,
                mel=mel_chunks(self._mel, times),
                lip_mel=lip_mel,
                identity=identity,
                carried=carried,
                seed=seed,
            )
        else:
            heads, latents = stage.window(drawings, crops, points, lip_mel, identity, carried, seed)
        return heads, latents.detach().to("cpu", torch.float32).numpy()

    def _points(self, rows: NDArray[np.int64]) -> Points:
        """(F, 70, 2) crop px: landmarks and pupils."""
        faces = np.concatenate([self._landmarks.points[rows], self._landmarks.pupils[rows]], axis=1)
        return self._region.crop[rows].to_crop(faces)

    def _crop(self, picture: SourceFrame) -> Picture:
        centre, side = self._square(picture.index)
        return head_crop(frame_to_rgb(picture.frame, self._source.format), centre, side)

    def _square(self, frame: int) -> tuple[NDArray[np.float32], float]:
        return self._region.crop.centre_px[frame], float(self._region.crop.side_px[frame])


def heads_between(
    heads: Picture,
    latents: Latent,
    times_s: NDArray[np.float64],
    at_s: NDArray[np.float64],
    decode: Callable[[torch.Tensor], Picture],
) -> Picture:
    """Heads at times between drawn ones: of interpolated latents, with what the drawn ones have besides theirs.

    Args:
        heads: (F, S, S, 3), drawn.
        latents: (F, 16, 16, 16), theirs.
        times_s: (F,) theirs.
        at_s: (N,) wanted.
        decode: Latents → heads (F, 256, 256, 3).
    """

    def decoded_at(values: Latent) -> NDArray[np.float32]:
        pictures = decode(torch.from_numpy(values)).astype(np.float32)
        return np.stack(
            [cv2.resize(picture, heads.shape[2:0:-1], interpolation=cv2.INTER_CUBIC) for picture in pictures]
        )

    detail = interpolate(heads - decoded_at(latents), times_s, at_s)
    decoded = decoded_at(interpolate(latents, times_s, at_s))
    return np.clip(np.rint(decoded + detail), 0, 255).astype(np.uint8)


def interpolate(values: NDArray[np.float32], times_s: NDArray[np.float64], at_s: NDArray[np.float64]) -> Latent:
    """Values (F, …) at other times, linear between frames and held after the last."""
    right = np.clip(np.searchsorted(times_s, at_s), min(1, len(times_s) - 1), len(times_s) - 1)
    left = np.maximum(right - 1, 0)
    gap = np.where(right > left, times_s[right] - times_s[left], 1.0)
    share = np.clip((at_s - times_s[left]) / gap, 0.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))
    return (values[left] * (1 - share) + values[right] * share).astype(np.float32)
