"""From folders of videos to evidence: which files belong together, and what they say.

A generated `NAME.mp4` comes with `NAME.report.json` and, if its landmarks were saved, `NAME.npz`. Its reference is
`NAME.mp4` with, where the truth is known, `NAME.labels.npz`, and where it is known what is said, `NAME.txt`; or a scene
folder `NAME/` as `contextalk synth` writes it, or of which `scene.txt` knows the words.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CROP_PX, CropPath, Points
from contextalk.core.records import TWIN, Landmarks
from contextalk.core.time import SAMPLE_RATE_HZ, nearest_frames
from contextalk.evaluation.estimator import Estimator
from contextalk.evaluation.evidence import Around, Evidence, Shown
from contextalk.faces.pose import head_pose
from contextalk.faces.speaking import voice_activity
from contextalk.faces.views import head_crop
from contextalk.generation.work import file_digest
from contextalk.media.audio import read_audio
from contextalk.media.video import probe, read_frames
from contextalk.synth.facing import towards

SUFFIXES = (".mp4", ".mkv", ".mov")

_SAID = (
    ("crop", "centre_px"),
    ("crop", "side_px"),
    ("window_starts",),
    ("spans",),
    ("provenance", "inputs", "audio", "path"),
    ("settings",),
)
"""What a report must say."""

_LABELLED = ("landmarks", "valid", "speaking", "addressee", "head_pose", "gaze")
"""What labels must have of everybody."""

LEAST_VOICE = 0.5
"""Voice activity of the driving audio from which the target speaks, where no label says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What is known of a reference for sure, with the target picked out.

    Attributes:
        arrays: `labels.npz` as `contextalk synth` writes it: `landmarks_K`, `speaking_K` … for each person K, and
            `times_s`.
        target: K of the target.
        rows: (F,) the row of `arrays` nearest each scene frame.
    """

    arrays: dict[str, NDArray[Any]]
    target: int
    rows: NDArray[np.int64]

    def of(self, name: str, person: int | None = None) -> NDArray[Any]:
        """An array of the target, or of somebody else, at the scene's frames."""
        return self.arrays[f"{name}_{self.target if person is None else person}"][self.rows]

    @property
    def others(self) -> list[int]:
        """K of everybody else."""
        return [person for person in people_in(self.arrays) if person != self.target]


def find_pairs(generated: Path, reference: Path, names: Collection[str] | None = None) -> list[tuple[Path, Path]]:
    """Generated videos with what they are measured against, in order of their names.

    Args:
        generated: Folder of NAME.mp4 (or .mkv, .mov).
        reference: Folder of references.
        names: Only videos of these names; None: all.

    Raises:
        ContextalkError: No generated video, or one without a reference.
    """
    for folder in (generated, reference):
        if not folder.is_dir():
            raise ContextalkError(f"{folder} is no folder, wanted one of videos")
    videos = [path for path in generated.iterdir() if path.suffix in SUFFIXES and path.is_file()]
    videos = [path for path in videos if names is None or path.stem in names]
    videos.sort(key=lambda path: path.stem)
    if not videos:
        raise ContextalkError(f"{generated} has no video, wanted NAME.mp4 with NAME.report.json beside it")
    names = [path.stem for path in videos]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ContextalkError(f"{generated} has {doubled[0]} in two kinds of file, wanted one")
    return [(video, _reference_of(video, reference)) for video in videos]


def read_evidence(generated: Path, reference: Path, estimator: Estimator) -> Evidence:
    """One clip as a method shows it, beside how it truly was; angles are not calibrated yet.

    Args:
        generated: Video with NAME.report.json beside it.
        reference: Video, or scene folder.
        estimator: Reads both heads.

    Raises:
        ContextalkError: No report, one without a crop, or files that do not belong together.
    """
    report = read_report(generated)
    video = _scene_video(reference)
    crop, times_s = read_crop(generated), probe(video).times_s
    for path in (generated, video):
        frames = len(probe(path).times_s)
        if frames != len(crop):
            raise ContextalkError(
                f"{path} has {frames} frames, wanted {len(crop)} as in the report of {generated.name}"
            )
    labels = _labels(reference, crop, times_s)
    wave = _driving_wave(reference, labels, report, generated)
    landmarks = generated.with_suffix(".npz")
    return Evidence(
        name=generated.stem,
        times_s=times_s,
        seen=look(head_crops(generated, crop), estimator),
        truth=look(head_crops(video, crop), estimator),
        given=None if labels is None else _given(labels, crop),
        saved=Landmarks.load(landmarks).at(times_s) if landmarks.is_file() else None,
        speaking=voice_activity([wave], times_s) >= LEAST_VOICE if labels is None else labels.of("speaking") > 0.5,
        joins=_marks(report["window_starts"], len(times_s), generated),
        crop=crop,
        wave=wave,
        around=None if labels is None else _around(labels, reference),
        video=generated,
        reference=video,
        person=_person(reference, labels),
        spans=tuple((int(start), int(stop)) for start, stop in report["spans"]),
        user_mask=report["provenance"]["inputs"].get("mask") is not None,
        lossless=bool(report["settings"].get("lossless")),
        text=_text(video, labels),
    )


