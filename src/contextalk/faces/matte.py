"""Which part of a head crop is the person: what is around somebody in a picture from elsewhere belongs nowhere else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from contextalk.core.geometry import CROP_PX, Points
from contextalk.faces.crop import head_mask
from contextalk.faces.mediapipe_models import PERSON, Network

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

_DOUBT = 0.12
"""Of the face's height: how far the outline may lie from where the network guesses it."""

_PERSON, _BODY = 0.5, 0.2
"""The network's share from which a pixel is taken for a person's, and one below the chin: clothes are less sure."""

_SURELY, _EDGE_PX = 0.9, 2
"""The network's share from which nothing takes a pixel from the person, and below its complement none from the room,
but next to the edge, which it sees too coarsely."""

_NECK = 0.35
"""Of the face's width: as wide is at least what joins chin and body."""

_ROUNDS = 3
_SOFT_PX = 1.0
"""Of the outline's edge, crop px."""

_OUTSIDE = 1 - head_mask()
_BESIDE_PX = 6
"""Crop px around a person that may be the person's still: shoulders are elsewhere by some in another picture."""

_NEARER = 4
"""From one step of the pyramid to the next."""


def person_matte(picture: Picture, points: Points) -> Floats:
    """(256, 256) in [0, 1]: the share of each pixel that is the person.

    A network guesses, GrabCut (Rother et al. 2004) finds the outline near the guess, and the face is the person's
    whatever either says: drawn faces are taken for walls now and then.

    Args:
        picture: (256, 256, 3) head crop.
        points: (70, 2) crop px.

    Raises:
        ContextalkError: The models are not installed.
    """
    face = points[:68].astype(np.float32)
    width, height = np.ptp(face, axis=0)
    sure, doubt = np.zeros((CROP_PX, CROP_PX), np.uint8), _disc(_DOUBT * height)
    cv2.fillConvexPoly(sure, np.rint(cv2.convexHull(face)).astype(np.int32), 1)
    middle, chin = face[4:13, 0].mean(), int(np.clip(face[8, 1], 0, CROP_PX))
    share = _share_of_person(picture)
    guess = (share > _PERSON).astype(np.uint8) | sure
    guess[chin:] |= share[chin:] > _BODY
    guess[chin:, np.abs(np.arange(CROP_PX) + 0.5 - middle) < _NECK / 2 * width] = 1
    edge = _disc(_EDGE_PX)
    inner = (cv2.erode((share > _SURELY).astype(np.uint8), edge) > 0) | (cv2.erode(guess, doubt) > 0) | (sure > 0)
    maybe = cv2.dilate((share > 1 - _SURELY).astype(np.uint8) | guess, edge) > 0
    labels = np.where(guess > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[~maybe | (cv2.dilate(guess, doubt) == 0)] = cv2.GC_BGD
    labels[inner] = cv2.GC_FGD
    if (labels == cv2.GC_BGD).any():
        models = np.zeros((2, 1, 65))
        cv2.setRNGSeed(0)  # its clusters begin at random
        cv2.grabCut(picture, labels, (0, 0, 0, 0), models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
    person = _connected(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)), sure)
    return np.asarray(cv2.GaussianBlur(person.astype(np.float32), (0, 0), _SOFT_PX), np.float32)


def behind(masked: Picture, matte: Floats) -> Picture:
    """What may be behind a head: the room seen around the mask, spread smoothly over what is not seen.

    Args:
        masked: (256, 256, 3) masked crop.
        matte: (256, 256) share of the person: shoulders outside the mask are no room.

    Returns:
        (256, 256, 3).
    """
    body = cv2.dilate(matte, _disc(_BESIDE_PX))
    known = (_OUTSIDE * (1 - body))[..., None]
    colours = masked * known
    steps = [(colours, known)]
    while len(known) > 1:
        colours, weight = cv2.pyrDown(colours), cv2.pyrDown(known).reshape(len(known) // 2, -1, 1)
        # What is known next to a pixel counts for more than what is known twice as far away.
        known = np.minimum(1, _NEARER * weight)
        colours = (colours * (known / np.maximum(weight, 1e-6))).reshape(*known.shape[:2], 3)
        steps.append((colours, known))
    spread = colours / np.maximum(known, 1e-6)
    for colours, known in reversed(steps[:-1]):
        spread = colours + (1 - known) * cv2.pyrUp(spread)
    return np.clip(np.rint(spread), 0, 255).astype(np.uint8)


def _share_of_person(picture: Picture) -> Floats:
    """What the network says, (256, 256). It is opened anew: pictures are few, and threads may not share it."""
    return next(iter(Network(PERSON, low=0.0, high=1.0)(picture).values()))[..., -1]


def _connected(person: NDArray[np.bool_], face: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What of the person hangs together with the face: others in the picture are not taken along."""
    _, pieces = cv2.connectedComponents(person.astype(np.uint8))
    return person & np.isin(pieces, np.unique(pieces[face > 0]))


def _disc(radius_px: float) -> NDArray[np.uint8]:
    side = 2 * round(radius_px) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
