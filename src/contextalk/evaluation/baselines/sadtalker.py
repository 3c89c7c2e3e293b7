"""SadTalker (Zhang et al. 2023) in the user's checkout: true first face and driving audio (paper, Sec. 5.2).

Its video is of the still picture it was given; what it lacks is the scene, and the head's way through it. Both come
from us: the video is laid into the head's square by our compositor.
"""

import hashlib
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from contextalk.core.errors import ContextalkError
from contextalk.core.geometry import CROP_PX
from contextalk.core.records import GenerateRequest, GenerateResult, Progress, Scene
from contextalk.core.time import SAMPLE_RATE_HZ, nearest_frames, render_stride
from contextalk.evaluation.baselines.one_stage import NoLandmarks
from contextalk.evaluation.baselines.ours import with_true_landmarks
from contextalk.evaluation.baselines.pipelines import refuse
from contextalk.faces.views import head_crop
from contextalk.generation.checks import check_request
from contextalk.generation.generate import generate_with
from contextalk.generation.identity import IdentityHead
from contextalk.generation.pipeline import Picture, Pipeline
from contextalk.generation.region import find_region
from contextalk.media.audio import read_audio, write_wav
from contextalk.media.video import probe, read_frames

SHORTEST_SHARE = 0.95
"""Its video ends on a whole number of its own windows; one that lacks more than this of the scene went wrong."""