def look(heads: NDArray[np.uint8], estimator: Estimator) -> Shown:
    """Heads (F, 256, 256, 3) with what an estimator reads off them; angles as the generic head sees them."""
    points, pupils = estimator.read(heads)
    return Shown(heads=heads, points=points, pupils=pupils, head_pose=head_pose(points, (CROP_PX, CROP_PX)))


def head_crops(video: Path, crop: CropPath) -> NDArray[np.uint8]:
    """(F, 256, 256, 3) head crops of a video along a path with one row per frame."""
    heads = np.empty((len(crop), CROP_PX, CROP_PX, 3), np.uint8)
    for picture in read_frames(video):
        heads[picture.index] = head_crop(picture.rgb, crop.centre_px[picture.index], float(crop.side_px[picture.index]))
    return heads


def read_report(generated: Path) -> dict[str, Any]:
    """`NAME.report.json` beside `NAME.mp4`.

    Raises:
        ContextalkError: Missing, damaged, or of a version that notes no crop.
    """
    path = generated.with_suffix(".report.json")
    if not path.is_file():
        raise ContextalkError(
            f"{path} is missing, wanted the report `contextalk generate` writes beside {generated.name}"
        )
    try:
        report = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ContextalkError(f"{path} is no report: {error}") from error
    lacking = [".".join(names) for names in _SAID if not _says(report, names)]
    if lacking:
        raise ContextalkError(f"{path} does not say {lacking[0]}: generate {generated.name} again with this contextalk")
    return report


def _says(report: object, names: Sequence[str]) -> bool:
    for name in names:
        if not isinstance(report, dict) or name not in report:
            return False
        report = cast("dict[str, object]", report)[name]
    return True


def people_in(arrays: dict[str, NDArray[Any]]) -> list[int]:
    """The K of all `landmarks_K`."""
    return sorted(int(name.removeprefix("landmarks_")) for name in arrays if name.startswith("landmarks_"))


def _reference_of(video: Path, reference: Path) -> Path:
    folder = reference / video.stem
    if (folder / "scene.mp4").is_file():
        return folder
    for suffix in SUFFIXES:
        path = reference / f"{video.stem}{suffix}"
        if path.is_file():
            return path
    raise ContextalkError(f"{video} has no reference, wanted {folder}.mp4 or {folder / 'scene.mp4'}")


def _scene_video(reference: Path) -> Path:
    return reference / "scene.mp4" if reference.is_dir() else reference


def read_crop(generated: Path) -> CropPath:
    """The head's square in a generated video, by its report.

    Raises:
        ContextalkError: No report, or one that cannot be read.
    """
    report = read_report(generated)
    try:
        return CropPath(
            centre_px=np.array(report["crop"]["centre_px"], np.float32).reshape(-1, 2),
            side_px=np.array(report["crop"]["side_px"], np.float32),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ContextalkError(f"the report of {generated} has a crop that cannot be read: {error}") from error


def _labels(reference: Path, crop: CropPath, times_s: NDArray[np.float64]) -> Labels | None:
    path = reference / "labels.npz" if reference.is_dir() else reference.with_suffix(".labels.npz")
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    lacking = [name for person in people_in(arrays) for what in _LABELLED if (name := f"{what}_{person}") not in arrays]
    if "times_s" not in arrays or not people_in(arrays) or lacking:
        what = [*lacking, "times_s, or landmarks of anybody"][0]
        raise ContextalkError(f"{path} has no {what}, wanted labels as synth writes them")
    rows = nearest_frames(arrays["times_s"], times_s)
    return Labels(arrays=arrays, target=_target(arrays, rows, crop, path), rows=rows)


def _target(arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64], crop: CropPath, path: Path) -> int:
    """Whose face lies in the square; a report's target index counts tracks, which need not be the labels' order."""
    apart = {
        person: float(
            np.nanmean(
                np.linalg.norm(arrays[f"landmarks_{person}"][rows].mean(axis=1) - crop.centre_px, axis=1) / crop.side_px
            )
        )
        for person in people_in(arrays)
    }
    nearest = min(apart, key=lambda person: apart[person])
    if apart[nearest] > 0.5:
        raise ContextalkError(f"{path} has nobody in the square that the report says was generated")
    return nearest


