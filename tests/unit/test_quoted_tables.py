"""The documents' tables are those that the commands wrote."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("quote_tables", ROOT / "benchmarks" / "quote_tables.py")
assert _SPEC is not None
assert _SPEC.loader is not None
quote_tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(quote_tables)

CSV = """method,group,figure,unit,better,mean,low,high,measured,missing,why
truth,g,"r, saved",,higher,,,,0,3,saved landmarks
truth,g,PSNR,dB,higher,inf,,,3,0,
ground truth,g,PSNR head,dB,higher,inf,,,3,0,
ours,g,"r, saved",,higher,0.5,0.25,0.75,3,0,
ours,g,PSNR,dB,higher,21.5,20.25,22.75,3,0,
"""
DOCUMENT = """Before.

<!-- quoted from a.csv, b.csv
columns: PSNR = PSNR, dB | r, saved
rows: truth = the truth | ours | theirs
-->
{}<!-- end of quote -->

After.
"""
TABLE = """
|  | PSNR, dB | r, saved |
| --- | --- | --- |
| the truth | ∞ | – |
| ours | 21.50 [20.25, 22.75] | 0.500 [0.250, 0.750] |
| theirs | 1.000 [0.500, 2.000] | 0.250 [0.000, 1.000] |

"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text(CSV)
    lines = ['theirs,g,"r, saved",,higher,0.25,0.0,1.0,3,0,', "theirs,g,PSNR,dB,higher,1.0,0.5,2.0,3,0,"]
    lines.append("ground truth,g,PSNR head,dB,higher,inf,,,3,0,")
    (tmp_path / "b.csv").write_text("\n".join([CSV.splitlines()[0], *lines, ""]))
    return tmp_path


@pytest.mark.parametrize("before", ["", "\n| an old table |\n", TABLE])
def test_a_table_is_filled_anew_whatever_stood_there(folder: Path, before: str) -> None:
    assert quote_tables.quoted(DOCUMENT.format(before), folder) == DOCUMENT.format(TABLE)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("theirs", "nobody", "no row 'nobody'"),
        ("PSNR =", "SSIM =", "no column 'SSIM'"),
        ("<!-- end of quote -->", "", "1 quotes begin and 0 end"),
        ("columns:", "colums:", "1 quotes begin and 1 end, of which 0 are whole"),
    ],
)
def test_what_no_file_has_or_is_broken_is_an_error(folder: Path, old: str, new: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        quote_tables.quoted(DOCUMENT.format("").replace(old, new), folder)


def test_a_quote_without_an_end_does_not_swallow_the_next(folder: Path) -> None:
    broken = DOCUMENT.format("").replace("<!-- end of quote -->", "")
    with pytest.raises(ValueError, match="2 quotes begin and 1 end"):
        quote_tables.quoted(broken + DOCUMENT.format(""), folder)


def test_tables_of_other_counts_of_clips_do_not_mix(folder: Path) -> None:
    (folder / "b.csv").write_text((folder / "b.csv").read_text().replace(",3,0,", ",2,0,"))
    with pytest.raises(ValueError, match=r"of \[2, 3\] clips"):
        quote_tables.quoted(DOCUMENT.format(""), folder)


def test_the_results_are_what_the_commands_wrote() -> None:
    text = (ROOT / "docs" / "results.md").read_text()
    assert "<!-- quoted from" in text
    assert quote_tables.quoted(text, ROOT / "docs") == text
