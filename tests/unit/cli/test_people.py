"""`people` and its kin told who speaks by a planted network, as a program sees it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from contextalk.cli.main import main
from contextalk.core.records import GenerateRequest
from contextalk.dataset.manifest import read_manifest
from contextalk.dataset.unit import read_records
from contextalk.faces.targets import choose_target
from contextalk.generation.region import analyse_scene
from contextalk.models.active_speaker import weights_file
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig
from speakers_kit import bright_faces_speak, write_scene


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    (tmp_path / "film").mkdir()
    return write_scene(tmp_path / "film")


@pytest.fixture
def planted() -> None:
    file = weights_file("light-asd")
    assert file is not None
    file.parent.mkdir(parents=True)
    torch.save(bright_faces_speak(), file)


def speaking_s(scene: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[float], str]:
    main(["people", str(scene), "--json", *words])
    said = json.loads(capsys.readouterr().out)
    return [person["speaking_s"] for person in said["people"]], said["voices"]["active_speaker"]


@pytest.mark.usefixtures("planted")
def test_a_network_turns_round_who_speaks(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (still, moving), by_motion = speaking_s(scene, capsys)
    assert by_motion == "mouth-motion-2"
    assert moving > 0.5 > still
    (bright, dark), by_network = speaking_s(scene, capsys, "--active-speaker", "light-asd")
    assert by_network.startswith("light-asd-")
    assert (bright, dark) == (3.0, 0.0)  # the planted network looks and does not listen
    main(["people", str(scene), "--active-speaker", "light-asd"])
    assert f"who speaks, by {by_network}" in capsys.readouterr().out


@pytest.mark.usefixtures("planted")
def test_target_auto_means_whom_the_network_means(scene: Path) -> None:
    def chosen(target: str, active_speaker: str) -> tuple[int, str]:
        request = GenerateRequest(scene=scene, audio=scene, output=scene, target=target, active_speaker=active_speaker)
        analysis = analyse_scene(request)
        return choose_target(analysis, target).index, analysis.active_speaker[:5]

    assert chosen("auto", "default") == (1, "mouth")
    assert chosen("auto", "light-asd") == (0, "light")
    assert chosen("right", "light-asd") == (1, "mouth")  # nobody asks who speaks, and no network looks


@pytest.mark.usefixtures("planted")
def test_prepare_cuts_whom_the_network_means(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"

    def prepare(choice: str) -> tuple[int, int, bool]:
        """Whose clip it is, how many sources were as before, and whether most of the scene is spoken by somebody."""
        words = ["--target", "auto", "--min-sync", "0", "--active-speaker", choice, "--json"]
        main(["prepare", str(scene), "-o", str(data), *words])
        said = json.loads(capsys.readouterr().out)
        (row,) = read_manifest(data).to_pylist()
        assert row["reject_reason"] == ""
        return row["track"], said["num_reused"], max(group["speaking_s"] for group in said["groups"]) > 2.5

    assert prepare("default") == (1, 0, False)
    assert prepare("light-asd") == (0, 0, True)
    assert prepare("light-asd") == (0, 1, True)
    # Faces were found for the first call, and pictures that a judge looks at are not counted as those.
    assert "faces" not in read_records(data)[0].costs
    dim = bright_faces_speak()
    dim["lossAV.FC.bias"][1] = -100
    file = weights_file("light-asd")
    assert file is not None
    torch.save(dim, file)
    assert prepare("light-asd")[1:] == (0, False)  # other weights, another answer
    for run in ("run", "copy"):
        (tmp_path / run / "sync").mkdir(parents=True)
        torch.manual_seed(0)
        save_file(SyncJudge(SyncJudgeConfig()).state_dict(), tmp_path / run / "sync" / "averaged.safetensors")
    assert prepare(str(tmp_path / "run"))[1] == 0
    assert prepare(str(tmp_path / "copy"))[1] == 1  # what a run learned counts, not where it lies


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ("light-asd", "contextalk weights import light-asd finetuning_TalkSet.model"),
        ("talknet", "'talknet' is none of default, light-asd"),
        (".", "wanted a run of `contextalk train sync`"),
    ],
)
@pytest.mark.parametrize("verb", ["people", "prepare", "generate"])
def test_a_judge_that_is_not_here_is_one_line(
    verb: str, choice: str, says: str, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = {"people": [], "prepare": ["-o", str(tmp_path / "data")], "generate": ["-o", str(tmp_path / "out.mp4")]}
    audio = ["--audio", str(scene)] if verb == "generate" else []
    with pytest.raises(SystemExit) as ending:
        main([verb, str(scene), *audio, *output[verb], "--active-speaker", choice])
    assert ending.value.code == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("contextalk: active speaker ")
    assert says in complaint
    assert complaint.count("\n") == 1
