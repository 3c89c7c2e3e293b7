"""Generate into scenes without loss and count what changed outside the mask: `python benchmarks/contract.py --help`.

The scene contract: frame count and times are the scene's, and so is every sample of every plane outside the mask.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from contextalk.core.errors import ContextalkError
from contextalk.core.records import GenerateRequest, GenerateResult
from contextalk.faces.analysis import analyse
from contextalk.faces.crop import scene_mask
from contextalk.generation.compositor import stored_mask
from contextalk.generation.generate import generate
from contextalk.media.planes import plane_views
from contextalk.media.source import inspect_source, open_source
from contextalk.media.video import probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Check the scene contract.

    Attributes:
        scenes: Videos with people; the largest face is the target.
        audio: Driving speech; a scene shorter than it gets its beginning.
        output: Folder for the videos and `contract.json`.
        bundle: Bundle; default: the embedded one.
        seconds: Regenerate the first seconds only; the rest must pass through untouched.
    """

    scenes: tuple[Path, ...]
    audio: Path
    output: Path
    bundle: Path | None = None
    seconds: float | None = None


def main(config: Contract) -> None:
    """Generate, compare, print."""
    config.output.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for scene in config.scenes:
        people = len(analyse(scene).tracks)
        started = time.monotonic()
        try:
            result = generate(_request(scene, config))
        except ContextalkError as error:
            rows.append({"scene": scene.name, "people": people, "error": str(error)})
        else:
            seconds = time.monotonic() - started
            rows.append({"scene": scene.name, "people": people, "seconds": round(seconds), **check(scene, result)})
        sys.stdout.write(json.dumps(rows[-1]) + "\n")
        sys.stdout.flush()
    (config.output / "contract.json").write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any("error" in row or row["changed outside"] or not row["times equal"] for row in rows))


def check(scene: Path, result: GenerateResult) -> dict[str, object]:
    """Frames, whether their times are the scene's, and samples changed outside and inside the mask."""
    before, after = probe(scene), probe(result.output)
    source = inspect_source(scene).format
    across, down = source.colour.shrink
    outside = inside = frames = 0
    for index, (old, new) in enumerate(zip(open_source(scene), open_source(result.output), strict=True)):
        crop = result.crop.centre_px[index], float(result.crop.side_px[index])
        mask = stored_mask(scene_mask(source.size_px, *crop), source) > 0
        for plane, (kept, made) in enumerate(zip(plane_views(old.frame), plane_views(new.frame), strict=True)):
            # A chroma sample may change only where all of its luma places may.
            where = mask if plane == 0 else mask[::down, ::across] & mask[down - 1 :: down, across - 1 :: across]
            changed = kept != made
            outside += int(changed[~where].sum())
            inside += int(changed[where].sum())
        frames += 1
    return {
        "frames": frames,
        "times equal": len(before.times_s) == len(after.times_s)
        and bool(np.allclose(before.times_s, after.times_s, atol=1e-6)),
        "changed outside": outside,
        "changed inside": inside,
    }


def _request(scene: Path, config: Contract) -> GenerateRequest:
    return GenerateRequest(
        scene=scene,
        audio=config.audio,
        output=config.output / f"{scene.stem}.mp4",
        bundle=config.bundle,
        lossless=True,
        force=True,
        time_range_s=None if config.seconds is None else (0.0, config.seconds),
    )


if __name__ == "__main__":
    main(tyro.cli(Contract))
