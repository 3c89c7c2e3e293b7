"""Clips are generated where they are missing, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest

from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.evaluation.reproduce import methods
from contextalk.evaluation.reproduce.clips import generate_clips
from contextalk.evaluation.reproduce.material import Context, Material
from contextalk.evaluation.reproduce.methods import ROWS, Given, Method, methods_of
from contextalk.generation.generate import generate_with
from generation_kit import simple_pipeline
from talk_kit import LEFT, write_talk


class Simple:
    """Generates by simple stages, and notes what it was asked; `stop_at` clips it is killed."""

    name = "simple"

    def __init__(self, stop_at: int | None = None) -> None:
        self.asked: list[GenerateRequest] = []
        self.stop_at = stop_at

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        if self.stop_at == len(self.asked):
            raise KeyboardInterrupt
        self.asked.append(request)
        return generate_with(simple_pipeline(), replace(request, identity=None), progress)


@pytest.fixture
def contexts(tmp_path: Path) -> list[Context]:
    made = []
    for number in range(2):
        scene = write_talk(tmp_path / "footage" / f"scene-{number:04d}", LEFT, frames=9)
        identity = tmp_path / f"identity-{number}.png"
        identity.write_bytes(b"a picture")
        made.append(
            Context(
                name=scene.name,
                scene=scene / "scene.mp4",
                audio=scene / "speaker-0.wav",
                landmarks=scene / "landmarks-0.npz",
                target="0",
                identity=identity,
            )
        )
    return made


def rows(simple: Simple) -> list[Method]:
    return [Method(name="simple", generator=lambda _: simple, draws_landmarks=True)]


def test_what_is_there_is_kept_and_what_changed_is_made_anew(tmp_path: Path, contexts: list[Context]) -> None:
    simple, output, given = Simple(), tmp_path / "clips", Given()
    assert generate_clips(rows(simple), contexts, output, given, "bundle") == 2
    assert generate_clips(rows(simple), contexts, output, given, "bundle") == 0
    assert (output / "simple" / "scene-0001.npz").is_file()
    assert generate_clips(rows(simple), contexts, output, replace(given, seed=1), "bundle") == 2
    assert generate_clips(rows(simple), contexts, output, replace(given, seed=1), "other bundle") == 2
    (tmp_path / "identity-1.png").write_bytes(b"another picture")
    assert generate_clips(rows(simple), contexts, output, replace(given, seed=1), "other bundle") == 1
    assert simple.asked[-1].identity == tmp_path / "identity-1.png"
    assert all(request.force for request in simple.asked)


def test_a_clip_without_its_note_is_half_made(tmp_path: Path, contexts: list[Context]) -> None:
    output = tmp_path / "clips"
    with pytest.raises(KeyboardInterrupt):
        generate_clips(rows(Simple(stop_at=1)), contexts, output, Given(), "bundle")
    after = Simple()
    assert generate_clips(rows(after), contexts, output, Given(), "bundle") == 1
    assert [request.scene.parent.name for request in after.asked] == ["scene-0001"]
    (output / "simple" / "scene-0000.made").unlink()
    assert generate_clips(rows(after), contexts, output, Given(), "bundle") == 1
    assert after.asked[-1].scene.parent.name == "scene-0000"


def test_a_row_is_told_what_its_method_may_know(contexts: list[Context]) -> None:
    material = Material(contexts=tuple(contexts), elsewhere={}, reference=Path(), real=None, says="two clips")
    rows = {row.name: row for row in methods_of("twins", Given(), material)[0]}
    asked = {name: row.request(contexts[0], Path("out.mp4"), Given(steps=3)) for name, row in rows.items()}
    assert all(request.identity == contexts[0].identity for request in asked.values())
    assert {name for name, request in asked.items() if request.landmarks is not None} == {"ours, true landmarks"}
    assert {name for name, request in asked.items() if request.save_landmarks is not None} == {"ours", "scene-blind"}
    assert all(request.steps == 3 for request in asked.values())


def test_rows_without_weights_are_named_and_not_made(contexts: list[Context], tmp_path: Path) -> None:
    material = Material(contexts=tuple(contexts), elsewhere={}, reference=Path(), real=None, says="two clips")
    absent = {row.name: row.needs for table in ROWS for row in methods_of(table, Given(), material)[1]}
    assert {"one stage", "framewise, true landmarks", "SadTalker", "shuffled scene"} <= set(absent)
    assert "contextalk train one-stage" in absent["one stage"]
    (tmp_path / "run" / "one_stage").mkdir(parents=True)
    (tmp_path / "run" / "one_stage" / "averaged.safetensors").write_bytes(b"weights")
    given = Given(runs=(tmp_path, tmp_path / "run"))
    there = {row.name: row for row in methods_of("table4", given, material)[0]}
    assert there["one stage"].depends_on
    (tmp_path / "run" / "one_stage" / "averaged.safetensors").write_bytes(b"other weights")
    again = methods.one_stage(given, material)
    assert isinstance(again, Method)
    assert again.depends_on != there["one stage"].depends_on
