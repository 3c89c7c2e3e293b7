"""What is no footage to learn from: each file is a row with its reason, and no file stops the others."""

from pathlib import Path

import pytest

from contextalk.core.errors import DatasetError
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.prepare import prepare

REASONS = {
    "backs_of_heads_no_audio_10fps.mp4": ["no sound; rate: 10.00 fps, wanted 23 … 60.5"],
    "damaged_bitstream.mpg": ["", "", "damaged picture"],
    "no_person_no_audio.mp4": ["no sound"],
    "no_person_with_audio_12.5fps.mp4": ["rate: 12.50 fps, wanted 23 … 60.5"],
    "signing_person_no_audio.mkv": ["no sound"],
    "sine_not_speech.wav": ["unreadable: sine_not_speech.wav has no video stream, wanted one"],
}


@pytest.mark.media
def test_every_bad_input_is_a_row_with_its_reason(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = sorted((media / "bad_inputs").iterdir())
    assert {file.name for file in files} == REASONS.keys()
    prepare(files, tmp_path / "data")
    rows = read_manifest(tmp_path / "data").to_pylist()
    found = {name: [row["reject_reason"] for row in rows if row["source"] == name] for name in REASONS}
    assert found == REASONS
    # The damaged stream lost frames 46 and 47: the last two before a key frame.
    good = [(row["start_s"], row["num_frames"]) for row in rows if not row["reject_reason"]]
    assert good == [(0.0, 46), (pytest.approx(1.92), 27)]


@pytest.mark.media
def test_nothing_usable_is_an_error(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = [media / "bad_inputs" / name for name in REASONS if name != "damaged_bitstream.mpg"]
    with pytest.raises(DatasetError, match="no clip in 5 source"):
        prepare(files, tmp_path / "data")
    assert (tmp_path / "data/report.html").is_file()
