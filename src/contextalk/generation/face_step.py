"""Stage 2 over a scene: heads window by window, laid into the source's own pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from contextalk.core.geometry import Points
from contextalk.core.records import Landmarks
from contextalk.core.time import WINDOW_FRAMES
from contextalk.faces.mouth_insides import inside_lacking
from contextalk.faces.views import head_crop, masked_crop, scene_view
from contextalk.faces.warp import lay
from contextalk.generation.bent import BentHeads, bend_identity, cross_fade, finish
from contextalk.generation.compositor import composite, join_colour
from contextalk.generation.identity import Choice, Identity, IdentityHead
from contextalk.generation.kept import Kept
from contextalk.generation.pipeline import Picture, Pipeline, Shown
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
        frame: The last scene frame that was drawn.
        latent: (16, 16, 16) of its head.
        masked: (256, 256, 3), its masked crop.
        choice: Which picture of the identity the window took.
        view: (256, 256, 3), its scene view; None where stage 2 is not shown the scene.
    """

    frame: int
    latent: Latent
    masked: Picture
    choice: Choice
    view: Picture | None = None

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """For the work folder."""
        view = {} if self.view is None else {"view": self.view}
        frame, choice = np.array(self.frame), np.array(self.choice)
        return {"frame": frame, "latent": self.latent, "masked": self.masked, "choice": choice, **view}

    @staticmethod
    def of_arrays(arrays: dict[str, NDArray[np.generic]]) -> "Carried":
        """The inverse of `arrays`."""
        head, mirrored = arrays["choice"].tolist()
        return Carried(
            frame=int(arrays["frame"]),
            latent=arrays["latent"],  # pyright: ignore[reportArgumentType]
            masked=arrays["masked"],  # pyright: ignore[reportArgumentType]
            choice=Choice(head, bool(mirrored)),
            view=arrays.get("view"),  # pyright: ignore[reportArgumentType]
        )


