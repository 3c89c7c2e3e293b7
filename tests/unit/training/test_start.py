"""A run says which bundle it started from, and is not gone on with from another."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from contextalk.core.choices import LipsKind
from contextalk.core.errors import BundleError, ContextalkError
from contextalk.models.bundle import Bundle, BundleCard
from contextalk.presets import debug
from contextalk.training.run import PRESET_FILE, SPEECH_FILE, START_FILE, _keep_speech, bundle_run, train


def make_bundle(folder: Path, seed: int, lips: LipsKind = "own") -> Path:
    torch.manual_seed(seed)
    models = debug().models
    models = replace(models, lips=replace(models.lips, kind=lips))
    Bundle(BundleCard(models=models, whom="nobody", persons=(), record={}, licence="")).save(folder)
    return folder


def start(run: Path, bundle: Path | None) -> None:
    """The first thing a training does that wants data: there are none, so it ends there."""
    with pytest.raises(ContextalkError, match="no dataset"):
        train("reader", data=run / "none", run=run, preset="debug", from_bundle=bundle)


def test_another_start_is_refused_in_one_line(tmp_path: Path):
    run, mine = tmp_path / "run", make_bundle(tmp_path / "mine", 0)
    start(run, mine)
    noted = json.loads((run / START_FILE).read_text())
    assert noted == {"bundle": "mine", "sha256": Bundle.load(mine).fingerprint}
    start(run, (tmp_path / "mine").rename(tmp_path / "moved"))  # what counts is what is in it
    other = make_bundle(tmp_path / "other", 1)
    for given, seen in ((other, r"other \([0-9a-f]{12}\)"), (None, "no bundle")):
        with pytest.raises(
            BundleError, match=rf"started from mine \({noted['sha256'][:12]}\), now given {seen}"
        ) as caught:
            train("reader", data=tmp_path / "none", run=run, preset="debug", from_bundle=given)
        assert "\n" not in str(caught.value)
    with pytest.raises(BundleError, match="started from mine"):
        bundle_run(run, tmp_path / "out", from_bundle=other)
    bundle_run(run, tmp_path / "out", from_bundle=tmp_path / "moved")
    assert json.loads(Bundle.load(tmp_path / "out").card.record["from"]) == noted


def test_a_run_that_began_without_a_bundle_takes_none_later(tmp_path: Path):
    run = tmp_path / "run"
    with pytest.raises(ContextalkError, match="no trained codec"):
        train("reader", data=tmp_path / "none", run=run, preset="debug")
    assert json.loads((run / START_FILE).read_text()) is None
    with pytest.raises(BundleError, match="started from no bundle, now given mine"):
        train("reader", data=tmp_path / "none", run=run, preset="debug", from_bundle=make_bundle(tmp_path / "mine", 0))


def test_the_codec_of_a_bundle_is_kept_unless_it_is_named_with_windows(tmp_path: Path):
    mine, none = make_bundle(tmp_path / "mine", 0), tmp_path / "none"
    kept, tuned = tmp_path / "kept", tmp_path / "tuned"
    with pytest.raises(ContextalkError, match="no dataset"):  # which only one that learns asks for
        train("codec", data=none, run=tuned, preset="debug", from_bundle=mine, windows=4)
    assert train("codec", data=none, run=kept, preset="debug", from_bundle=mine) == {"codec": {}}
    with pytest.raises(ContextalkError, match="has kept its bundle's codec: tune it first, in a new run"):
        train("codec", data=none, run=kept, preset="debug", from_bundle=mine, windows=4)


def test_others_stand_on_the_bundles_codec_for_good_and_on_no_half_of_one(tmp_path: Path):
    mine, none, run = make_bundle(tmp_path / "mine", 0), tmp_path / "none", tmp_path / "run"
    with pytest.raises(ContextalkError, match="no dataset"):
        train("lips", data=none, run=run, preset="debug", from_bundle=mine)
    with pytest.raises(ContextalkError, match="has kept its bundle's codec"):
        train("codec", data=none, run=run, preset="debug", from_bundle=mine, windows=4)
    (run / "codec" / "done").unlink()  # as a tuning that was killed leaves it
    for again in (
        lambda: train("lips", data=none, run=run, preset="debug", from_bundle=mine),
        lambda: train("codec", data=none, run=run, preset="debug", from_bundle=mine),
        lambda: bundle_run(run, tmp_path / "out", from_bundle=mine),
    ):
        with pytest.raises(ContextalkError, match=r"the codec of .* is half trained"):
            again()


def begin(run: Path, *, lips: LipsKind | None = None, bundle: Path | None = None) -> dict[str, object]:
    """Begin a run, or go on with it, and say what it notes of its lip references."""
    with pytest.raises(ContextalkError, match="no dataset"):
        train("probe" if bundle else "codec", data=run / "none", run=run, preset="debug", lips=lips, from_bundle=bundle)
    return json.loads((run / PRESET_FILE).read_text())["models"]["lips"]


def test_where_lip_references_come_from_is_decided_when_a_run_begins(tmp_path: Path):
    own = {"channels": 16, "folds": 2}
    assert begin(tmp_path / "own") == own  # as before there was a choice
    assert begin(tmp_path / "said", lips="own") == own
    run = tmp_path / "theirs"
    theirs = {"kind": "wav2lip_gan", **own}
    assert begin(run, lips="wav2lip_gan") == theirs
    assert begin(run) == begin(run, lips="wav2lip_gan") == theirs
    for folder, wanted, began in ((run, "own", "wav2lip_gan"), (tmp_path / "own", "wav2lip", "own")):
        with pytest.raises(ContextalkError, match=f"from {began}, now wanted from {wanted}: begin another") as caught:
            train("codec", data=tmp_path / "none", run=folder, preset="debug", lips=wanted)  # pyright: ignore[reportArgumentType]
        assert "\n" not in str(caught.value)


def test_a_run_from_a_bundle_has_its_lip_references_unless_it_says_otherwise(tmp_path: Path):
    theirs, ours = make_bundle(tmp_path / "theirs", 0, "wav2lip"), make_bundle(tmp_path / "ours", 0)
    assert not (theirs / "lips.safetensors").exists()
    assert begin(tmp_path / "kept", bundle=theirs)["kind"] == "wav2lip"
    assert begin(tmp_path / "given", bundle=ours, lips="wav2lip_gan")["kind"] == "wav2lip_gan"
    run = tmp_path / "freed"
    assert "kind" not in begin(run, bundle=theirs, lips="own")
    with pytest.raises(BundleError, match="no lips of this preset's shape"):
        bundle_run(run, tmp_path / "out", from_bundle=theirs)
    with pytest.raises(ContextalkError, match="no dataset"):  # a generator of its own can be taught
        train("lips", data=tmp_path / "none", run=run, preset="debug", from_bundle=theirs)
    bundle_run(tmp_path / "kept", tmp_path / "out", from_bundle=theirs)
    made = Bundle.load(tmp_path / "out")
    assert made.card.models.lips.kind == "wav2lip"
    assert (
        made.card.licence
        == "Apache-2.0; its lip references are drawn by wav2lip, non-commercial: personal and research use only"
    )


def test_all_is_not_begun_without_the_weights_it_will_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ContextalkError, match="contextalk weights import wav2lip FILE"):
        train("all", data=tmp_path / "none", run=tmp_path / "run", preset="debug", lips="wav2lip")
    assert not (tmp_path / "run" / "codec").exists()


def test_a_run_keeps_whose_speech_it_learnt(tmp_path: Path):
    said = {"anna": 3}
    _keep_speech(tmp_path, None)
    assert not (tmp_path / SPEECH_FILE).exists()  # speech may come later
    _keep_speech(tmp_path, said)
    _keep_speech(tmp_path, said)
    for other in (None, {"bert": 3}):
        with pytest.raises(ContextalkError, match="give the same --speech"):
            _keep_speech(tmp_path, other)
    assert json.loads((tmp_path / SPEECH_FILE).read_text()) == said


def test_speech_is_for_stage_1_and_must_be_there(tmp_path: Path):
    common = {"data": tmp_path, "run": tmp_path / "run", "preset": "debug", "speech": tmp_path / "nothing"}
    (tmp_path / "manifest.parquet").write_bytes(b"")
    with pytest.raises(ContextalkError, match="--speech is for stage 1"):
        train("face-first", **common)
    with pytest.raises(ContextalkError, match="no dataset"):
        train("context", **common)
