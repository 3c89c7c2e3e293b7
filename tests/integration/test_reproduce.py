"""`contextalk reproduce` refuses in one line what it cannot use."""

from pathlib import Path

import pytest

from contextalk.cli.main import main


def run(*words: str | Path) -> None:
    main([str(word) for word in words])


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, wanted in (
        (["twins", "--data", tmp_path], "holds no clips"),
        (["table9", "--data", tmp_path], "table9"),
        (["twins", "--data", tmp_path, "--bundle", tmp_path], "is no bundle"),
    ):
        with pytest.raises(SystemExit) as ending:
            run("reproduce", *words, "-o", tmp_path / "out")
        said = capsys.readouterr().err.strip()
        assert ending.value.code == 2
        assert wanted in said
        assert "\n" not in said
