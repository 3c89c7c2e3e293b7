import json
import shlex
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pytest

from contextalk.cli.console import Bars, Verb, json_value
from contextalk.cli.doctor import Doctor
from contextalk.cli.generate import Generate, parse_range
from contextalk.cli.main import main, parse
from contextalk.cli.people import People
from contextalk.cli.prepare import Prepare
from contextalk.cli.synth import Synth
from contextalk.cli.train import BundleRun, Train
from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest

VERBS = ("demo", "people", "synth", "prepare", "train", "bundle", "generate", "evaluate", "bench", "doctor")


def read(line: str) -> Verb:
    return parse(shlex.split(line))


def test_help_imports_nothing_heavy() -> None:
    program = """
import sys
from contextalk.cli.main import main
try:
    main(["--help"])
finally:
    print("heavy:", sorted({"torch", "numpy", "cv2", "av", "scipy", "diffusers", "tqdm"} & set(sys.modules)))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "heavy: []" in said
    assert all(f"• {verb}" in said for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main([verb, "--help"])
    assert ending.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_stable_words_are_understood() -> None:
    out = Path("x")
    assert read("people s.mp4 --sheet p.png") == People(scene=Path("s.mp4"), sheet=Path("p.png"))
    assert read("synth -o x --minutes 2.5 --seed 3 --twins --report") == Synth(
        output=out, minutes=2.5, seed=3, twins=True, report=True
    )
    assert read("prepare a.mp4 b -o x --target left --annotations none --workers 2") == Prepare(
        sources=("a.mp4", "b"), output="x", target="left", annotations="none", workers=2
    )
    assert read("prepare s3://b/talks/ -o s3://b/data --ray") == Prepare(
        sources=("s3://b/talks/",), output="s3://b/data", ray=()
    )
    assert read("prepare a.mp4 -o x --ray auto") == Prepare(sources=("a.mp4",), output="x", ray=("auto",))
    sheet = read("prepare a.mp4 -o x --contact-sheet p.png --target group:1")
    assert sheet == Prepare(sources=("a.mp4",), output="x", contact_sheet=Path("p.png"), target="group:1")
    assert read("train face --data d --run r --preset debug --from b") == Train(
        network="face", data="d", run_folder=Path("r"), preset="debug", bundle=Path("b")
    )
    assert read("bundle r -o x") == BundleRun(run_folder=Path("r"), output=out)


def test_generate_maps_every_option() -> None:
    verb = read(
        "generate s.mp4 --audio a.wav --identity i.png --target 3,4@1.5 --mask m.png --landmarks l.npz --bundle b "
        "--annotations none --active-speaker light-asd --sound keep --steps 5 --sampler ddim --seed 7 --range 1.5-4 "
        "--on-missing-face error "
        "--save-landmarks k.npz --report r.json --device cpu --lossless --force -o out.mkv"
    )
    assert isinstance(verb, Generate)
    assert verb.request() == GenerateRequest(
        scene=Path("s.mp4"),
        audio=Path("a.wav"),
        output=Path("out.mkv"),
        bundle=Path("b"),
        target="3,4@1.5",
        identity=Path("i.png"),
        mask=Path("m.png"),
        landmarks=Path("l.npz"),
        annotations="none",
        active_speaker="light-asd",
        sound="keep",
        steps=5,
        sampler="ddim",
        seed=7,
        device="cpu",
        time_range_s=(1.5, 4.0),
        on_missing_face="error",
        save_landmarks=Path("k.npz"),
        report=Path("r.json"),
        lossless=True,
        force=True,
    )


def test_generate_has_the_defaults_of_the_request() -> None:
    named = {"time_range_s": "range", "blinks_per_minute": "blinks"}
    options = {field.name: field for field in fields(Generate)}
    for field in fields(GenerateRequest):
        option = options.pop(named.get(field.name, field.name))
        assert option.default == field.default, field.name
    assert set(options) == {"json"}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("train codex --data d --run r", "codex"),
        ("people", "SCENE"),
        ("generate s.mp4 -o out.mp4", "--audio"),
        ("generate s.mp4 --audio a.wav -o out.mp4 --sound both", "both"),
        ("generate s.mp4 --audio a.wav -o out.mp4 --range 5-2", "0 <= A < B"),
        ("generate s.mp4 --audio a.wav -o out.mp4 --range soon", "A-B in seconds"),
        ("fly", "fly"),
        ("train face --data d --run r --device gpu", "gpu"),
        ("bench train --preset small", "no preset 'small'"),
        ("bench train --preset paper --network face", "no network 'face', wanted landmark_first"),
        ("bench generate --steps 0", "--steps 0, wanted 1 or more"),
    ],
)
def test_bad_input_is_one_line_and_status_2(line: str, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(line.split())
    assert ending.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("contextalk: ")
    assert wanted in said.err


@pytest.mark.parametrize("line", ["train codec --data d --run r", "bench train", "bench generate"])
def test_a_card_that_is_not_there_is_bad_input(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ending:
        main([*line.split(), "--device", "cuda"])
    assert ending.value.code == 2
    assert "sees no CUDA device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("action", ["train --network face-sequence --batch 1", "generate --streams 1"])
def test_bench_prints_a_table_that_names_the_machine(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(f"bench {action} --preset debug --device cpu --seconds 0 --json".split())
    figures = json.loads(capsys.readouterr().out)
    assert figures["device"].startswith("CPU, ")
    assert all(value > 0 for value in figures.values() if not isinstance(value, str))
    assert {"windows/s", "frames/s, one stream"} & set(figures)


def test_synth_without_skia_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("contextalk.synth")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "skia", None)  # what an absent library looks like to `import`
    with pytest.raises(SystemExit) as ending:
        main(["synth", "-o", str(tmp_path), "--minutes", "0.1"])
    assert ending.value.code == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "pip install 'contextalk[synth]'" in said


def test_interrupt_is_one_line_and_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Doctor, "run", interrupted)
    with pytest.raises(SystemExit) as ending:
        main(["doctor"])
    assert ending.value.code == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["torch"].startswith("2.")
    assert "threads" in facts


def test_short_work_is_silent_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        for done in range(1, 4):
            bars("faces", done, 3)
        bars("heads", 1, 2)
    assert capsys.readouterr().err == ""


def test_work_with_a_changing_note_is_one_bar() -> None:
    with Bars() as bars:
        bars("codec (loss 0.9)", 1, 10)
        first = bars._bar
        bars("codec (loss 0.8)", 5, 10)
        assert bars._bar is first
        assert first is not None
        assert (first.n, first.desc) == (5, "codec (loss 0.8): ")
        bars("reader (loss 0.8)", 1, 10)
        assert bars._bar is not first


def test_ranges() -> None:
    assert parse_range("0-1.25") == (0.0, 1.25)
    for wrong in ("1", "1-2-3", "a-b", "2-1", "1-1", "-1-2"):
        with pytest.raises(ContextalkError, match="--range"):
            parse_range(wrong)


def test_required_options_have_no_default() -> None:
    assert {field.name for field in fields(Generate) if field.default is MISSING} == {"scene", "audio", "output"}


def test_what_json_lacks_becomes_null_lists_and_text() -> None:
    given = {"a": float("nan"), "b": np.array([1.0, np.nan]), "c": (Path("x"), np.float32(2)), "d": True}
    assert json_value(given) == {"a": None, "b": [1.0, None], "c": ["x", 2.0], "d": True}
    json.dumps(json_value(given), allow_nan=False)
