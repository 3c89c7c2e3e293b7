"""`contextalk weights`, as a program sees it."""

import json
from pathlib import Path

import pytest

from contextalk.cli.main import main


def test_list_says_what_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "syncnet_v2.model").write_bytes(b"")
    main(["weights", "list", "--folder", str(tmp_path), "--json"])
    here = {one["name"]: one["here"] for one in json.loads(capsys.readouterr().out)["weights"]}
    assert here.pop("syncnet_v2")
    assert len(here) >= 4
    assert not any(here.values())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["import", "syncnet_v2"], "seen 1 words"),
        (["import", "syncnet_v2", "nowhere.model"], "nowhere.model does not exist"),
        (["verify", "syncnet_v2"], "weights fetch syncnet_v2"),
        (["verify", "syncnet_v3"], "wanted one of syncnet_v2"),
        (["list", "syncnet_v2"], "takes no names"),
        (["verify", "--source", "here"], "--source is for fetch"),
        (["fetch", "syncnet_v2", "--source", "here"], "syncnet_v2.model does not exist"),
    ],
)
def test_bad_input_is_one_line(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["weights", *words, "--folder", str(tmp_path)])
    assert ending.value.code == 2
    complaint = capsys.readouterr().err
    assert says in complaint
    assert complaint.count("\n") == 1


def test_verify_says_what_is_not_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["weights", "verify", "--folder", str(tmp_path)])
    assert capsys.readouterr().out.count("not here") >= 5
