"""Stage 1 over a scene: windows at 25 Hz, each carrying the redrawn last face of the one before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath
from contextalk.core.records import NUM_POINTS, Landmarks, Progress
from contextalk.core.time import WINDOW_FRAMES, Window
from contextalk.faces.others import describe_others
from contextalk.faces.pose import head_pose
from contextalk.faces.views import scene_view
from contextalk.generation.identity import Identity
from contextalk.generation.pipeline import LandmarkStage, Picture, Told
from contextalk.generation.plan import Span, group_windows, span_times, window_seed
from contextalk.generation.region import Region
from contextalk.generation.steadying import steady
from contextalk.generation.work import WorkFolder
from contextalk.media.mel import mel_chunks
from contextalk.media.video import read_at

STAGE = 1


class LandmarkStep:
    """Draws the landmarks of all spans; finished portions are put by and taken up again.

    The carried face is that of the window's first frame, so crop px before are crop px after: both are of one frame.
    """

    def __init__(
        self,
        stage: LandmarkStage,
        *,
        region: Region,
        spans: Sequence[Span],
        mel: NDArray[np.float32],
        identity: Identity,
        stranger: bool = False,
        seed: int,
        work: WorkFolder,
    ) -> None:
        """Bring stage and scene together; of a stranger the stage is told only what is true of anybody."""
        self._stage = stage
        self._region = region
        self._spans = spans
        self._mel = mel
        self._identity = identity
        self._stranger = stranger
        self._seed = seed
        self._work = work
        self._times = [span_times(region.scene.times_s, span) for span in spans]
        self._offsets = np.concatenate([[0], np.cumsum([len(times) for times in self._times])])
        self.times_s = np.concatenate(self._times)
        self.crop = region.crop.at(region.scene.times_s, self.times_s)
        self._others = describe_others([other.at(self.times_s) for other in region.others], self.crop)
        self._points = np.full((len(self.times_s), NUM_POINTS, 2), np.nan, np.float32)
        self._pupils = np.full((len(self.times_s), 2, 2), np.nan, np.float32)

    def run(self, portion_windows: int, progress: Progress | None) -> Landmarks:
        """All windows, put by after every `portion_windows`; landmarks in scene px at 25 Hz instants of the spans."""
        portions = group_windows([len(times) for times in self._times], portion_windows)
        total = sum(len(portion) for portion in portions)
        done, drawing, views = 0, False, None
        for number, portion in enumerate(portions):
            name = f"landmarks-{number:04d}"
            rows = slice(
                self._row(portion[0][0], portion[0][2].new_start), self._row(portion[-1][0], portion[-1][2].new_stop)
            )
            # After a portion that is drawn, all are: their pictures are read in order.
            stored = None if drawing else self._work.load(name)
            if stored is not None:
                self._points[rows], self._pupils[rows] = stored["points"], stored["pupils"]
                done += len(portion)
                continue
            if not drawing and not self._stranger:
                views = self._views(self._row(portion[0][0], portion[0][2].start))
            drawing = True
            for span, window_number, window in portion:
                self._draw(span, window_number, window, views)
                done += 1
                if progress is not None:
                    progress("landmarks", done, total)
            self._work.save(name, {"points": self._points[rows], "pupils": self._pupils[rows]})
        return self._landmarks()

    def _draw(self, span: int, number: int, window: Window, views: "_Views | None") -> None:
        new = np.arange(self._row(span, window.new_start), self._row(span, window.new_stop))
        first = self._row(span, window.start)
        shown = np.arange(first, new[-1] + 1)
        frames = 1 if window.is_first else WINDOW_FRAMES
        padded = np.concatenate([shown, np.repeat(shown[-1:], frames - len(shown))])
        times = self.times_s[padded]
        told = Told(mel=mel_chunks(self._mel, times), others=self._others[padded])
        if views is not None:
            told = replace(
                told,
                scene_view=views.take(shown)[padded - first],
                place=self.crop[padded].place(self._region.scene.size_px),
                identity_head=self._identity.heads[
                    self._identity.choose(float(times[0]), float(times[-1]), None).head
                ].picture,
            )
        points, pupils = self._stage.window(
            told,
            None if window.is_first else (self._points[first], self._pupils[first]),
            window_seed(self._seed, self._region.target, STAGE, self._spans[span].start, number),
        )
        self._points[new], self._pupils[new] = points[new - first], pupils[new - first]

    def _views(self, first_row: int) -> "_Views":
        return _Views(self._region, self.times_s, self.crop, first_row)

    def _row(self, span: int, frame: int) -> int:
        return int(self._offsets[span]) + frame

    def _landmarks(self) -> Landmarks:
        spans = [slice(self._row(span, 0), self._row(span, len(times))) for span, times in enumerate(self._times)]
        held = [steady(self._points[rows], self._pupils[rows]) for rows in spans]
        points, pupils = (self.crop.to_scene(np.concatenate(parts)) for parts in zip(*held, strict=True))
        size_px = self._region.scene.size_px
        return Landmarks(
            points=points,
            pupils=pupils,
            head_pose=head_pose(points, size_px),
            valid=np.ones(len(points), bool),
            times_s=self.times_s,
            size_px=size_px,
        )


class _Views:
    """Scene views in order of rows; the last one is kept, as the next window begins with it."""

    def __init__(self, region: Region, times_s: NDArray[np.float64], crop: CropPath, first_row: int) -> None:
        self._views = self._read(region, times_s, crop, first_row)
        self._last: tuple[int, Picture] = (-1, np.zeros(0, np.uint8))

    def take(self, rows: NDArray[np.int64]) -> Picture:
        """(len(rows), 256, 256, 3) for consecutive rows, of which the first may be the last one taken."""
        pictures: list[Picture] = []
        for row in rows.tolist():
            if row != self._last[0]:
                self._last = next(self._views)
                assert self._last[0] == row
            pictures.append(self._last[1])
        return np.stack(pictures)

    @staticmethod
    def _read(
        region: Region, times_s: NDArray[np.float64], crop: CropPath, first_row: int
    ) -> Iterator[tuple[int, Picture]]:
        for row, rgb in enumerate(read_at(region.scene.path, times_s[first_row:]), start=first_row):
            yield row, scene_view(rgb, crop.centre_px[row], float(crop.side_px[row]))
