"""The report: every row is counted once, and the page shows it without anything from elsewhere."""

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contextalk.cli.console import json_value
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.prepare import prepare
from contextalk.dataset.summary import summarise
from contextalk.dataset.unit import StageCost, UnitRecord

Videos = Callable[..., Path]


def clip(number: int, **fields: float | str | int) -> ManifestRow:
    known = {"key": f"k{number}", "source": f"s{number % 2}.mp4", "person": "anna", "split": "train", "shard": "a.tar"}
    return ManifestRow(**{**known, "num_frames": 75, "face_px": 130.0, "yaw_deg": 10.0, "pitch_deg": 0.0, **fields})


def test_numbers_of_a_dataset() -> None:
    rows = [
        clip(0),
        clip(1, split="test", person="ben", yaw_deg=-70.0),
        clip(2, copy=1, yaw_deg=50.0),
        clip(3, yaw_deg=float("nan")),
        clip(4, reject_reason="too short: 0.60 s, wanted ≥ 1 s", start_s=1.0, stop_s=1.6),
        clip(5, reject_reason="too short: 0.40 s, wanted ≥ 1 s", start_s=1.0, stop_s=1.4),
        clip(6, reject_reason="no sound; rate: 10.00 fps, wanted 23 … 60.5"),
    ]
    costs = {"faces": StageCost(frames=100, seconds=4.0)}
    records = [UnitRecord(unit=u, source=u, fingerprint="", rows=(), costs=costs) for u in ("a", "b")]
    summary = summarise(rows, records)
    assert summary.num_clips == {"train": 3, "test": 1}
    assert summary.hours_of == pytest.approx({"anna": 9 / 3600, "ben": 3 / 3600})
    assert [(reason.name, reason.count) for reason in summary.reasons] == [("too short", 2), ("no sound", 1)]
    assert summary.reasons[0].seconds == pytest.approx(1.0)
    yaw = summary.histograms[0]
    # The copy is not counted, an unknown pose neither, and one beyond the last edge is in the last bin.
    assert (sum(yaw.counts), yaw.counts[0], yaw.median) == (2, 1, -30.0)
    assert summary.stages["faces"].frames_per_s == 25.0


def test_the_page_stands_alone_and_shows_what_was_kept_and_what_not(
    real_video: Videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    videos = [
        real_video("<b>good", num_frames=60, unseen=slice(40, 44)),
        real_video("silent", loudness=0.0),
        real_video("mute", wave=False),
    ]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(videos[0].read_bytes()[:2000])
    report = prepare([*videos, broken], tmp_path / "data")
    assert report.rejected == {"digital silence": 1, "no face": 1, "no sound": 1, "too short": 1, "unreadable": 1}
    page = report.page.read_text()
    assert "&lt;b&gt;good" in page
    assert "<b>good" not in page
    assert not re.search(r"<script|<link|(src|href)=\"(?!data:)", page), "nothing from elsewhere"
    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("L"), float)
        for code in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    ]
    # One clip, and for each reason a picture of its stretch, but for the file that cannot be read.
    assert len(pictures) == 1 + 4
    assert min(picture.std() for picture in pictures) > 5, "they show something"
    assert page.count('class="blank"') == 1
    told = json.loads(json.dumps(json_value(asdict(report)), allow_nan=False))
    assert told["summary"]["reasons"][0]["count"] == 1

    written_ns = report.page.stat().st_mtime_ns
    assert prepare([*videos, broken], tmp_path / "data").page.stat().st_mtime_ns == written_ns