class SadTalker:
    """Runs `inference.py` of a checkout once a scene."""

    name = "SadTalker"

    def __init__(self, checkout: Path, python: Path, *, timeout_s: float = 3600.0) -> None:
        """Name the checkout.

        Args:
            checkout: Folder with `inference.py` and the published `checkpoints`.
            python: The interpreter in which SadTalker's own requirements are installed.
            timeout_s: After which a run is given up.
        """
        self.checkout = checkout
        self.python = python
        self.timeout_s = timeout_s

    def generate(self, request: GenerateRequest, progress: Progress | None = None) -> GenerateResult:
        """As `contextalk.generate`; the true landmarks beside the output serve the record, no picture depends on them.

        Raises:
            ContextalkError: Landmarks, an identity or a mask are given; no checkout; a run that failed; a scene above
                33 fps, whose heads would have to be interpolated.
        """
        refuse(request, self.name, "landmarks", "identity", "mask")
        check_request(request)
        scene = probe(request.scene)
        if render_stride(scene.rate_hz) > 1:
            raise ContextalkError(f"{request.scene} has {scene.rate_hz:.4g} frames a second, wanted at most 33")
        with tempfile.TemporaryDirectory(prefix="contextalk-sadtalker-") as name:
            talking = self._run(request, scene, Path(name), progress)
            heads, times_s = read_heads(talking, scene)
        pipeline = Pipeline(
            landmarks=NoLandmarks(),  # not asked: the true ones are given
            faces=RecordedHeads(heads, times_s),
            decode=_no_decoding,
            draws_pupils=False,
            why_not=lambda _: None,
            fingerprint=f"{self.name} {hashlib.sha256(heads.tobytes()).hexdigest()}",
            description={"baseline": self.name},
        )
        return generate_with(pipeline, with_true_landmarks(request, progress), progress)

    def command(self, source: Path, audio: Path, results: Path) -> list[str]:
        """The command line; `full` lays the animated face back into the picture it was given, pixel on pixel."""
        return [
            str(self.python),
            str((self.checkout / "inference.py").absolute()),
            *("--source_image", str(source)),
            *("--driven_audio", str(audio)),
            *("--result_dir", str(results)),
            *("--checkpoint_dir", str((self.checkout / "checkpoints").absolute())),
            *("--size", str(CROP_PX)),
            *("--preprocess", "full"),
        ]

    def _run(self, request: GenerateRequest, scene: Scene, folder: Path, progress: Progress | None) -> Path:
        if not (self.checkout / "inference.py").is_file():
            raise ContextalkError(f"{self.checkout} has no inference.py, wanted a checkout of SadTalker")
        source, audio, results = folder / "first.png", folder / "driving.wav", folder / "results"
        results.mkdir()
        Image.fromarray(_first_face(request, scene, progress)).save(source)
        wave = read_audio(request.audio, rate_hz=SAMPLE_RATE_HZ)
        samples = round(scene.duration_s * SAMPLE_RATE_HZ)
        # Silence to the scene's end, as our networks hear it: SadTalker's video is as long as the sound.
        write_wav(audio, np.pad(wave[:samples], (0, max(0, samples - len(wave)))))
        try:
            ended = subprocess.run(
                self.command(source, audio, results),
                cwd=self.checkout,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ContextalkError(f"SadTalker was not done after {self.timeout_s:g} s") from error
        except OSError as error:
            raise ContextalkError(f"{self.python} cannot be run: {error.strerror or error}") from error
        videos = sorted(results.glob("*.mp4"))
        if ended.returncode or len(videos) != 1:
            said = (ended.stderr.strip() or ended.stdout.strip() or "nothing").splitlines()[-1]
            raise ContextalkError(
                f"SadTalker ended with status {ended.returncode} and {len(videos)} videos, wanted 0 and 1; "
                f"it said: {said}"
            )
        return videos[0]


class RecordedHeads:
    """Stage 2 that looks the head up by time. Its latents are empty: nothing of a window enters the next."""

    def __init__(self, heads: Picture, times_s: NDArray[np.float64]) -> None:
        """Take (N, 256, 256, 3) heads and their (N,) times in the scene."""
        self.heads = heads
        self.times_s = times_s

    def window_in_scene(
        self,
        *,
        drawing: Picture,
        masked_crop: Picture,
        scene_view: Picture,
        times_s: NDArray[np.float64],
        mel: NDArray[np.float32],
        lip_mel: NDArray[np.float32],
        identity: IdentityHead,
        carried: Tensor | None,
        seed: int,
    ) -> tuple[Picture, Tensor]:
        """The recorded head nearest to each time, and zeros (F, 16, 16, 16)."""
        del drawing, masked_crop, scene_view, mel, lip_mel, identity, carried, seed
        return self.heads[nearest_frames(self.times_s, times_s)], torch.zeros(len(times_s), 16, 16, 16)


def read_heads(video: Path, scene: Scene) -> tuple[Picture, NDArray[np.float64]]:
    """A video of the head crop as (N, 256, 256, 3) and its frame times.

    Raises:
        ContextalkError: It ends well before the scene does, or is no square.
    """
    made = probe(video)
    if made.duration_s < SHORTEST_SHARE * scene.duration_s:
        raise ContextalkError(
            f"SadTalker's video lasts {made.duration_s:.2f} s, wanted the {scene.duration_s:.2f} s of {scene.path}"
        )
    width, height = made.size_px
    if width != height:
        raise ContextalkError(f"SadTalker's video is {width}x{height}, wanted the square that it was given")
    centre = np.array([width / 2, height / 2])
    heads = np.stack([head_crop(picture.rgb, centre, float(width)) for picture in read_frames(video)])
    return heads, made.times_s


def _first_face(request: GenerateRequest, scene: Scene, progress: Progress | None) -> Picture:
    """(256, 256, 3): the true head in the first frame to be generated in which it is seen."""
    region = find_region(request, scene, None, progress)
    assert region.track is not None
    frame = int(np.flatnonzero(region.active & region.track.valid)[0])
    picture = next(read_frames(request.scene, start=frame, stop=frame + 1))
    return head_crop(picture.rgb, region.crop.centre_px[frame], float(region.crop.side_px[frame]))


def _no_decoding(latents: Tensor) -> Picture:
    raise AssertionError(f"{len(latents)} heads between drawn ones were asked for, yet the scene's rate was checked")
