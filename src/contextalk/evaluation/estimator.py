"""Landmarks read off the pixels of a head: what evaluation knows of a composite, with its own error on the truth."""

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from contextalk.core.choices import ReadBy
from contextalk.core.errors import BundleError
from contextalk.core.geometry import CROP_PX, Points
from contextalk.core.records import Scene, Shot
from contextalk.core.runs import WEIGHTS
from contextalk.core.time import clip_times
from contextalk.faces.blocks import pack_block
from contextalk.faces.mediapipe_backend import MediapipeBackend
from contextalk.faces.mediapipe_models import wheel_version
from contextalk.media.video import Picture
from contextalk.models.bundle import Bundle
from contextalk.models.pictures import encode_pictures, inference
from contextalk.models.reader import LandmarkReader


class Estimator(Protocol):
    """Reads faces off head crops; a judge, never a generator's teacher."""

    name: str
    """Name and version; two that read alike have one name."""

    def read(self, heads: NDArray[np.uint8]) -> tuple[Points, Points]:
        """(F, 256, 256, 3) consecutive head crops → points (F, 68, 2) and pupils (F, 2, 2), crop px, NaN unknown."""
        ...


class HeadEstimator:
    """A landmark reader trained on true heads (`contextalk train estimator`); never used in training a generator."""

    def __init__(self, bundle: Bundle, weights: Path) -> None:
        """Open the estimator that belongs to a bundle's codec.

        Args:
            bundle: Its codec turns pictures into latents.
            weights: Folder of the estimator's run.

        Raises:
            BundleError: No weights there.
        """
        self.codec = bundle.codec
        self.reader = LandmarkReader(bundle.card.models.reader)
        path = weights / WEIGHTS
        if not path.is_file():
            raise BundleError(f"{weights} has no estimator: `contextalk train estimator` makes one")
        try:
            self.reader.load_state_dict(load_file(path))
        except RuntimeError as error:
            raise BundleError(f"{path} does not fit the bundle's reader: {str(error).splitlines()[0]}") from error
        self.reader.eval()
        digest = hashlib.sha256(path.read_bytes() + bundle.fingerprint.encode())
        self.name = f"head estimator {digest.hexdigest()[:12]}"

    def read(self, heads: NDArray[np.uint8]) -> tuple[Points, Points]:
        """As `Estimator`; it takes every crop for a face, so nothing is NaN."""
        latents = encode_pictures(self.codec, heads, "face")
        with inference():
            points = self.reader(latents[None])[0].float().numpy()
        return points[:, :68], points[:, 68:]


class FaceBackendEstimator:
    """The default face backend on head crops, for real video; the largest face over time is the target's."""

    def __init__(self) -> None:
        """Raises a one-line ContextalkError if the face models are not installed."""
        self.name = f"mediapipe {wheel_version()}"

    def read(self, heads: NDArray[np.uint8]) -> tuple[Points, Points]:
        """As `Estimator`; NaN in frames without a face."""
        times_s = clip_times(len(heads))
        backend = MediapipeBackend()
        faces = [
            backend.see(Picture(index=index, time_s=float(times_s[index]), rgb=head), changed=index == 0)
            for index, head in enumerate(heads)
        ]
        scene = Scene(
            path=Path("heads"),
            size_px=(CROP_PX, CROP_PX),
            times_s=times_s,
            duration_s=len(heads) / 25,
            rotation_deg=0,
            has_audio=False,
        )
        people = backend.people([pack_block(faces)], scene, [Shot(start=0, stop=len(heads))])
        if not people:
            return np.full((len(heads), 68, 2), np.nan, np.float32), np.full((len(heads), 2, 2), np.nan, np.float32)
        target = max((person.landmarks for person in people), key=lambda face: _area(face.points))
        return target.points, target.pupils


def open_estimator(bundle: Bundle, weights: Path | None, read_by: ReadBy = "estimator") -> Estimator:
    """The estimator of a run, or the face backend, which also reads where `weights` is None.

    Raises:
        ContextalkError: Neither weights there nor face models installed.
    """
    return FaceBackendEstimator() if weights is None or read_by == "backend" else HeadEstimator(bundle, weights)


class RememberingEstimator:
    """An estimator whose readings are kept on disk by the content of the heads, so that work is resumed."""

    def __init__(self, estimator: Estimator, folder: Path) -> None:
        """Args: `folder` is made when something is first kept."""
        self.name = estimator.name
        self._estimator = estimator
        self._folder = folder

    def read(self, heads: NDArray[np.uint8]) -> tuple[Points, Points]:
        """As `Estimator`."""
        digest = hashlib.sha256(f"{self.name}{heads.shape}".encode() + np.ascontiguousarray(heads).tobytes())
        path = self._folder / f"{digest.hexdigest()[:32]}.npz"
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                return stored["points"], stored["pupils"]
        points, pupils = self._estimator.read(heads)
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        with temporary.open("wb") as stream:
            np.savez(stream, points=points, pupils=pupils)
        temporary.replace(path)
        return points, pupils


def _area(points: Points) -> float:
    """Of the boxes around the points, summed over the frames with a face."""
    seen = points[np.isfinite(points).all(axis=(1, 2))]
    return float(np.ptp(seen, axis=1).prod(axis=1).sum())