class FaceStep:
    """Draws heads for consecutive steps. `carried` is its whole state.

    Stage 2 draws heads in crop px; those between drawn ones come from linear interpolation. What of a head is known
    from elsewhere in the scene is bent to every frame and gives it what was not drawn.
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
        kept: Kept,
    ) -> None:
        self._pipeline = pipeline
        self._source = source
        self._region = region
        self._spans = spans
        self._landmarks = landmarks
        self._mel = mel
        self._identity = identity
        self._seed = seed
        self._kept = kept
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
            kept = self._kept.mask(picture.index, crop)
            composite(picture.frame, self._source.format, mask, joined, centre, side, kept)

    def _views(self, step: Step, pictures: Sequence[SourceFrame]) -> list[Picture] | None:
        """The scene view of each drawn frame, for a stage 2 that is shown the scene."""
        if "scene_view" not in self._pipeline.faces.wants:
            return None
        drawn = (pictures[frame - step.start] for frame in step.drawn)
        return [scene_view(frame_to_rgb(p.frame, self._source.format), *self._square(p.index)) for p in drawn]

    def _heads(self, step: Step, crops: Sequence[Picture], views: list[Picture] | None) -> Picture:
        """(N, S, S, 3), a head for each frame of a step; `views` are those of its drawn frames."""
        before = None if step.window == 0 else self.carried
        assert step.window == 0 or before is not None
        frames, drawn = list(range(step.start, step.stop)), list(step.drawn)
        masked = [masked_crop(crop) for crop in crops]
        if before is not None:
            frames, drawn, masked = [before.frame, *frames], [before.frame, *drawn], [before.masked, *masked]
            assert views is None or before.view is not None
            views = views and [before.view, *views]  # pyright: ignore[reportAssignmentType]
        times, points = self._region.scene.times_s[frames], self._points(np.array(frames))
        choice = self._choose(times, points, before)
        head = self._identity.head(choice, float(times[0]), float(times[-1]))
        bent = self._bend(head, choice, before, np.stack(masked), times, points)
        rows = [frames.index(frame) for frame in drawn]
        encode = self._pipeline.encode if self._identity.stranger else None
        if bent is not None and encode is not None and _shows_all(head, points):
            heads, latent = bent.heads, _on_cpu(encode(bent.heads[rows[-1:]]))[0]
        else:
            shown = Shown(
                drawing=draw_faces(points[rows], draws_pupils=self._pipeline.draws_pupils),
                masked_crop=np.stack(masked)[rows],
                points=points[rows],
                times_s=times[rows],
                mel=mel_chunks(self._mel, times[rows]),
                lip_mel=mel_chunks(self._mel, times[rows], lead_s=self._pipeline.lip_lead_s),
                identity=head,
                bent=None if bent is None else lay(np.stack(masked)[rows], bent.heads[rows]),
                scene_view=None if views is None else np.stack(views),
            )
            drawn_heads, latents = self._draw(step, shown, before)
            heads, latent = self._filled(drawn_heads, latents, times, rows), latents[-1]
        self.carried = Carried(
            frame=drawn[-1],
            latent=latent,
            masked=masked[rows[-1]],
            choice=choice,
            view=None if views is None else views[-1],
        )
        new = slice(0 if before is None else 1, None)
        return heads[new] if bent is None else finish(heads[new], bent[new], head, points[new], own=encode is not None)

    def _choose(self, times_s: NDArray[np.float64], points: Points, before: Carried | None) -> Choice:
        # Points are NaN where a stage 1 draws none: then no pose is the nearest.
        wanted = None if np.isnan(points[:, :68]).any() else points
        kept = None if before is None else before.choice
        return self._identity.choose(float(times_s[0]), float(times_s[-1]), wanted, kept)

    def _bend(
        self,
        head: IdentityHead,
        choice: Choice,
        before: Carried | None,
        masked: Picture,
        times_s: NDArray[np.float64],
        points: Points,
    ) -> BentHeads | None:
        """The chosen head bent to all frames; where the window before had another, that fades into it."""
        if "bent" not in self._pipeline.faces.wants:
            return None
        bent = bend_identity(head, masked, points)
        if before is None or before.choice == choice:
            return bent
        if not self._identity.is_free(before.choice, float(times_s[0]), float(times_s[-1])):
            return bent
        other = self._identity.head(before.choice, float(times_s[0]), float(times_s[-1]))
        return cross_fade(bend_identity(other, masked, points), bent)

    def _draw(self, step: Step, shown: Shown, before: Carried | None) -> tuple[Picture, Latent]:
        """Stage 2 on a window, whose last frame is repeated where the span ends within it."""
        count, frames = len(shown.drawing), 1 if before is None else WINDOW_FRAMES
        if count < frames:
            rows = np.minimum(np.arange(frames), count - 1)
            arrays = {field.name: getattr(shown, field.name) for field in fields(shown)}
            shown = replace(shown, **{k: v[rows] for k, v in arrays.items() if isinstance(v, np.ndarray)})
        assert step.span is not None
        seed = window_seed(self._seed, self._region.target, STAGE, self._spans[step.span].start, step.window)
        carried = None if before is None else torch.from_numpy(before.latent)
        heads, latents = self._pipeline.faces.window(shown, carried, seed)
        return heads[:count], _on_cpu(latents)[:count]

    def _filled(self, heads: Picture, latents: Latent, times_s: NDArray[np.float64], rows: list[int]) -> Picture:
        """A head for each of the times, of which `rows` were drawn."""
        between = [row for row in range(len(times_s)) if row not in rows]
        if not between:
            return heads
        filled = np.empty((len(times_s), *heads.shape[1:]), np.uint8)
        filled[rows] = heads
        filled[between] = heads_between(heads, latents, times_s[rows], times_s[between], self._pipeline.decode)
        return filled

    def _points(self, rows: NDArray[np.int64]) -> Points:
        """(F, 70, 2) crop px: landmarks and pupils."""
        faces = np.concatenate([self._landmarks.points[rows], self._landmarks.pupils[rows]], axis=1)
        return self._region.crop[rows].to_crop(faces)

    def _crop(self, picture: SourceFrame) -> Picture:
        centre, side = self._square(picture.index)
        return head_crop(frame_to_rgb(picture.frame, self._source.format), centre, side)

    def _square(self, frame: int) -> tuple[NDArray[np.float32], float]:
        return self._region.crop.centre_px[frame], float(self._region.crop.side_px[frame])


def _shows_all(head: IdentityHead, wanted: Points) -> bool:
    """Whether no mouth is wanted more open than it was seen."""
    return head.shows_inside or not (inside_lacking(head.points, wanted) > 0).any()


def _on_cpu(latents: torch.Tensor) -> Latent:
    return latents.detach().to("cpu", torch.float32).numpy()


def heads_between(
    heads: Picture,
    latents: Latent,
    times_s: NDArray[np.float64],
    at_s: NDArray[np.float64],
    decode: Callable[[torch.Tensor], Picture],
) -> Picture:
    """Heads at times between drawn ones: of interpolated latents, with what the drawn ones have besides theirs.

    Args:
        heads: (F, 256, 256, 3), drawn.
        latents: (F, 16, 16, 16), theirs.
        times_s: (F,) theirs.
        at_s: (N,) wanted.
        decode: Latents → heads.
    """
    detail = interpolate(heads - decode(torch.from_numpy(latents)).astype(np.float32), times_s, at_s)
    decoded = decode(torch.from_numpy(interpolate(latents, times_s, at_s)))
    return np.clip(np.rint(decoded + detail), 0, 255).astype(np.uint8)


def interpolate(values: NDArray[np.float32], times_s: NDArray[np.float64], at_s: NDArray[np.float64]) -> Latent:
    """Values (F, …) at other times, linear between frames and held after the last."""
    right = np.clip(np.searchsorted(times_s, at_s), min(1, len(times_s) - 1), len(times_s) - 1)
    left = np.maximum(right - 1, 0)
    gap = np.where(right > left, times_s[right] - times_s[left], 1.0)
    share = np.clip((at_s - times_s[left]) / gap, 0.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))
    return (values[left] * (1 - share) + values[right] * share).astype(np.float32)
