"""The sync judge of a run."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from contextalk.core.errors import ContextalkError
from contextalk.models.sync_judge import open_judge
from contextalk.models.syncnet import SyncJudge, SyncJudgeConfig


def test_the_judge_of_a_run_is_opened(tmp_path: Path) -> None:
    assert open_judge(tmp_path) is None
    torch.manual_seed(0)
    trained = SyncJudge(SyncJudgeConfig())
    (tmp_path / "sync").mkdir()
    save_file(trained.state_dict(), tmp_path / "sync" / "averaged.safetensors")
    opened = open_judge(tmp_path)
    assert opened is not None
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in opened.state_dict().items())
    save_file({"other": torch.zeros(1)}, tmp_path / "sync" / "averaged.safetensors")
    with pytest.raises(ContextalkError, match="no sync judge"):
        open_judge(tmp_path)
