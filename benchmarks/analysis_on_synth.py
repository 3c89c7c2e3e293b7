"""What the face backend makes of drawn people, against their exact labels.

    python benchmarks/analysis_on_synth.py FOOTAGE

`contextalk synth` knows where every point lies, who speaks, and to whom; `analyse` sees the video and hears its sound.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from contextalk.core.records import Analysis, Track
from contextalk.faces.analysis import analyse
from contextalk.faces.detection import overlap

_SAME_FACE = 0.3
"""Least overlap, mean over the frames in which a track is seen, for it to be a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One labelled person of a scene, and the track that is them.

    Attributes:
        person: Index in the labels.
        truth: Labels by name, one row a frame.
        track: None where nobody was found in their place.
    """

    person: int
    truth: dict[str, NDArray[Any]]
    track: Track | None

    @property
    def both(self) -> NDArray[np.bool_]:
        """(F,) frames in which the person is there and found."""
        there = self.truth["valid"]
        return there & self.track.landmarks.valid if self.track is not None else np.zeros_like(there)


def box_of(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(F, 68, 2) → (F, 4) x0 y0 x1 y1 around the points; the head's box of the labels has hair, which none can see."""
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1).astype(np.float64)


def iou(one: NDArray[np.floating], two: NDArray[np.floating]) -> NDArray[np.float64]:
    """(F,) intersection over union of the boxes of each frame."""
    pairs = zip(one.astype(np.float64), two.astype(np.float64), strict=True)
    return np.array([float(overlap(a[None], b[None])[0, 0]) for a, b in pairs])


def read_truth(folder: Path) -> list[dict[str, NDArray[Any]]]:
    """The labels of each person of a scene, without the person's number in their names."""
    with np.load(folder / "labels.npz", allow_pickle=False) as stored:
        count = len(json.loads((folder / "scene.json").read_text())["cast"])
        return [
            {key.removesuffix(f"_{k}"): stored[key] for key in stored.files if key.endswith(f"_{k}")}
            for k in range(count)
        ]


def matched(analysis: Analysis, truths: list[dict[str, NDArray[Any]]]) -> list[Seen]:
    """Tracks given to people by where they are."""
    shared = np.array([[_shared(truth, track) for track in analysis.tracks] for truth in truths])
    shared = shared.reshape(len(truths), len(analysis.tracks))
    pairs = {int(k): int(t) for k, t in zip(*linear_sum_assignment(-shared), strict=True) if shared[k, t] >= _SAME_FACE}
    return [
        Seen(person=k, truth=truth, track=analysis.tracks[pairs[k]] if k in pairs else None)
        for k, truth in enumerate(truths)
    ]


def _shared(truth: dict[str, NDArray[Any]], track: Track) -> float:
    both = truth["valid"] & track.landmarks.valid
    return float(iou(box_of(truth["landmarks"][both]), track.box_px[both]).mean()) if both.any() else 0.0


def turns(seen: list[Seen]) -> Iterator[tuple[int, slice]]:
    """Speaker and frames of every turn, or of what a scene shows of it, in which something is heard."""
    addressee = np.stack([one.truth["addressee"] for one in seen])
    has_word = np.where((addressee >= 0).sum(axis=0) == 1, (addressee >= 0).argmax(axis=0), -1)
    told = np.stack([has_word, addressee.max(axis=0)])
    edges = [0, *(np.flatnonzero(np.diff(told, axis=1).any(axis=0)) + 1).tolist(), len(has_word)]
    for start, stop in itertools.pairwise(edges):
        speaker = int(has_word[start])
        if speaker >= 0 and seen[speaker].truth["speaking"][start:stop].any():
            yield speaker, slice(start, stop)


def guessed_speaker(seen: list[Seen], frames: slice) -> int:
    """Whom the analysis has speaking most in a turn; −1: nobody."""
    sums = [0.0 if one.track is None else float(one.track.speaking[frames].sum()) for one in seen]
    return int(np.argmax(sums)) if max(sums) > 0 else -1


def guessed_addressee(seen: list[Seen], speaker: int, frames: slice) -> int:
    """Whom a speaker's head is turned to: of those on the side of its mean yaw the nearest, from estimates alone.

    −1: nobody is on that side, or nobody was found.
    """
    talker = seen[speaker].track
    if talker is None or not talker.landmarks.valid[frames].any():
        return -1
    yaw_deg = float(np.nanmean(talker.landmarks.head_pose[frames, 0]))
    x = _middle_x(talker, frames)
    sides = {
        one.person: (_middle_x(one.track, frames) - x) * np.sign(yaw_deg)
        for one in seen
        if one.person != speaker and one.track is not None and one.track.landmarks.valid[frames].any()
    }
    ahead = {person: away for person, away in sides.items() if away > 0}
    return min(ahead, key=lambda person: ahead[person]) if ahead else -1


