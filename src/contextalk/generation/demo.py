"""The embedded example: two people never seen in training, and a bundle that draws such people."""

from importlib import resources
from pathlib import Path

from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest, GenerateResult, Progress
from contextalk.generation.generate import generate
from contextalk.generation.sheet import contact_sheet


def run_demo(output: Path, progress: Progress | None = None) -> GenerateResult:
    """Write `out.mp4`, `landmarks.npz`, `sheet.png` and `report.json` into a folder, which is made.

    Raises:
        ContextalkError: The folder cannot be made or written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ContextalkError(f"cannot make the folder {output}: {error.strerror}") from error
    assets = demo_assets()
    request = GenerateRequest(
        scene=assets / "scene.mp4",
        audio=assets / "driving.wav",
        target="0",
        output=output / "out.mp4",
        save_landmarks=output / "landmarks.npz",
        report=output / "report.json",
    )
    result = generate(request, progress)
    sheet = output / "sheet.png"
    temporary = sheet.with_name("sheet.part.png")
    contact_sheet(request.scene, result).save(temporary)
    temporary.replace(sheet)
    return result


def demo_assets() -> Path:
    """Folder of the example's scene, annotations and driving audio."""
    return Path(str(resources.files("contextalk"))) / "assets" / "demo"
