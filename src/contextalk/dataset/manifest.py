"""The manifest: a row for every clip and for every stretch that was turned down."""

import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contextalk.core.errors import DatasetError
from contextalk.dataset.places import Place, open_place

MANIFEST = "manifest.parquet"

_TYPES = {str: pa.string(), float: pa.float64(), int: pa.int64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """A clip, or a stretch of a source that became none.

    Attributes:
        key: Name of the clip in its shard; unique in a dataset.
        source: The file it comes from, without the machine's folders.
        name: Sentence or running number within the source.
        start_s: Time of the first frame in the source.
        stop_s: End of the last one.
        person: Who is seen.
        split: `train`, `val` or `test`; empty for a rejected stretch.
        num_frames: Frames at 25 fps; 0 for a rejected stretch.
        shard: Tar file, relative to the dataset.
        track: Index of the person in the source's analysis.
        text: What is said, where known.
        copy: 0, or which reframed copy this is.
        rate_hz: Check: mean rate of the source.
        face_px: Check: median height of the 68 points, scene px.
        yaw_deg: Check: median yaw of the head; NaN where unknown.
        pitch_deg: Check: median pitch.
        speaking: Check: share of frames in which the person speaks.
        sync: Check: agreement of mouth and sound around the clip (`dataset/sync.py`), in [−1, 1]; NaN unmeasured.
        offset_frames: Check: frames by which the sound comes late there, after `moved_frames`.
        moved_frames: Frames by which the source's sound came late and was moved.
        covered: Check: mean share of the head's mask that something in front covers; NaN: nothing was looked for.
        looked_for: What was looked for in front of the head: `hands, heads`, or `heads` where hands could not be; empty
            where nothing was.
        loudness_db: Check: root mean square of the sound, dB of full scale; −120 is digital silence.
        reject_reason: Empty for a clip.
    """

    key: str
    source: str
    name: str = ""
    start_s: float = 0.0
    stop_s: float = 0.0
    person: str = ""
    split: str = ""
    num_frames: int = 0
    shard: str = ""
    track: int = -1
    text: str = ""
    copy: int = 0
    rate_hz: float = 0.0
    face_px: float = 0.0
    yaw_deg: float = math.nan
    pitch_deg: float = math.nan
    speaking: float = 0.0
    sync: float = math.nan
    offset_frames: int = 0
    moved_frames: int = 0
    covered: float = math.nan
    looked_for: str = ""
    loudness_db: float = -120.0
    reject_reason: str = ""


SCHEMA = pa.schema([(column.name, _TYPES[column.type]) for column in fields(ManifestRow)])  # pyright: ignore[reportArgumentType]


def write_manifest(dataset: Path | str | Place, rows: Sequence[ManifestRow]) -> None:
    """Write `manifest.parquet` into a folder or to a URL, in the order of `rows`."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=SCHEMA), buffer)
    open_place(dataset).write(MANIFEST, buffer.getvalue())


def read_manifest(dataset: Path | str | Place) -> pa.Table:
    """Read the manifest of a local folder or of any fsspec URL.

    Raises:
        DatasetError: There is none, or it is of another schema.
        PlaceError: The URL is out of reach.
    """
    try:
        content = io.BytesIO(open_place(dataset).fetch(MANIFEST).read_bytes())
        # A few thousand rows need no threads, and Arrow's sometimes abort the process at interpreter exit.
        table = pq.read_table(content, use_threads=False, pre_buffer=False)  # pyright: ignore[reportArgumentType]
    except (OSError, pa.ArrowInvalid) as error:
        raise DatasetError(f"{dataset} is no dataset: wanted a readable {MANIFEST} in it ({error})") from error
    if table.schema.names != SCHEMA.names:
        raise DatasetError(
            f"{dataset}/{MANIFEST} has columns {table.schema.names}, wanted {SCHEMA.names}: prepare it again"
        )
    return table