def _given(labels: Labels, crop: CropPath) -> Points:
    points = crop.to_crop(labels.of("landmarks").astype(np.float32))
    return np.where(labels.of("valid").astype(bool)[:, None, None], points, np.float32(np.nan))


def _around(labels: Labels, reference: Path) -> Around:
    middle = {person: labels.of("landmarks", person)[..., 0].mean(axis=1) for person in (labels.target, *labels.others)}
    side = {person: np.sign(middle[person] - middle[labels.target]) for person in labels.others}
    seats = _seats(reference, labels)
    addressee, silent = labels.of("addressee"), ~(labels.of("speaking") > 0.5)
    to_addressee, to_speaker = np.zeros(len(silent)), np.zeros(len(silent))
    for person in labels.others:
        to_addressee = np.where(addressee == person, side[person], to_addressee)
        spoken_to = (labels.of("speaking", person) > 0.5) & (labels.of("addressee", person) == labels.target)
        to_speaker += np.where(silent & spoken_to, side[person], 0.0)
    addressee_deg = np.full(len(silent), np.nan, np.float32)
    for person in labels.others if seats else ():
        turned, yaw_deg = towards(seats[labels.target], seats[person])
        addressee_deg[addressee == person] = turned * yaw_deg
    return Around(
        towards_addressee=to_addressee.astype(np.int8),
        # Speakers on both sides at once are no side.
        towards_speaker=np.sign(to_speaker).astype(np.int8),
        addressee_deg=addressee_deg,
        yaw_wanted_deg=labels.of("head_pose")[:, 0].astype(np.float32),
        gaze_wanted=labels.of("gaze").astype(np.float32),
        twin=_twin_of(reference),
    )


def _seats(reference: Path, labels: Labels) -> list[float]:
    """Scene px from the left where each of the cast sits, by the scene's script; empty where it lacks somebody."""
    said = [one["x"] for one in _script(reference).get("cast", ()) if "x" in one]
    return [float(x) for x in said] if len(said) == len(people_in(labels.arrays)) else []


def _script(reference: Path) -> dict[str, Any]:
    """`scene.json` of a scene folder as synth writes it; empty without one."""
    path = reference / "scene.json"
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ContextalkError(f"{path} is no script of a scene: {error}") from error


def _twin_of(reference: Path) -> str | None:
    name = reference.name if reference.is_dir() else reference.stem
    twin = name.removesuffix(TWIN) if name.endswith(TWIN) else name + TWIN
    there = reference.with_name(twin) if reference.is_dir() else reference.with_name(twin + reference.suffix)
    return twin if there.exists() else None


def _person(reference: Path, labels: Labels | None) -> str | None:
    """Who the target is: by `person.txt` in the scene's folder, else by its script."""
    name, cast_list = reference / "person.txt", _script(reference).get("cast", ())
    if name.is_file():
        return name.read_text().strip()
    if labels is None or labels.target >= len(cast_list):
        return None
    return str(cast_list[labels.target]["person"])


def _text(video: Path, labels: Labels | None) -> str:
    """What the target says: a text beside the video, else the turns of the scene's script."""
    plain = video.with_suffix(".txt")
    if plain.is_file():
        return plain.read_text().strip()
    if labels is None or video.name != "scene.mp4":
        return ""
    turns = _script(video.parent).get("turns", [])
    return " ".join(turn["text"] for turn in turns if turn["speaker"] == labels.target)


def _driving_wave(
    reference: Path, labels: Labels | None, report: dict[str, Any], generated: Path
) -> NDArray[np.float32]:
    """The driving audio; where it is gone, the target's own voice from the scene's folder, else the output's sound.

    Raises:
        ContextalkError: None of them is there.
    """
    said = report["provenance"]["inputs"]["audio"]
    driving = Path(said["path"])
    if driving.is_file() and said.get("sha256") not in (None, file_digest(driving)):
        raise ContextalkError(f"{driving} is not the audio any more that drove {generated}: its content has changed")
    own = None if labels is None else reference / f"speaker-{labels.target}.wav"
    for path in (driving, own):
        if path is not None and path.is_file():
            return read_audio(path, rate_hz=SAMPLE_RATE_HZ)
    if report["settings"].get("sound") == "driving":
        return read_audio(generated, rate_hz=SAMPLE_RATE_HZ)
    raise ContextalkError(f"the driving audio of {generated} is gone: {driving} does not exist, and its sound is mixed")


def _marks(frames: list[int], count: int, generated: Path) -> NDArray[np.bool_]:
    if not all(0 <= frame < count for frame in frames):
        raise ContextalkError(f"the report of {generated} has windows outside its {count} frames")
    marks = np.zeros(count, bool)
    marks[np.array(frames, np.int64)] = True
    return marks
