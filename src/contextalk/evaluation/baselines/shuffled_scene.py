"""Ours with the right sound in a wrong scene: a control that context must beat."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CropPath
from contextalk.core.records import GenerateRequest, GenerateResult, Landmarks, Progress, Scene
from contextalk.evaluation.baselines.pipelines import open_bundle, refuse, with_stages
from contextalk.faces.pose import head_pose
from contextalk.generation.checks import check_request
from contextalk.generation.driving import read_driving
from contextalk.generation.generate import generate_with
from contextalk.generation.identity_sources import identity_from_file, identity_from_scene
from contextalk.generation.landmark_step import LandmarkStep
from contextalk.generation.pipeline import Pipeline
from contextalk.generation.plan import SEGMENT_WINDOWS, find_spans
from contextalk.generation.region import Region, find_region
from contextalk.generation.report import input_digests, versions
from contextalk.generation.work import WorkFolder, file_digest, work_key
from contextalk.media.video import probe


class ShuffledScene:
    """Stage 1 runs in another clip (its scene views, its target's place) on the right audio and identity.

    The landmarks keep their crop px and are replayed in the right scene: the head turns to whom it saw elsewhere.
    """

    name = "shuffled scene"

    def __init__(self, other: Path, target: str = "largest") -> None:
        """Take the clip to look at.

        Args:
            other: A scene that lasts at least as long as those to be generated.
            target: Who in it stands for the target.
        """
        self.other = other
        self.target = target

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`; the landmarks that were drawn elsewhere stay in OUT.shuffled-landmarks.npz.

        Raises:
            ContextalkError: Landmarks or a mask are given, the other clip is shorter or shows no face all the time;
                bad input.
        """
        refuse(request, self.name, "landmarks", "mask")
        check_request(request)
        pipeline, _ = open_bundle(request)
        path = request.output.with_suffix(".shuffled-landmarks.npz")
        self._draw_elsewhere(request, pipeline, path, progress)
        given = replace(request, landmarks=path)
        return generate_with(with_stages(pipeline, self.name, file_digest(self.other)), given, progress)

    def _draw_elsewhere(
        self, request: GenerateRequest, pipeline: Pipeline, path: Path, progress: Progress | None
    ) -> None:
        scene = probe(request.scene)
        here = find_region(request, scene, None, progress)
        there = self._region(request, scene, progress)
        assert here.track is not None
        identity = (
            identity_from_scene(request.scene, here.track, here.crop, here.active)
            if request.identity is None
            else identity_from_file(request.identity)
        )
        parts = {
            "inputs": input_digests(request),
            "other": file_digest(self.other),
            "targets": (request.target, self.target, request.seed, request.steps, request.sampler),
            "bundle": pipeline.fingerprint,
            "versions": versions(),
        }
        with WorkFolder(path, work_key(parts)) as work:
            drawn = LandmarkStep(
                pipeline.landmarks,
                region=there,
                spans=find_spans(there.shots, there.active),
                mel=read_driving(request.audio, scene).mel,
                identity=identity,
                seed=request.seed,
                work=work,
            ).run(SEGMENT_WINDOWS, progress)
            moved(drawn, there, here).save(path)
            work.remove()

    def _region(self, request: GenerateRequest, scene: Scene, progress: Progress | None) -> Region:
        other = probe(self.other)
        if other.duration_s < scene.duration_s:
            raise ContextalkError(
                f"{self.other} lasts {other.duration_s:.2f} s, wanted at least the {scene.duration_s:.2f} s "
                f"of {request.scene}"
            )
        asked = replace(request, scene=self.other, target=self.target, time_range_s=(0.0, scene.duration_s))
        region = find_region(asked, other, None, progress)
        if not region.active[other.times_s < scene.duration_s].all():
            raise ContextalkError(f"{self.other} does not show its target all the time, wanted a face in every shot")
        return region


def moved(drawn: Landmarks, there: Region, here: Region) -> Landmarks:
    """Landmarks (25 Hz) of one scene put into the head's square of another at the same times; crop px stay."""
    last_s = here.scene.times_s[-1]
    landmarks = drawn[slice(0, int(np.searchsorted(drawn.times_s, last_s, side="right")))]
    size_px = here.scene.size_px
    from_crop = there.crop.at(there.scene.times_s, landmarks.times_s)
    to_crop = here.crop.at(here.scene.times_s, landmarks.times_s)
    points = _carry(landmarks.points, from_crop, to_crop)
    return replace(
        landmarks,
        points=points,
        pupils=_carry(landmarks.pupils, from_crop, to_crop),
        head_pose=head_pose(points, size_px),
        size_px=size_px,
    )


def _carry(points: np.ndarray, from_crop: CropPath, to_crop: CropPath) -> np.ndarray:
    return to_crop.to_scene(from_crop.to_crop(points))
