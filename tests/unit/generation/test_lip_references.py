"""Lip references as a bundle was taught with them: our generator, or Wav2Lip on the face of the identity."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from contextalk.core.errors import ContextalkError
from contextalk.faces.lips import cut_face, face_box, lip_pictures
from contextalk.generation import lip_references
from contextalk.generation.identity import IdentityHead
from contextalk.generation.lip_references import LipReferences, lip_lead_s, wav2lip_references
from contextalk.media.mel import mel_chunks
from contextalk.models.bundle import Bundle, BundleCard
from contextalk.models.wav2lip import Wav2Lip
from contextalk.presets import debug
from generation_kit import face_points

FACE = face_points((128, 140), 120)
NOISE = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(256, 256, 3)), (0, 0), 6)
HEAD = np.clip(128 + 40 * NOISE / NOISE.std(), 0, 255).astype(np.uint8)
MEL = np.random.default_rng(1).normal(size=(3, 80, 16)).astype(np.float32)


class Parrot(Wav2Lip):
    """Gives back the face that it is shown, darker by a tenth a frame."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.heard: list[np.ndarray] = []

    def speak(self, face: np.ndarray, mel: np.ndarray) -> np.ndarray:
        self.heard.append(mel)
        assert np.array_equal(face, cut_face(HEAD, FACE, 96))
        return np.stack([(face * (1 - 0.1 * at)).astype(np.uint8) for at in range(len(mel))])


def bundle_of(kind: str) -> Bundle:
    torch.manual_seed(0)
    models = debug().models
    models = replace(models, lips=replace(models.lips, kind=kind))
    return Bundle(BundleCard(models=models, whom="", persons=(), record={}, licence=""))


def test_the_mouth_of_what_wav2lip_draws_is_cut_as_true_mouths_are():
    drawn = wav2lip_references(Parrot(), HEAD, FACE, MEL)
    true = lip_pictures(HEAD[None], FACE[None])[0]
    assert drawn.shape == (3, 16, 16)
    # 120 px are shrunk to 96 and grown again; the spread of a reference is 50. Darker is the same reference.
    assert np.abs(drawn.astype(int) - true).mean(axis=(1, 2)).max() < 3
    shifted = lip_pictures(HEAD[None], FACE[None] + 4)[0]
    assert np.abs(shifted.astype(int) - true).mean() > 10


def test_the_square_of_a_reference_lies_in_what_is_drawn():
    rows, columns = face_box(FACE)
    centre, half = FACE[48:60].mean(axis=0), np.linalg.norm(FACE[16] - FACE[0]) / 4
    assert columns.start < centre[0] - half < centre[0] + half < columns.stop
    assert (rows.start + rows.stop) / 2 < centre[1] - 0.6 * half  # all of the mouth is in the half that it is not shown
    assert centre[1] + 0.6 * half < rows.stop


@pytest.mark.parametrize("kind", ["wav2lip", "wav2lip_gan"])
def test_a_bundle_says_who_draws(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ContextalkError, match=f"contextalk weights import {kind} FILE"):
        LipReferences(bundle_of(kind))
    asked: list[tuple[str, Path]] = []
    parrot = Parrot()
    monkeypatch.setattr(lip_references, "open_wav2lip", lambda *given: asked.append(given) or parrot)
    bundle = bundle_of(kind)
    assert bundle.lips is None
    assert "lips" not in bundle.modules
    told = LipReferences(bundle)(MEL, IdentityHead(picture=HEAD, points=FACE), torch.zeros(1, 16, 16, 16))
    assert asked == [(kind, tmp_path / "contextalk" / "weights")]
    wanted = torch.from_numpy(wav2lip_references(parrot, HEAD, FACE, MEL)) / 127.5 - 1
    assert torch.equal(told, wanted[None, :, None])
    assert bundle.fingerprint != bundle_of("own").fingerprint


def test_our_own_generator_draws_unless_a_bundle_says_otherwise():
    bundle, known = bundle_of("own"), torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    told = LipReferences(bundle)(MEL, IdentityHead(picture=HEAD, points=FACE), known)
    assert bundle.lips is not None
    assert torch.equal(told, bundle.lips(torch.from_numpy(MEL)[None], known))


def test_wav2lip_hears_a_frame_later():
    """Its chunks begin at video frame f − 1, as in its training; ours at f − 2."""
    mel = np.random.default_rng(2).normal(size=(80, 400)).astype(np.float32)
    ours, its = (mel_chunks(mel, 100, lead_s=lip_lead_s(kind)) for kind in ("own", "wav2lip_gan"))
    np.testing.assert_array_equal(its[:-1], ours[1:])
    for frame in (1, 2, 60):
        start = int(80 * (frame - 1) / 25)
        np.testing.assert_array_equal(its[frame], mel[:, start : start + 16])
