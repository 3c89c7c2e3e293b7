"""Who says who speaks, by the name a person gives. torch is imported where a network is: the default has none."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from contextalk.core.errors import ContextalkError
from contextalk.models.weights import default_folder, find_published, open_light_asd

if TYPE_CHECKING:
    from contextalk.models.speakers import LightAsdSpeaker, SyncSpeaker

_DIGITS = 8


def open_active_speaker(choice: str) -> "LightAsdSpeaker | SyncSpeaker | None":
    """Who judges.

    Args:
        choice: `default` (mouth motion and voice, no network), `light-asd` (weights of the catalogue), or the folder of
            a run of `contextalk train sync`.

    Returns:
        None for the default.

    Raises:
        ContextalkError: It is none of these, its weights are not here, or are of another network.
    """
    file = weights_file(choice)
    if file is None:
        return None
    from contextalk.models.speakers import LightAsdSpeaker, SyncSpeaker
    from contextalk.models.sync_judge import open_judge

    if choice == "light-asd":
        network = open_light_asd(file.parent)
        if network is None:
            raise ContextalkError(
                f"active speaker light-asd needs weights that are not here: `contextalk weights fetch light-asd`, or "
                f"`contextalk weights import light-asd {file.name}`"
            )
        return LightAsdSpeaker(network, _digits(file))
    if not Path(choice).is_dir():
        raise ContextalkError(
            f"active speaker {choice!r} is none of default, light-asd, or a folder of a run of `contextalk train sync`"
        )
    judge = open_judge(Path(choice))
    if judge is None:
        raise ContextalkError(f"active speaker {choice}: no {file}, wanted a run of `contextalk train sync`")
    return SyncSpeaker(judge, _digits(file))


def weights_file(choice: str) -> Path | None:
    """Whose content decides what is judged, there or not; None for the default."""
    if choice == "default":
        return None
    if choice == "light-asd":
        return default_folder() / find_published(choice).file
    from contextalk.models.sync_judge import judge_path

    return judge_path(Path(choice))


def _digits(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_DIGITS]
