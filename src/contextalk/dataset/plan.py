"""What a source becomes: its clips with everything but their pictures, and the stretches turned down."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath
from contextalk.core.records import Landmarks, Shot
from contextalk.core.time import RATE_HZ
from contextalk.dataset.augment import Framing, draw_framing
from contextalk.dataset.bounds import Bound, read_bounds
from contextalk.dataset.config import PrepareConfig
from contextalk.dataset.extract import PictureJob
from contextalk.dataset.manifest import ManifestRow
from contextalk.dataset.parts import Part, cut_parts, find_spans, tile_frames
from contextalk.dataset.people import Cast, Person, clip_landmarks
from contextalk.dataset.sampling import SLOWEST_INTERPOLATED_HZ
from contextalk.dataset.sound import Sound, Sounds
from contextalk.dataset.sources import Source
from contextalk.dataset.splits import SplitRule, read_split_rule
from contextalk.dataset.sync import Stretch, judge, source_offset_frames
from contextalk.faces.agreement import agreement
from contextalk.faces.crop import crop_path

_SILENCE_DB = -120.0
_SPEAKS_SHARE = 0.05
"""Of a clip: with less of it spoken, it says nothing of sync."""

_SECTION_FRAMES = 15_000
"""Crops are worked out over stretches of about this many frames, so that memory does not grow with the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipJob:
    """A clip about to be written; `row` lacks its shard.

    Attributes:
        row: Its line of the manifest.
        pictures: Which pictures, cropped where.
        landmarks: The target, 25 Hz from 0 s.
        others: Everybody else, same frames.
        sound: Of the whole source.
        meta: `meta.json`.
    """

    row: ManifestRow
    pictures: PictureJob
    landmarks: Landmarks
    others: tuple[Landmarks, ...]
    sound: Sound
    meta: dict[str, Any]

    @property
    def wave(self) -> NDArray[np.float32]:
        """(F · 640,) the clip's sound, where it belongs."""
        return self.sound.cut(self.row.start_s + self.row.moved_frames / RATE_HZ, self.row.num_frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """One target of a source, with the sound of the whole source."""

    source: Source
    cast: Cast
    person: Person
    sound: Sound
    config: PrepareConfig
    unit: str


def plan_clips(
    source: Source, cast: Cast, config: PrepareConfig, unit: str, sounds: Sounds
) -> tuple[list[ManifestRow], list[ClipJob]]:
    """Rejected rows, and the clips to write."""
    whole = ManifestRow(key=unit, source=source.shown, stop_s=cast.scene.duration_s, rate_hz=cast.scene.rate_hz)
    reason = _unfit(cast, config)
    if reason:
        return [replace(whole, reject_reason=reason)], []
    bounds, rule = read_bounds(source.path), read_split_rule(config.split_by)
    rejected: list[ManifestRow] = []
    jobs: list[ClipJob] = []
    for index in cast.targets:
        person = next(person for person in cast.people if person.index == index)
        sound = sounds(person.voice)
        subject = _Subject(source=source, cast=cast, person=person, sound=sound, config=config, unit=unit)
        for row, part, crop in _in_sync(subject, list(_parts_of(subject, bounds, rule))):
            if row.reject_reason:
                rejected.append(row)
            else:
                jobs.extend(_jobs_of(subject, row, part, crop))
    return rejected, jobs


def _unfit(cast: Cast, config: PrepareConfig) -> str:
    return unfit_reason(cast.scene.has_audio, cast.scene.rate_hz, config)


def unfit_reason(has_audio: bool, rate_hz: float | None, config: PrepareConfig) -> str:
    """Why a source as a whole gives no clip, whoever is in it; empty if it may. A rate that is unknown passes."""
    reasons = [] if has_audio else ["no sound"]
    slowest_hz = SLOWEST_INTERPOLATED_HZ if config.interpolate else config.min_rate_hz
    if rate_hz is not None and not slowest_hz <= rate_hz <= config.max_rate_hz:
        reasons.append(f"rate: {rate_hz:.2f} fps, wanted {slowest_hz:g} … {config.max_rate_hz:g}")
    return "; ".join(reasons)


def _parts_of(
    subject: _Subject, bounds: Sequence[Bound], rule: SplitRule
) -> Iterator[tuple[ManifestRow, Part, CropPath]]:
    cast, landmarks = subject.cast, subject.person.landmarks
    spans = find_spans(cast.scene, cast.shots, bounds)
    tiles = tile_frames(len(landmarks), cast.shots, spans)
    still = crop_in_sections(landmarks, tiles)
    root = (subject.config.seed, subject.person.index, *subject.source.name.encode())
    moved = crop_in_sections(landmarks, tiles, moved=root)
    occluders = cast.occluders.get(subject.person.index)
    covered = None if occluders is None else occluders.covered(still)
    for part in cut_parts(cast.scene, spans, landmarks.valid, cast.damaged, subject.config, covered):
        row = _row_of(subject, part)
        if occluders is not None and covered is not None:
            share = float(covered[part.start : part.stop].mean())
            row = replace(row, covered=share, looked_for=occluders.looked_for)
        if not row.reject_reason:
            row = replace(row, split=_split_of(subject, row, part, rule))
        # What is tested is framed as generation frames it.
        yield row, part, still if row.split == "test" else moved


def _in_sync(
    subject: _Subject, parts: Sequence[tuple[ManifestRow, Part, CropPath]]
) -> Iterator[tuple[ManifestRow, Part, CropPath]]:
    """The same parts, with the source's sound put right and those turned down that still do not fit."""
    if subject.source.synth:
        yield from parts  # exact by construction
        return
    kept = [row for row, _, _ in parts if not row.reject_reason]
    stretches = [_stretch(subject, row, part) for row, part, _ in parts if not row.reject_reason]
    moved = source_offset_frames(stretches, subject.config)
    judged = dict(zip((row.key for row in kept), judge(stretches, moved, subject.config), strict=True))
    for row, part, crop in parts:
        sync = judged.get(row.key)
        if sync is None:
            yield row, part, crop
            continue
        checked = replace(
            row,
            sync=sync.strength,
            offset_frames=sync.offset_frames,
            moved_frames=moved,
            reject_reason=sync.reject_reason,
            num_frames=0 if sync.reject_reason else row.num_frames,
            split="" if sync.reject_reason else row.split,
        )
        yield checked, part, crop


def _stretch(subject: _Subject, row: ManifestRow, part: Part) -> Stretch:
    pictures = part.pictures(subject.cast.scene.times_s)
    return Stretch(
        start_s=row.start_s,
        stop_s=row.stop_s,
        agreement=agreement(
            subject.person.landmarks.mouth_open[pictures], subject.sound.cut(row.start_s, row.num_frames)
        ),
        speaks=row.speaking >= _SPEAKS_SHARE,
    )


def crop_in_sections(landmarks: Landmarks, tiles: Sequence[Shot], *, moved: Sequence[int] | None = None) -> CropPath:
    """`crop_path` of a long source, some minutes at a time; NaN where a section has no face.

    Args:
        landmarks: One row per frame.
        tiles: Tile the frames; sections end where tiles do.
        moved: As `crop_path` takes it.
    """
    centre = np.full((len(landmarks), 2), np.nan, np.float32)
    side = np.full(len(landmarks), np.nan, np.float32)
    for section in _sections(tiles):
        rows = slice(section[0].start, section[-1].stop)
        if landmarks.valid[rows].any():
            inner = [Shot(start=tile.start - rows.start, stop=tile.stop - rows.start) for tile in section]
            crop = crop_path(landmarks[rows], inner, moved=moved)
            centre[rows], side[rows] = crop.centre_px, crop.side_px
    return CropPath(centre_px=centre, side_px=side)


def _sections(tiles: Sequence[Shot]) -> Iterator[list[Shot]]:
    section: list[Shot] = []
    for tile in tiles:
        if section and tile.stop - section[0].start > _SECTION_FRAMES:
            yield section
            section = []
        section.append(tile)
    yield section


def _row_of(subject: _Subject, part: Part) -> ManifestRow:
    person, wanted_px = subject.person, subject.config.min_face_px
    seen = person.landmarks[part.start : part.stop]
    face_px, (yaw_deg, pitch_deg) = _face_px(seen), _pose_deg(seen)
    loudness_db = _loudness_db(subject.sound.cut(part.start_s, part.num_frames))
    reason = part.reject_reason
    if not reason and face_px < wanted_px:
        reason = f"face too small: {face_px:.0f} px, wanted ≥ {wanted_px:g}"
    # In a synth scene a listener's own voice is silent, and rightly so.
    if not reason and loudness_db <= _SILENCE_DB and not subject.source.synth:
        reason = "digital silence"
    return ManifestRow(
        key=f"{subject.unit}-{part.name}-p{person.index}",
        source=subject.source.shown,
        name=part.name,
        start_s=part.start_s,
        stop_s=part.stop_s,
        person=person.name,
        num_frames=0 if reason else part.num_frames,
        track=person.index,
        text=part.text or _text_of(person, part),
        rate_hz=subject.cast.scene.rate_hz,
        face_px=face_px,
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        speaking=float(np.mean(person.speaking[part.start : part.stop])),
        loudness_db=loudness_db,
        reject_reason=reason,
    )


def _text_of(person: Person, part: Part) -> str:
    """All that is said in turns that reach into the part."""
    return " ".join(turn.text for turn in person.said if turn.start_s < part.stop_s and turn.stop_s > part.start_s)


def _face_px(landmarks: Landmarks) -> float:
    height = landmarks.points[landmarks.valid]
    return float(np.median(np.ptp(height[..., 1], axis=1))) if len(height) else 0.0


def _pose_deg(landmarks: Landmarks) -> tuple[float, float]:
    """Median yaw and pitch."""
    pose = landmarks.head_pose[landmarks.valid]
    pose = pose[np.isfinite(pose).all(axis=1)]
    yaw, pitch, _ = np.median(pose, axis=0).tolist() if len(pose) else (math.nan,) * 3
    return yaw, pitch


def _loudness_db(wave: NDArray[np.float32]) -> float:
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    return max(_SILENCE_DB, float(10 * np.log10(power))) if power > 0 else _SILENCE_DB


def _split_of(subject: _Subject, row: ManifestRow, part: Part, rule: SplitRule) -> str:
    """Pieces of one sentence stay together, whatever cut them apart."""
    cast = subject.cast
    if cast.held_out:
        return "test"
    hash_key = cast.hash_key or f"{subject.source.name}/{part.sentence or part.name}"
    return rule.split_of((row.key, row.name, part.sentence, *cast.split_names), hash_key)


def _jobs_of(subject: _Subject, row: ManifestRow, part: Part, crop: CropPath) -> Iterator[ClipJob]:
    """The clip, and its reframed copies if it is one to train on."""
    scene, person, config = subject.cast.scene, subject.person, subject.config
    sampling = part.sampling(scene.times_s, between=scene.rate_hz < config.min_rate_hz)
    pictures = part.pictures(scene.times_s)
    others = [other for other in subject.cast.people if other.index != person.index]
    plain = ClipJob(
        row=row,
        pictures=PictureJob(sampling=sampling, crop=sampling.crop(crop)),
        landmarks=clip_landmarks(person.landmarks, sampling),
        others=tuple(clip_landmarks(other.landmarks, sampling) for other in others),
        sound=subject.sound,
        meta=_meta(subject, row, others, pictures),
    )
    yield plain
    copies = config.augment if row.split == "train" and not subject.source.synth else 0
    for copy in range(1, copies + 1):
        root = (config.seed, copy, *row.key.encode())
        framing = draw_framing(scene.size_px, part.num_frames, np.random.default_rng(root))
        yield _reframed(plain, framing, copy, root)


def _reframed(clip: ClipJob, framing: Framing, copy: int, root: Sequence[int]) -> ClipJob:
    landmarks = framing.move(clip.landmarks)
    crop = crop_path(landmarks, (Shot(start=0, stop=len(landmarks)),), moved=root)
    return replace(
        clip,
        row=replace(clip.row, key=f"{clip.row.key}-f{copy}", copy=copy),
        pictures=PictureJob(sampling=clip.pictures.sampling, crop=crop, framing=framing),
        landmarks=landmarks,
        others=tuple(framing.move(other) for other in clip.others),
        meta={**clip.meta, "size_px": list(landmarks.size_px), "copy": copy},
    )


def _meta(subject: _Subject, row: ManifestRow, others: Sequence[Person], pictures: NDArray[np.int64]) -> dict[str, Any]:
    person = subject.person
    meta: dict[str, Any] = {
        "source": row.source,
        "size_px": list(subject.cast.scene.size_px),
        "text": row.text,
        "rate_hz": row.rate_hz,
        "start_s": row.start_s,
        "stop_s": row.stop_s,
        "track": person.index,
        "speaking": [round(float(value), 3) for value in person.speaking[pictures]],
        "others": [other.index for other in others],
        **person.about,
    }
    if person.addressee is not None:
        meta["addressee"] = person.addressee[pictures].tolist()
    return meta
