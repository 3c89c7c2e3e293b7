"""What a lip reader makes of a silent head: words of GRID sentences read right.

The reader is trained on true heads of the same corpus (`contextalk train lip-reader`). It reads the truth and the
codec's copy as methods of their own: they are the ceiling.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from contextalk.core.errors import ContextalkError
from contextalk.evaluation.evidence import Evidence
from contextalk.evaluation.metrics import Column
from contextalk.evaluation.metrics.sync import frames_at_rate
from contextalk.faces.mouths import bridge_gaps, mouth_views
from contextalk.models.lip_reader import SLOTS, LipReader, LipReaderConfig, parse_sentence

WORDS, OF_TRUTH = "words read", "words read of the truth"
LOW, HIGH, SENTENCES = "words read, low", "words read, high", "sentences read"

_HOW = "share of the six words of a GRID sentence that our lip reader reads off the head alone"
_NEEDS = "a reader of `contextalk train lip-reader`, a GRID text and a track of the target"
_GUESSED = 100 * sum(1 / len(words) for words in SLOTS) / len(SLOTS)

CLIP_COLUMNS = {
    WORDS: Column(unit="%", better="higher", says=f"{_HOW}; guessing gets {_GUESSED:.0f} %", needs=_NEEDS),
    OF_TRUTH: Column(
        unit="%", better="higher", says=f"{_HOW}, of the same clips' true heads: the ceiling", needs=_NEEDS
    ),
}
COLUMNS = {
    **CLIP_COLUMNS,
    LOW: Column(
        unit="%",
        better="higher",
        says="lower end of the 95 % interval of words read, drawn over sentences",
        needs=_NEEDS,
    ),
    HIGH: Column(unit="%", better="higher", says="upper end of it", needs=_NEEDS),
    SENTENCES: Column(
        unit="", better="higher", says="clips with a GRID text and a track, which the figures rest on", needs=_NEEDS
    ),
}


class LipReading:
    """Words read off clips whose text is known; NaN of all others and without a reader."""

    def __init__(self, reader: LipReader | None, texts: Mapping[str, str]) -> None:
        """`texts`: what is said in each clip by its name; those that are no GRID sentences are not read."""
        self.reader = None if reader is None else reader.eval()
        self.texts = texts

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """Shares of one sentence, seen and true."""
        frames = frames_at_rate(evidence)
        seen, truth = evidence.seen, evidence.truth
        return {
            WORDS: self._share(evidence.name, seen.heads[frames], bridge_gaps(seen.points[frames])),
            OF_TRUTH: self._share(evidence.name, truth.heads[frames], bridge_gaps(truth.points[frames])),
        }

    def measure_set(self, evidence: list[Evidence]) -> dict[str, float]:
        """Means over sentences with the interval of the first; sentences that could not be read are left out."""
        measured = [self.measure(clip) for clip in evidence]
        words = [figures[WORDS] for figures in measured if np.isfinite(figures[WORDS])]
        truth = [figures[OF_TRUTH] for figures in measured if np.isfinite(figures[OF_TRUTH])]
        low, high = _interval(words) if words else (float("nan"), float("nan"))
        return {
            WORDS: float(np.mean(words)) if words else float("nan"),
            OF_TRUTH: float(np.mean(truth)) if truth else float("nan"),
            LOW: low,
            HIGH: high,
            SENTENCES: float(len(words)),
        }

    def _share(self, name: str, heads: NDArray[np.uint8], points: NDArray[np.float32] | None) -> float:
        said = parse_sentence(self.texts.get(name, ""))
        if self.reader is None or said is None or points is None:
            return float("nan")
        read = read_words(self.reader, mouth_views(heads, points))
        return 100 * float(np.mean([one == other for one, other in zip(read, said, strict=True)]))


def open_reader(run: Path) -> LipReader | None:
    """The reader of a run of `contextalk train lip-reader`; None where the run has none.

    Raises:
        ContextalkError: Its weights are of another shape.
    """
    path = run / "lip_reader" / "averaged.safetensors"
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


def _interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the mean (percentile bootstrap over sentences, 2000 draws)."""
    drawn = np.random.default_rng(0).choice(np.asarray(values, np.float64), size=(2000, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
