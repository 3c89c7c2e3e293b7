"""The default backend on real footage (README of the media folder); skipped where there is none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contextalk.core.errors import TargetError
from contextalk.core.records import Shot
from contextalk.faces.blocks import pack_block
from contextalk.faces.crop import crop_path
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.faces.targets import identity_square
from contextalk.media.video import probe, read_frames

pytestmark = pytest.mark.media

NUM_FRAMES = 50

SCENES = {
    "grid_two_person_composite_24s.mp4": 2,
    "grid_s1_single_6min.mp4": 1,
    "context_two_person/ai_cafe_two_person_16fps.mp4": 2,
    "context_two_person/real_two_person_silent.gif": 2,
    "single/whitehouse_address_1.mp4": 1,
    "single/contracted_actor_woman_1080x1920.mp4": 1,
}


@pytest.mark.parametrize(("name", "count"), SCENES.items())
def test_everybody_is_found_and_kept_apart(media: Path, name: str, count: int) -> None:
    scene = probe(media / name)
    frames = min(NUM_FRAMES, len(scene.times_s))
    backend = MediapipeBackend()
    faces = [backend.see(picture, changed=picture.index == 0) for picture in read_frames(scene.path, stop=frames)]
    part = replace(scene, times_s=scene.times_s[:frames])
    people = backend.people([pack_block(faces)], part, [Shot(start=0, stop=frames)])
    assert len(people) == count
    for person in people:
        assert person.landmarks.valid.mean() >= 0.95
        points = person.landmarks.points
        side = crop_path(person.landmarks, [Shot(start=0, stop=frames)]).side_px
        steps = np.linalg.norm(np.diff(np.nanmean(points, axis=1), axis=0), axis=1) / side[1:]
        # Half a face in a frame would be another person; the fastest head here moves a twentieth of its square.
        assert np.nanmax(steps) < 0.15


def test_no_face_no_identity(media: Path) -> None:
    picture = next(iter(read_frames(media / "bad_inputs/no_person_no_audio.mp4")))
    with pytest.raises(TargetError, match=r"no face in me\.png"):
        identity_square(picture.rgb, "me.png")


def test_the_identity_lies_in_its_square(media: Path) -> None:
    picture = next(iter(read_frames(media / "single/webcam_woman_720p.mp4")))
    points, square = identity_square(picture.rgb)
    assert len(square.side_px) == 1
    assert ((points > 0) & (points < 256)).all()
    # From image left to right, lids and corners of both eyes in iBUG's order, and pupils between corners.
    for line in ([36, 37, 38, 39, 42, 43, 44, 45], [36, 41, 40, 39, 42, 47, 46, 45], [36, 68, 39, 42, 69, 45]):
        assert (np.diff(points[line, 0]) > 0).all(), line
    assert (points[[37, 38, 43, 44], 1] < points[[41, 40, 47, 46], 1]).all()
