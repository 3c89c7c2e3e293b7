"""What `prepare` can be told; part of the fingerprint that says whether a finished source may be reused."""

from dataclasses import dataclass
from pathlib import Path

from contextalk.core.errors import DatasetError

FORMAT_VERSION = 4
"""Raised when the content of a shard changes: older units are then prepared again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """Choices of a preparation.

    Attributes:
        target: `largest | left | right | INDEX | X,Y@SECONDS | FACE.png | auto`, or `all`: everybody with landmarks, or
            `group:N`: person N of all sources together, as the contact sheet numbers them.
            In a synth scene `largest` and `auto` are the main speaker that `scene.json` names.
        members: Tracks of the source that `group:N` means; found by `prepare`, which looks at all sources for it.
        annotations: `auto` (landmarks beside the video, else the face backend), `none`, or a file or folder.
        active_speaker: Who says who speaks in real videos: `default`, `light-asd`, or a run of `contextalk train sync`.
        person: Who it is; None: the group's name, or the source's. Synth scenes name their people themselves.
        split_by: JSON file `{"test": [names], "val": [names]}`; a name is a sentence, a source or a clip key.
        augment: Reframed copies of each training clip of a real video.
        seed: Root of the reframing, and of how the head's square is moved in clips to train on.
        min_s: Shortest clip, seconds.
        max_s: Longest clip, seconds; longer stretches are split evenly.
        min_face_px: Smallest median height of the 68 points, scene px.
        interpolate: Sources slower than `min_rate_hz` give clips, too, of pictures made between theirs.
        min_rate_hz: Slowest source that trains as it is.
        max_rate_hz: Fastest source.
        min_sync: Least agreement of mouth and sound (`faces/agreement.py`) around a clip; 0: sync is not looked at, and
            no sound is moved.
        max_covered: Largest share of the head's mask that hands and nearer heads may cover in a frame, in real videos;
            1: neither counts.
        max_offset_frames: Frames by which the sound around a clip may be off once its source is put right.
    """

    target: str = "largest"
    members: tuple[int, ...] = ()
    annotations: str = "auto"
    active_speaker: str = "default"
    person: str | None = None
    split_by: Path | None = None
    augment: int = 0
    seed: int = 0
    min_s: float = 1.0
    max_s: float = 10.0
    min_face_px: float = 32.0
    interpolate: bool = False
    min_rate_hz: float = 23.0
    max_rate_hz: float = 60.5
    min_sync: float = 0.15
    max_covered: float = 0.05
    max_offset_frames: int = 6

    def __post_init__(self) -> None:
        if not 0 < self.min_s <= self.max_s:
            raise DatasetError(f"prepare.min_s and max_s: 0 < min ≤ max wanted, seen {self.min_s} and {self.max_s}")
        if not 0 <= self.min_sync < 1:
            raise DatasetError(f"prepare.min_sync is a correlation, 0 … 1, seen {self.min_sync}")
        if not 0 <= self.max_covered <= 1:
            raise DatasetError(f"prepare.max_covered is a share, 0 … 1, seen {self.max_covered}")
        if self.augment < 0:
            raise DatasetError(f"prepare.augment counts copies, ≥ 0, seen {self.augment}")
