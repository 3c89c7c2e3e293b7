"""The second and last decode of a source: every clip's pictures in one pass."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import MediaError
from contextalk.core.geometry import CropPath
from contextalk.dataset.augment import Framing
from contextalk.dataset.sampling import Sampling, picture_between
from contextalk.faces.views import head_crop, resized_scene
from contextalk.media.video import read_frames, write_video

Frame = NDArray[np.uint8]

HEAD_CRF, SCENE_CRF = 10, 12
"""Near lossless: what the codec learns to draw must not be what x264 leaves out. The scene only informs."""
_PRESET = "ultrafast"

_SEEK_FRAMES = 300
"""A gap between clips from which the decoder seeks: further than key frames are apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureJob:
    """The pictures of one clip.

    Attributes:
        sampling: Which source frames make up each clip frame.
        crop: (F) the head's square: on the source, or on the canvas of `framing`.
        framing: How the source is pasted into a wider scene; None: not at all.
    """

    sampling: Sampling
    crop: CropPath
    framing: Framing | None = None

    @property
    def first(self) -> int:
        """First source frame that is wanted."""
        return int(self.sampling.pictures[0])

    @property
    def last(self) -> int:
        """Last source frame that is wanted."""
        return int(self.sampling.following[-1])


@dataclass(slots=True)
class _Open:
    """A job whose pictures are passing by."""

    index: int
    job: PictureJob
    heads: list[Frame] = field(default_factory=list)
    scenes: list[Frame] = field(default_factory=list)
    before: Frame | None = None

    def take(self, rgb: Frame, picture: int, resized: Frame) -> None:
        sampling, framing = self.job.sampling, self.job.framing
        while not self.is_complete and sampling.following[frame := len(self.heads)] == picture:
            share = float(sampling.shares[frame])
            whole = rgb
            if share > 0:
                assert self.before is not None  # a clip's first picture is one of the source's, or comes before it
                whole = picture_between(self.before, rgb, share)
            if framing is not None:
                whole = framing.paste(whole, frame)
            self.heads.append(head_crop(whole, self.job.crop.centre_px[frame], float(self.job.crop.side_px[frame])))
            self.scenes.append(resized if whole is rgb else resized_scene(whole))
        if sampling.shares.any():
            self.before = rgb.copy()

    @property
    def is_complete(self) -> bool:
        return len(self.heads) == len(self.job.sampling)


def extract(path: Path, jobs: Sequence[PictureJob]) -> Iterator[tuple[int, bytes, bytes]]:
    """Decode a source once and encode the clips of all jobs; stretches without a job are skipped.

    Holds the pictures of the clips open at one time, so memory does not grow with the source.

    Yields:
        Index of the job, `head.mp4`, `scene.mp4`, as the clips end.
    """
    order = sorted(range(len(jobs)), key=lambda index: (jobs[index].first, index))
    encoder = _Encoder()
    for run in _runs(order, jobs):
        yield from _extract_run(path, [_Open(index, jobs[index]) for index in run], encoder)


def _runs(order: Sequence[int], jobs: Sequence[PictureJob]) -> Iterator[list[int]]:
    """Jobs whose pictures lie close enough together that decoding on is faster than seeking."""
    run: list[int] = []
    end = 0
    for index in order:
        if run and jobs[index].first > end + _SEEK_FRAMES:
            yield run
            run = []
        run.append(index)
        end = max(end, jobs[index].last)
    if run:
        yield run


def _extract_run(path: Path, waiting: list[_Open], encoder: "_Encoder") -> Iterator[tuple[int, bytes, bytes]]:
    first = waiting[0].job.first
    last = max(clip.job.last for clip in waiting)
    waiting, running = waiting[::-1], []
    for picture in read_frames(path, start=first, stop=last + 1):
        while waiting and waiting[-1].job.first <= picture.index:
            running.append(waiting.pop())
        if not running:
            continue
        resized = resized_scene(picture.rgb)
        for clip in running:
            clip.take(picture.rgb, picture.index, resized)
        for clip in [clip for clip in running if clip.is_complete]:
            yield clip.index, *encoder.encode(clip)
        running = [clip for clip in running if not clip.is_complete]
    if running or waiting:
        raise MediaError(f"{path} ended before frame {last}, wanted all frames that its container lists")


class _Encoder:
    """Encodes clips; people of one scene share its pictures, so the scene's file is made once for them."""

    def __init__(self) -> None:
        self._scene_key = b""
        self._scene = b""

    def encode(self, clip: _Open) -> tuple[bytes, bytes]:
        head = _encode(clip.heads, HEAD_CRF)
        if clip.job.framing is not None:
            return head, _encode(clip.scenes, SCENE_CRF)
        key = clip.job.sampling.pictures.tobytes() + clip.job.sampling.shares.tobytes()
        if key != self._scene_key:
            self._scene_key, self._scene = key, _encode(clip.scenes, SCENE_CRF)
        return head, self._scene


def _encode(frames: Sequence[Frame], crf: int) -> bytes:
    with tempfile.TemporaryDirectory(prefix="contextalk-") as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, frames, crf=crf, preset=_PRESET, threads=1)  # workers share the cores, machines agree
        return path.read_bytes()
