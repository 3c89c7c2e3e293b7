"""`report.html`: the summary of a dataset with pictures, in one file that needs nothing else."""

import base64
import hashlib
import io
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path, PurePath
from string import Template

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contextalk.core.errors import MediaError
from contextalk.core.time import RATE_HZ
from contextalk.dataset.manifest import MANIFEST, ManifestRow
from contextalk.dataset.places import Place
from contextalk.dataset.summary import Histogram, Summary, reason_name
from contextalk.dataset.unit import UnitRecord
from contextalk.media.source import known_timeline
from contextalk.media.video import read_at, scan_frames

PAGE = "report.html"

KEPT_SHOWN, REJECTED_SHOWN = 40, 6
"""Pictures of clips, and of stretches turned down for each reason: drawn by lot, always the same for one dataset."""

_THUMB_PX = 96
_PLOT_PX = (250, 90)


def write_page(
    dataset: Place,
    rows: Sequence[ManifestRow],
    records: Sequence[UnitRecord],
    summary: Summary,
    copies: Mapping[str, Path],
) -> Path:
    """Write the page, unless it is of this very manifest.

    Args:
        dataset: With its manifest.
        rows: Of the manifest.
        records: Of the units.
        summary: Of both.
        copies: Where on this machine the videos of some addresses lie; others have no pictures of what was turned down.

    Returns:
        The page on this machine.
    """
    digest = hashlib.sha256(dataset.fetch(MANIFEST).read_bytes()).hexdigest()
    if dataset.has(PAGE) and digest in dataset.fetch(PAGE).read_text()[:1000]:
        return dataset.fetch(PAGE)
    files = {row.key: copies.get(record.source, Path(record.source)) for record in records for row in record.rows}
    page = Template(Path(__file__).with_name("page.html").read_text()).substitute(
        digest=digest,
        title=escape(f"Dataset {PurePath(dataset.address('')).name}"),
        facts=escape(_facts(summary)),
        clips=_clips_table(summary),
        reasons=_reasons_table(summary),
        plots="".join(_plot(histogram) for histogram in summary.histograms),
        stages=_stages_table(summary),
        kept="".join(_kept_thumbs(dataset, rows)) or "none",
        rejected=_rejected_thumbs(rows, files) or "nothing",
    )
    dataset.write(PAGE, page.encode())
    return dataset.fetch(PAGE)


