"""What the repository promises outside its code: commands in the documents, pins, and what never is installed."""

import re
import shlex
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from contextalk.cli.main import parse

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NEVER = ("torchvision", "torchaudio", "opencv-python", "opencv-contrib-python", "silero-vad")


def shown_commands() -> list[tuple[str, str]]:
    """Every line of every code block, continued lines joined."""
    commands: list[tuple[str, str]] = []
    for document in DOCUMENTS:
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", document.read_text(), flags=re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            commands += [(document.name, line.split("  #")[0].strip()) for line in lines if line.strip()]
    return commands


@pytest.mark.parametrize(("document", "line"), [c for c in shown_commands() if c[1].startswith("contextalk ")])
def test_shown_commands_parse(document: str, line: str) -> None:
    try:
        parse(shlex.split(line)[1:])
    except SystemExit as ending:
        pytest.fail(f"{document} shows `{line}`, which exits with {ending.code}")


def test_shown_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    shown = {line.split()[1] for _, line in shown_commands() if line.startswith("make ")}
    assert {"demo", "test"} <= shown <= targets


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def project() -> dict[str, list[str]]:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"core": stated["dependencies"], **stated["optional-dependencies"]}


def name(requirement: str) -> str:
    return re.split(r"[<>=~\[ ]", requirement)[0].lower()


def test_every_dependency_is_pinned() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    pinned = {name(pin) for pin in pins}
    wanted = {name(requirement) for group in project().values() for requirement in group}
    assert wanted <= pinned


@pytest.mark.parametrize("package", NEVER)
def test_what_breaks_others_is_nowhere(package: str) -> None:
    assert package not in {name(requirement) for group in project().values() for requirement in group}
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version(package)


def test_demo_installs_no_drawing_library() -> None:
    assert not {"skia-python", "espeakng-loader"} & {name(requirement) for requirement in project()["core"]}
