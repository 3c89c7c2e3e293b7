"""Landmarks for a target unlike all that the bundle has seen: stage 1's performance on the target's own face."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from contextalk.core.geometry import CropPath
from contextalk.core.records import Landmarks
from contextalk.faces.retarget import retarget
from contextalk.generation.identity import Identity
from contextalk.generation.plan import Span
from contextalk.generation.region import Region


def on_own_face(
    drawn: Landmarks, region: Region, spans: Sequence[Span], identity: Identity | None, crop: CropPath
) -> Landmarks:
    """What stage 1 drew of a stranger, span by span on the stranger's face.

    Args:
        drawn: At 25 Hz over all spans, scene px.
        region: Where the target is and who is around.
        spans: Stretches without a cut.
        identity: The picture that the user gave: its face's shape is taken. None: that of the target in the scene.
        crop: The head's square at the times of `drawn`.
    """
    faces = [_in_span(drawn, region, span, identity, crop) for span in spans]
    return replace(
        drawn,
        points=np.concatenate([face.points for face in faces]),
        pupils=np.concatenate([face.pupils for face in faces]),
        head_pose=np.concatenate([face.head_pose for face in faces]),
    )


def _in_span(drawn: Landmarks, region: Region, span: Span, identity: Identity | None, crop: CropPath) -> Landmarks:
    times_s = region.scene.times_s
    stop_s = times_s[span.stop] if span.stop < len(times_s) else np.inf
    rows = slice(*np.searchsorted(drawn.times_s, [times_s[span.start], stop_s]).tolist())
    acted = drawn[rows]
    frames = slice(span.start, span.stop)
    pictured = None if identity is None else _pictured(identity, acted, crop[rows])
    seat = region.track if region.track is None or not region.track.valid[frames].any() else region.track[frames]
    seat, own = seat or pictured, pictured or region.track
    assert seat is not None  # without a track there is a mask, and with a mask an identity
    assert own is not None
    alone = not any(other.valid[frames].any() for other in region.others)
    return retarget(acted, own, seat, alone=alone)


def _pictured(identity: Identity, acted: Landmarks, crop: CropPath) -> Landmarks:
    """The face of a picture, still, in the square of each frame: its head sits in its crop as any head does."""
    points = np.repeat(identity.heads[0].points[None], len(acted), axis=0)
    placed = crop.to_scene(points)
    return replace(acted, points=placed[:, :68], pupils=placed[:, 68:])