def _facts(summary: Summary) -> str:
    clips = sum(summary.num_clips.values())
    facts = f"{summary.num_sources} sources · {clips} clips · {summary.hours:.2f} h · {len(summary.hours_of)} people"
    without = summary.num_without_hands
    return facts + (f" · hands were not looked for in {without} clips" if without else "")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table of cells that are HTML."""
    head = "".join(f"<th>{escape(cell)}" for cell in header)
    return f"<table><tr>{head}{''.join('<tr>' + ''.join(f'<td>{cell}' for cell in row) for row in rows)}</table>"


def _clips_table(summary: Summary) -> str:
    splits = _table(("split", "clips"), [(escape(name), str(n)) for name, n in sorted(summary.num_clips.items())])
    people = [(escape(name), f"{60 * hours:.1f}") for name, hours in summary.hours_of.items()]
    return f'<div class="plots">{splits}{_table(("person", "minutes"), people)}</div>'


def _reasons_table(summary: Summary) -> str:
    if not summary.reasons:
        return "nothing"
    most = max(reason.count for reason in summary.reasons)
    rows = [
        (
            escape(reason.name),
            str(reason.count),
            f"{reason.seconds:.1f}",
            f'<span class="bar" style="width:{120 * reason.count / most:.0f}px"></span>',
        )
        for reason in summary.reasons
    ]
    return _table(("reason", "stretches", "seconds", ""), rows)


def _stages_table(summary: Summary) -> str:
    rows = [
        (escape(name), f"{stage.frames}", f"{stage.seconds:.1f}", f"{stage.frames_per_s:.1f}")
        for name, stage in summary.stages.items()
    ]
    return _table(("stage", "frames", "seconds of a process", "frames a second"), rows) if rows else "nothing was done"


def _plot(histogram: Histogram) -> str:
    """Bars of equal width, labelled with the first, a middle and the last edge."""
    width, height = _PLOT_PX
    step, most = width / len(histogram.counts), max(1, *histogram.counts)
    bars = "".join(
        f'<rect x="{at * step + 0.5:.1f}" y="{height * (1 - count / most):.1f}" width="{step - 1:.1f}" '
        f'height="{height * count / most:.1f}"><title>{histogram.edges[at]:g} … {histogram.edges[at + 1]:g}: {count}'
        "</title></rect>"
        for at, count in enumerate(histogram.counts)
    )
    middle = len(histogram.edges) // 2
    labels = "".join(
        f'<text x="{at * step:.1f}" y="{height + 12}" text-anchor="{anchor}">{histogram.edges[at]:g}</text>'
        for at, anchor in ((0, "start"), (middle, "middle"), (len(histogram.counts), "end"))
    )
    caption = f"{histogram.title}, {histogram.unit}" + (
        "" if histogram.median is None else f" (median {histogram.median:.3g}, most in a bin {most})"
    )
    return (
        f'<figure><svg width="{width}" height="{height + 16}" viewBox="0 0 {width} {height + 16}" role="img">{bars}'
        f'<line x1="0" x2="{width}" y1="{height}" y2="{height}"/>{labels}</svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _drawn(rows: Sequence[ManifestRow], count: int) -> list[ManifestRow]:
    return sorted(rows, key=lambda row: hashlib.sha256(row.key.encode()).digest())[:count]


def _kept_thumbs(dataset: Place, rows: Sequence[ManifestRow]) -> list[str]:
    by_shard: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in _drawn([row for row in rows if row.shard], KEPT_SHOWN):
        by_shard[row.shard].append(row)
    return [
        _thumb(_middle_head(tar, row), f"{row.person} · {row.source} {row.start_s:.1f} s · {row.split}")
        for shard, chosen in sorted(by_shard.items())
        for tar in [tarfile.open(dataset.fetch(shard))]
        for row in sorted(chosen, key=lambda row: row.start_s)
    ]


def _middle_head(tar: tarfile.TarFile, row: ManifestRow) -> NDArray[np.uint8] | None:
    member = tar.extractfile(f"{row.key}.head.mp4")
    assert member is not None, "a clip of the manifest is in its shard"
    with tempfile.NamedTemporaryFile(prefix="contextalk-", suffix=".mp4") as stream:
        stream.write(member.read())
        stream.flush()
        return next(read_at(Path(stream.name), np.array([row.num_frames / 2 / RATE_HZ])))


def _rejected_thumbs(rows: Sequence[ManifestRow], files: dict[str, Path]) -> str:
    by_reason: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        if row.reject_reason:
            by_reason[reason_name(row)].append(row)
    parts: list[str] = []
    for reason, found in sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        thumbs = "".join(
            _thumb(_picture_at(files.get(row.key, Path()), (row.start_s + row.stop_s) / 2), _told(row))
            for row in _drawn(found, REJECTED_SHOWN)
        )
        parts.append(f'<h3>{escape(reason)}</h3><div class="thumbs">{thumbs}</div>')
    return "".join(parts)


def _told(row: ManifestRow) -> str:
    where = f" {row.start_s:.1f}–{row.stop_s:.1f} s" if row.stop_s else ""
    return f"{row.source}{where}: {row.reject_reason}"


def _picture_at(path: Path, time_s: float) -> NDArray[np.uint8] | None:
    """The picture of a source at a time; None where there is none to be had any more."""
    try:
        if known_timeline(path) is not None:
            return next(read_at(path, np.array([time_s])), None)
        # Where only decoding tells the times, listing them first would be one decode more.
        return next((picture.rgb for picture in scan_frames(path) if picture.time_s >= time_s), None)
    except MediaError:
        return None


def _thumb(rgb: NDArray[np.uint8] | None, caption: str) -> str:
    picture = '<div class="blank"></div>'
    if rgb is not None:
        image = Image.fromarray(rgb)
        image.thumbnail((4 * _THUMB_PX, _THUMB_PX), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=70)
        picture = f'<img src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}" alt="">'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"
