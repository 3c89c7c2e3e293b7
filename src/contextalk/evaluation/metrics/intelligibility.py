"""What a lip reader makes of a silent head: words of GRID sentences read right.

The reader is trained on true heads of the same corpus (`contextalk train lip-reader`). It reads the truth and the
codec's copy as methods of their own: they are the ceiling.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from contextalk.core.errors import ContextalkError
from contextalk.core.runs import WEIGHTS
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.sync import frames_at_rate
from contextalk.faces.mouth_views import bridge_gaps, mouth_views
from contextalk.models.lip_reader import LONG_ENOUGH, SLOTS, TOO_LONG, LipReader, LipReaderConfig, parse_sentence

WORDS = "words read"

_HOW = "share of the six words of a GRID sentence that our lip reader reads off the head alone"
_NEEDS = "a reader of `contextalk train lip-reader`, a GRID text, its three seconds and a track of the target"
_GUESSED = 100 * sum(1 / len(words) for words in SLOTS) / len(SLOTS)

COLUMNS = {
    WORDS: Column(unit="%", better="higher", says=f"{_HOW}; guessing gets {_GUESSED:.0f} %", needs=_NEEDS),
}


class LipReading:
    """Words read off clips that are a GRID sentence; NaN of all others and without a reader."""

    def __init__(self, reader: LipReader | None) -> None:
        self.reader = None if reader is None else reader.eval()

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """The share of one sentence."""
        frames = frames_at_rate(evidence)
        if not LONG_ENOUGH <= len(frames) < TOO_LONG:
            return {WORDS: float("nan")}
        said, points = parse_sentence(evidence.text), bridge_gaps(evidence.seen.points[frames])
        if self.reader is None or said is None or points is None:
            return {WORDS: float("nan")}
        read = read_words(self.reader, mouth_views(evidence.seen.heads[frames], points))
        return {WORDS: 100 * float(np.mean([one == other for one, other in zip(read, said, strict=True)]))}


def open_reader(run: Path) -> LipReader | None:
    """The reader of a run of `contextalk train lip-reader`; None where the run has none.

    Raises:
        ContextalkError: Its weights are of another shape.
    """
    path = run / "lip_reader" / WEIGHTS
    if not path.is_file():
        return None
    reader = LipReader(LipReaderConfig())
    try:
        reader.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise ContextalkError(f"{path} is no lip reader of this contextalk: {str(error).splitlines()[0]}") from error
    return reader.eval()


def read_words(reader: LipReader, views: NDArray[np.uint8]) -> tuple[int, ...]:
    """Index of the likeliest word of each slot; views (F, 48, 48) at 25 Hz."""
    pixels = torch.from_numpy(views).float()[None]
    with torch.no_grad():
        logits = reader(pixels, torch.ones(pixels.shape[:2], dtype=torch.bool))
    return tuple(int(slot.argmax()) for slot in logits)
