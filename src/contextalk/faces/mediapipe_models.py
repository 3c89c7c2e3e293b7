"""The models of faces and hands inside mediapipe's wheel, run without importing mediapipe (which wants libGL)."""

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contextalk.core.errors import ContextalkError

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range_sparse.tflite"
MESH = "face_landmark.tflite"
IRIS = "iris_landmark.tflite"
PALM = "palm_detection_full.tflite"
HAND = "hand_landmark_full.tflite"
PERSON = "selfie_segmentation.tflite"

_INSTALL = "install them with: pip install --no-deps mediapipe==0.10.14"


@cache
def wheel_version() -> str:
    """Version of the installed wheel.

    Raises:
        ContextalkError: It is not installed.
    """
    try:
        return metadata.version("mediapipe")
    except metadata.PackageNotFoundError as error:
        raise ContextalkError(f"the face models are not installed; {_INSTALL}") from error


@cache
def model_path(name: str) -> Path:
    """Where a model of the wheel lies. To look through the wheel's list of files takes a tenth of a second.

    Raises:
        ContextalkError: The wheel is missing or carries no such model (releases after 0.10.14 carry none).
    """
    version = wheel_version()
    for file in metadata.files("mediapipe") or []:
        path = Path(str(file.locate()))
        if file.name == name and path.is_file():
            return path
    raise ContextalkError(f"mediapipe {version} has no {name}; {_INSTALL}")


class Network:
    """One `.tflite` network: a picture in, its output tensors out."""

    def __init__(self, name: str, *, low: float, high: float) -> None:
        """Load it.

        Args:
            name: File name inside the wheel.
            low: What the network takes for black.
            high: What it takes for white.
        """
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_path=str(model_path(name)), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = sorted((detail["name"], detail["index"]) for detail in self._interpreter.get_output_details())
        self._offset, self._gain = low, (high - low) / 255

    def __call__(self, rgb: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Outputs by name, without the batch axis, for (H, W, 3) of the network's own size."""
        batch = rgb[None].astype(np.float32) * np.float32(self._gain) + np.float32(self._offset)
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs}
