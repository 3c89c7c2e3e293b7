"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Shapes written as annotations are checked here and nowhere else: checking costs, and users cannot break them.
install_import_hook("contextalk.models", "beartype.beartype")


@pytest.fixture(scope="session")
def media() -> Path:
    """Folder of real footage, named by CONTEXTALK_TEST_MEDIA; none of it is part of the repository."""
    folder = os.environ.get("CONTEXTALK_TEST_MEDIA")
    if folder is None:
        pytest.skip("CONTEXTALK_TEST_MEDIA is not set: no real footage to test on")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"CONTEXTALK_TEST_MEDIA is {folder}, wanted a folder")
    return path


@pytest.fixture(scope="session")
def skia_drawing() -> None:
    """Skip where skia cannot be loaded: it needs libEGL and libGL from the system."""
    try:
        import skia  # noqa: F401
    except ImportError as error:
        pytest.skip(f"skia cannot be loaded ({error}): pip install 'contextalk[synth]', apt-get install libegl1 libgl1")
