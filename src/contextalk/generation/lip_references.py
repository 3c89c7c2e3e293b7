"""Lip references of a window, drawn by what stage 2 was taught with (paper, Sec. 5.1)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contextalk.core.choices import LipsKind
from contextalk.core.geometry import Points
from contextalk.faces.lips import cut_face, lay_faces, lip_pictures
from contextalk.generation.identity import IdentityHead
from contextalk.media.mel import CHUNK_LEAD_S
from contextalk.models import wav2lip
from contextalk.models.bundle import Bundle
from contextalk.models.machine import move
from contextalk.models.pictures import Frames
from contextalk.models.wav2lip import Wav2Lip
from contextalk.models.weights import default_folder, open_wav2lip


class LipReferences:
    """Draws the references of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Open what draws them.

        Raises:
            ContextalkError: That is Wav2Lip, and the published weights are not here.
        """
        kind = bundle.card.models.lips.kind
        self._own = bundle.lips
        self._wav2lip = None if kind == "own" else open_wav2lip(kind, default_folder()).to(bundle.device)

    def __call__(self, mel: NDArray[np.float32], identity: IdentityHead, known: Tensor) -> Tensor:
        """(1, F, 1, 16, 16) float32 in [−1, 1].

        Args:
            mel: (F, 80, 16), chunks of `lip_lead_s`.
            identity: Of the target.
            known: (1, 16, 16, 16) latent of its picture.
        """
        if self._wav2lip is None:
            assert self._own is not None
            heard = move(torch.from_numpy(np.ascontiguousarray(mel, np.float32)), known.device)[None]
            return self._own(heard, known).float()
        drawn = wav2lip_references(self._wav2lip, identity.picture, identity.points, mel)
        return move(torch.from_numpy(drawn), known.device)[None, :, None] / 127.5 - 1


def lip_lead_s(kind: LipsKind) -> float:
    """How long before its frame the sound begins that a reference is drawn from."""
    return CHUNK_LEAD_S if kind == "own" else wav2lip.CHUNK_LEAD_S


def wav2lip_references(network: Wav2Lip, head: Frames, points: Points, mel: NDArray[np.float32]) -> Frames:
    """References by Wav2Lip: the head speaks, and its mouth is cut as the true ones are. Training draws them so too.

    Args:
        network: Of published weights.
        head: (256, 256, 3) head crop of the person.
        points: (68 or more, 2) its landmarks in crop px.
        mel: (F, 80, 16), chunks of `lip_lead_s`.

    Returns:
        (F, 16, 16) grey, as `faces.lips.lip_pictures`.
    """
    faces = network.speak(cut_face(head, points, wav2lip.FACE_PX), mel)
    return lip_pictures(lay_faces(head, points, faces), np.repeat(points[None], len(faces), axis=0))
