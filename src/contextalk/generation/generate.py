"""The way from a scene and an audio to a finished video, top to bottom."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from contextalk.core.errors import BundleError, TargetError
from contextalk.core.records import GenerateRequest, GenerateResult, Landmarks, Progress, Scene
from contextalk.core.time import WINDOW_FRAMES, render_stride
from contextalk.faces.occluders import Segmenter
from contextalk.generation.blinking import add_blinks
from contextalk.generation.checks import check_request
from contextalk.generation.driving import OUTPUT_RATE_HZ, output_wave, read_driving
from contextalk.generation.face_step import Carried, FaceStep
from contextalk.generation.identity import Identity
from contextalk.generation.identity_sources import identity_from_file, identity_from_scene
from contextalk.generation.kept import Kept, check_segmenter
from contextalk.generation.landmark_step import LandmarkStep
from contextalk.generation.missing import fill_missing, frames_to_generate
from contextalk.generation.pipeline import Pipeline
from contextalk.generation.plan import SEGMENT_WINDOWS, Span, Step, find_spans, group_segments, plan_steps
from contextalk.generation.region import Region, find_region, with_landmarks, with_occluders
from contextalk.generation.report import Stopwatch, compose_report, input_digests, report_path, versions, write_report
from contextalk.generation.retime import check_replayable, to_scene_times
from contextalk.generation.strangers import on_own_face
from contextalk.generation.user_mask import read_mask
from contextalk.generation.work import WorkFolder, file_digest, work_key
from contextalk.media.source import Source, inspect_source
from contextalk.media.video import probe
from contextalk.media.writer import SEGMENT_SUFFIX, SegmentWriter, join_segments
from contextalk.models.machine import choose_device

_WORK_FORMAT = 2
"""Counts up when what is put by, or how frames come of it, changes: what an older contextalk began is begun anew."""


def generate(
    request: GenerateRequest, progress: Progress | None = None, *, segmenter: Segmenter | None = None
) -> GenerateResult:
    """Make the target of a scene say the driving audio, and write the video.

    Interrupted and called again with the same request, it goes on after the last finished segment.

    Args:
        request: What to make of what.
        progress: Called with ("faces" | "shots" | "speakers" | "landmarks" | "heads", done, total).
        segmenter: Tells what is in front of the target; None: hands and nearer heads are, by their landmarks.

    Raises:
        ContextalkError: Bad input, in one line: `MediaError`, `TargetError`, `BundleError` among them.
    """
    return generate_with(None, request, progress, segmenter=segmenter)


def generate_with(
    pipeline: Pipeline | None,
    request: GenerateRequest,
    progress: Progress | None = None,
    *,
    segment_windows: int = SEGMENT_WINDOWS,
    segmenter: Segmenter | None = None,
) -> GenerateResult:
    """`generate` with other networks or shorter segments.

    Args:
        pipeline: Both stages; None: those of the request's bundle.
        request: As `generate`.
        progress: As `generate`.
        segment_windows: After how many windows work is put by.
        segmenter: As `generate`.
    """
    watch = Stopwatch()
    check_request(request)
    check_segmenter(request, segmenter)
    with watch.measure("read"):
        scene, source = probe(request.scene), inspect_source(request.scene)
        driving = read_driving(request.audio, scene)
        mask = None if request.mask is None else read_mask(request.mask, scene)
        identity = None if request.identity is None else identity_from_file(request.identity, progress)
        given = None if request.landmarks is None else check_replayable(Landmarks.load(request.landmarks), scene)
    with watch.measure("bundle"):
        pipeline = _open_pipeline(request) if pipeline is None else pipeline
    with watch.measure("faces"):
        region = find_region(request, scene, mask, progress)
        if request.occluders == "keep" and segmenter is None:
            region = with_occluders(region)
        spans = find_spans(region.shots, region.active)
        kept = Kept(region, segmenter)
        if identity is None:
            assert region.track is not None
            identity = identity_from_scene(request.scene, kept.clear(region.track), region.crop, region.active)
        else:
            identity = identity.as_fine_as(float(region.crop.side_px[region.active].max()))
        identity = replace(identity, stranger=_is_stranger(pipeline, identity, request))
        inputs = input_digests(request)

    key = work_key(
        {
            "inputs": {name: None if file is None else file["sha256"] for name, file in inputs.items()},
            "target": region.target,
            "request": _deciding(request),
            "bundle": pipeline.fingerprint,
            "device": choose_device(request.device).type,
            "versions": versions(),
            "faces": region.backend,
            "occluders": kept.name,
            "segment_windows": segment_windows,
            "format": _WORK_FORMAT,
        }
    )
    with WorkFolder(request.output, key) as work:
        with watch.measure("landmarks"):
            if given is None:
                stranger = identity.stranger and pipeline.meets_strangers
                step = LandmarkStep(
                    pipeline.landmarks,
                    region=region,
                    spans=spans,
                    mel=driving.mel,
                    identity=identity,
                    stranger=stranger,
                    seed=request.seed,
                    work=work,
                )
                drawn = step.run(segment_windows, progress)
                if stranger:
                    pictured = None if request.identity is None else identity
                    drawn = on_own_face(drawn, region, spans, pictured, step.crop)
                when = (request.seed, region.target, int(file_digest(request.audio)[:8], 16))
                drawn = add_blinks(drawn, request.blinks_per_minute, when)
                landmarks = to_scene_times(drawn, scene, spans)
            else:
                drawn = given
                region, spans, landmarks = _replay(given, region, request)
            if request.save_landmarks is not None:
                drawn.save(request.save_landmarks)

        stride = render_stride(scene.rate_hz)
        longest = segment_windows * (WINDOW_FRAMES - 1) * stride
        segments = group_segments(plan_steps(spans, len(scene.times_s), stride), longest)
        with watch.measure("heads"):
            faces = FaceStep(
                pipeline,
                source=source,
                region=region,
                spans=spans,
                landmarks=landmarks,
                mel=driving.mel,
                identity=identity,
                seed=request.seed,
                kept=kept,
            )
            resumed = _write_segments(faces, kept, segments, source, request.lossless, work, progress)
        with watch.measure("join"):
            _join(segments, source, scene, request, work)
        report = compose_report(
            request,
            scene=scene,
            region=region,
            identity=identity,
            pipeline=pipeline,
            spans=spans,
            segments=segments,
            stride=stride,
            audio_s=driving.duration_s,
            inputs=inputs,
            replayed=given,
            resumed_segments=resumed,
            occluders=kept.told(request),
            watch=watch,
        )
        write_report(report, report_path(request))
        work.remove()
    return GenerateResult(output=request.output, landmarks=landmarks, crop=region.crop, report=report)


def _open_pipeline(request: GenerateRequest) -> Pipeline:
    # The networks' libraries take seconds to import; a bad request is refused before that.
    from contextalk.generation.api import open_pipeline

    return open_pipeline(request)


def _is_stranger(pipeline: Pipeline, identity: Identity, request: GenerateRequest) -> bool:
    """Whether the target is unlike all that the bundle has seen."""
    reason = pipeline.why_not(identity.heads[0].picture)
    if reason is not None and not request.force:
        raise BundleError(
            f"{reason}: train on them with `contextalk prepare` and `contextalk train all`, or go on with --force"
        )
    return reason is not None


def _replay(given: Landmarks, region: Region, request: GenerateRequest) -> tuple[Region, list[Span], Landmarks]:
    """Given landmarks at the scene's times; where they show no face, `on_missing_face` decides.

    Raises:
        TargetError: They show none in any frame to regenerate, or not in all and the policy is `error`.
    """
    scene, policy = region.scene, request.on_missing_face
    landmarks = to_scene_times(given, scene, find_spans(region.shots, region.active))
    active = frames_to_generate(landmarks.valid, region.active, scene.times_s, region.shots, policy)
    if not active.any():
        raise TargetError(
            f"the landmarks of {request.landmarks} show no face in the frames to regenerate (their times are "
            f"{given.times_s[0]:.2f} to {given.times_s[-1]:.2f} s), wanted at least one"
        )
    region = with_landmarks(region, landmarks.valid, active)
    return region, find_spans(region.shots, region.active), fill_missing(landmarks, region.shots, policy)


def _write_segments(
    faces: FaceStep,
    kept: Kept,
    segments: Sequence[Sequence[Step]],
    source: Source,
    lossless: bool,
    work: WorkFolder,
    progress: Progress | None,
) -> int:
    """Write every segment that is not there yet; returns how many were."""
    total, resumed = segments[-1][-1].stop, 0
    for number, steps in enumerate(segments):
        name = f"segment-{number:04d}"
        path = work.path / f"{name}{SEGMENT_SUFFIX}"
        state = work.load(name)
        if state is not None and path.exists():
            faces.carried = Carried.of_arrays(state) if "latent" in state else None
            kept.recall(state)
            resumed += 1
            continue
        with SegmentWriter(path, like=source, lossless=lossless) as writer:
            for picture in faces.pictures(steps):
                writer.write(picture)
                if progress is not None:
                    progress("heads", picture.index + 1, total)
        # Written after the video: a segment without its state is made again.
        carried = {} if faces.carried is None else faces.carried.arrays()
        work.save(name, carried | kept.arrays(steps[0].start, steps[-1].stop))
    return resumed


def _join(
    segments: Sequence[Sequence[Step]], source: Source, scene: Scene, request: GenerateRequest, work: WorkFolder
) -> None:
    paths = [work.path / f"segment-{number:04d}{SEGMENT_SUFFIX}" for number in range(len(segments))]
    wave = output_wave(request.sound, request.audio, scene)
    kept = request.scene if wave is None and scene.has_audio else None
    join_segments(paths, request.output, like=source, wave=wave, wave_rate_hz=OUTPUT_RATE_HZ, audio_source=kept)


def _deciding(request: GenerateRequest) -> dict[str, object]:
    """The part of a request that decides frames and counts neither as a file's content nor as the face found."""
    apart = {
        "scene",
        "audio",
        "identity",
        "mask",
        "landmarks",
        "target",
        "annotations",
        "active_speaker",
        "bundle",
        "device",
        "output",
        "report",
        "save_landmarks",
        "sound",
        "force",
    }
    return {name: value for name, value in asdict(request).items() if name not in apart}
