"""Wav2Lip by its published layout: names and shapes, files of it, and what the network is shown."""

from pathlib import Path

import numpy as np
import pytest
import torch

from contextalk.cli.main import main
from contextalk.core.errors import ContextalkError
from contextalk.models.wav2lip import Wav2Lip
from contextalk.models.weights import check_file, find_published, import_weights, open_wav2lip
from wav2lip_kit import hollow_weights, layout, publish, random_weights, write_checkpoint


@pytest.fixture(scope="module")
def network() -> Wav2Lip:
    made = Wav2Lip()
    made.load_state_dict(random_weights())
    return made.eval()


def test_the_layout_is_the_published_one() -> None:
    with torch.device("meta"):
        state = Wav2Lip().state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == layout()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_file_of_that_layout_is_taken(
    prefix: str, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "downloaded.pth", tmp_path / "kept"
    write_checkpoint(file, hollow_weights(), prefix=prefix, zipped=zipped)
    publish(monkeypatch, wav2lip_gan=file)
    main(["weights", "import", "wav2lip_gan", str(file), "--folder", str(folder)])
    assert (folder / "wav2lip_gan.pth").read_bytes() == file.read_bytes()
    main(["weights", "verify", "wav2lip_gan", "--folder", str(folder)])
    assert "wav2lip_gan: as published" in capsys.readouterr().out
    assert open_wav2lip("wav2lip_gan", folder)(torch.zeros(1, 6, 96, 96), torch.zeros(1, 1, 80, 16)).unique() == 0.5


def test_the_weights_of_a_file_are_those_that_run(
    network: Wav2Lip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_checkpoint(tmp_path / "wav2lip.pth", random_weights(), prefix="module.")
    publish(monkeypatch, wav2lip=file)
    opened = open_wav2lip("wav2lip", tmp_path)
    file.unlink()  # 145 MB
    assert not opened.training
    face, mel = np.full((96, 96, 3), 90, np.uint8), np.zeros((1, 80, 16), np.float32)
    assert np.array_equal(opened.speak(face, mel), network.speak(face, mel))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"output_block.1.bias": None}, "1 tensors are missing, first output_block.1.bias"),
        ({"audio_encoder.3.conv_block.0.weight": torch.zeros(64, 32, 5, 5)}, r"audio_encoder.3.* wanted \(64, 32, 3"),
        ({"face_encoder_blocks.7.0.conv_block.0.bias": torch.zeros(1)}, "1 tensors are unknown, first face_encoder"),
    ],
)
def test_another_layout_is_refused_in_one_line(change: dict, says: str, tmp_path: Path, monkeypatch) -> None:
    tensors = {name: value for name, value in {**hollow_weights(), **change}.items() if value is not None}
    file = write_checkpoint(tmp_path / "wav2lip.pth", tensors)
    publish(monkeypatch, wav2lip=file)
    with pytest.raises(ContextalkError, match=says) as caught:
        import_weights(find_published("wav2lip"), file, tmp_path / "kept")
    assert "\n" not in str(caught.value)


def test_what_is_not_the_published_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_checkpoint(tmp_path / "wav2lip_gan.pth", hollow_weights())
    kept = ["--folder", str(tmp_path / "kept")]
    for words in (["import", "wav2lip_gan", str(file)], ["import", "wav2lip", str(file)]):
        with pytest.raises(SystemExit) as ending:
            main(["weights", *words, *kept])
        said = capsys.readouterr().err
        assert ending.value.code == 2
        assert said.count("\n") == 1
        assert f"is not {words[1]} as published" in said
    with pytest.raises(ContextalkError, match="is not wav2lip_gan as published"):
        open_wav2lip("wav2lip_gan", tmp_path)  # put there by hand
    for other, says in (
        ({"state_dict": 3}, "wanted tensors by name"),
        ([1], "wanted tensors by name"),
        (torch.nn.Linear(2, 2), "no file of weights"),  # pickled code
    ):
        torch.save(other, file)
        publish(monkeypatch, wav2lip_gan=file)
        with pytest.raises(ContextalkError, match=says):
            check_file(find_published("wav2lip_gan"), file)


def test_weights_that_are_not_here_are_named_with_the_way_to_them(tmp_path: Path) -> None:
    with pytest.raises(ContextalkError, match="contextalk weights import wav2lip_gan FILE") as caught:
        open_wav2lip("wav2lip_gan", tmp_path)
    assert "\n" not in str(caught.value)


def test_it_is_shown_blue_first_and_the_lower_half_once(network: Wav2Lip, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[torch.Tensor] = []

    def half_red(faces: torch.Tensor, _mel: torch.Tensor) -> torch.Tensor:
        shown.append(faces)
        drawn = torch.zeros(len(faces), 3, 96, 96)
        drawn[:, 2] = 0.5
        return drawn

    monkeypatch.setattr(network, "forward", half_red)
    face = np.zeros((96, 96, 3), np.uint8)
    face[..., 0] = 255
    spoken = network.speak(face, np.zeros((20, 80, 16), np.float32))
    assert [tuple(faces.shape) for faces in shown] == [(16, 6, 96, 96), (4, 6, 96, 96)]
    assert shown[0].amax(dim=(0, 2, 3)).tolist() == [0, 0, 1, 0, 0, 1]
    assert shown[0][:, 2, :48].min() == 1
    assert shown[0][:, 2, 48:].max() == 0
    assert shown[0][:, 5].min() == 1
    assert spoken.shape == (20, 96, 96, 3)
    assert spoken.reshape(-1, 3).max(axis=0).tolist() == [128, 0, 0]


def test_the_sound_is_seen_frame_by_frame(network: Wav2Lip) -> None:
    random = np.random.default_rng(0)
    face, mel = random.integers(0, 256, (96, 96, 3), dtype=np.uint8), random.normal(size=(3, 80, 16)).astype(np.float32)
    other = mel.copy()
    other[1] += 1
    change = np.abs(network.speak(face, other).astype(int) - network.speak(face, mel)).max(axis=(1, 2, 3))
    assert change[1] > 3
    assert change[[0, 2]].tolist() == [0, 0]