def _middle_x(track: Track, frames: slice) -> float:
    return float(np.nanmean(track.landmarks.points[frames, :, 0]))


def measure(scene: Path) -> dict[str, Any]:
    """One scene: what is averaged later, frame by frame and turn by turn."""
    seen = matched(analyse(scene / "scene.mp4", annotations="none"), read_truth(scene))
    found = [one for one in seen if one.both.any()]
    told: dict[str, Any] = {
        "scene": scene.name,
        "people": len(seen),
        "frames": int(sum(one.truth["valid"].sum() for one in seen)),
        "found": int(sum(one.both.sum() for one in seen)),
        "box_iou": [], "landmarks": [], "pose": [], "true_pose": [], "speaker": [], "addressee": [],
    }  # fmt: skip
    for one in found:
        assert one.track is not None
        marks, truth = one.track.landmarks, one.truth
        points, wanted = marks.points[one.both], truth["landmarks"][one.both]
        eyes = np.linalg.norm(wanted[:, 36] - wanted[:, 45], axis=-1)
        told["box_iou"] += iou(box_of(points), box_of(wanted)).tolist()
        told["landmarks"] += (np.linalg.norm(points - wanted, axis=-1).mean(axis=1) / eyes).tolist()
        told["pose"] += marks.head_pose[one.both, :2].tolist()
        told["true_pose"] += truth["head_pose"][one.both, :2].tolist()
    for speaker, frames in turns(seen):
        told["speaker"].append((guessed_speaker(seen, frames) == speaker, frames.stop - frames.start))
        if len(seen) > 2:
            spoken_to = int(seen[speaker].truth["addressee"][frames.start])
            told["addressee"].append(guessed_addressee(seen, speaker, frames) == spoken_to)
    return told


def angle_errors(guess: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    """Mean absolute error, raw and after the one factor that fits best, that factor, mean error, and correlation."""
    factor = float(guess @ truth / max(float(guess @ guess), 1e-9))
    return {
        "raw_deg": float(np.abs(guess - truth).mean()),
        "mean_deg": float((guess - truth).mean()),
        "factor": factor,
        "scaled_deg": float(np.abs(factor * guess - truth).mean()),
        "correlation": float(np.corrcoef(guess, truth)[0, 1]),
        "truth_deg": float(np.abs(truth).mean()),
    }


def summary(scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """All scenes together; every frame of every person counts once, every turn once."""
    joined = {name: [value for scene in scenes for value in scene[name]] for name in _LISTS}
    pose, truth = np.array(joined["pose"]), np.array(joined["true_pose"])
    right = np.array([ok for ok, _ in joined["speaker"]], bool)
    lengths = np.array([frames for _, frames in joined["speaker"]])
    landmarks = np.array(joined["landmarks"])
    return {
        "scenes": len(scenes),
        "people": sum(scene["people"] for scene in scenes),
        "faces": sum(scene["frames"] for scene in scenes),
        "found": sum(scene["found"] for scene in scenes) / sum(scene["frames"] for scene in scenes),
        "box_iou": float(np.mean(joined["box_iou"])),
        "landmarks_of_eyes": float(landmarks.mean()),
        "landmarks_of_eyes_p95": float(np.percentile(landmarks, 95)),
        "yaw": angle_errors(pose[:, 0], truth[:, 0]),
        "pitch": angle_errors(pose[:, 1], truth[:, 1]),
        "turns": len(right),
        "turns_right": float(right.mean()),
        "turns_right_by_time": float((right * lengths).sum() / lengths.sum()),
        "turns_among_three_or_more": len(joined["addressee"]),
        "addressee_right": float(np.mean(joined["addressee"])) if joined["addressee"] else None,
    }


_LISTS = ("box_iou", "landmarks", "pose", "true_pose", "speaker", "addressee")


def main(footage: tyro.conf.Positional[Path], output: Path = Path("analysis_on_synth.json")) -> None:
    """Measure, print, write.

    Args:
        footage: Folder of `contextalk synth` scenes.
        output: JSON of the figures, all scenes together and each.
    """
    folders = sorted(path.parent for path in footage.glob("scene-*/labels.npz") if path.parent.suffix != ".part")
    if not folders:
        sys.exit(f"no scene in {footage}, wanted a folder of `contextalk synth`")
    scenes = [measure(folder) for folder in folders]
    total = summary(scenes)
    each = [{key: value for key, value in scene.items() if key not in _LISTS} for scene in scenes]
    text = json.dumps({**total, "each": each}, indent=1)
    output.write_text(text + "\n")
    sys.stdout.write(json.dumps(total, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
