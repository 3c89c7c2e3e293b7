"""The no-leak contract on real footage: what (mask, crop) tell of mouth and yaw, with estimated landmarks.

    python benchmarks/no_leak.py VIDEO...

The mask is one shape in the crop, so all that is shown of the target besides its surroundings is where the square lies
and how large it is, over a window of eight frames. Regressors read mouth opening and yaw about their shot means from
that: of one person on stretches of time that they were not fitted on, and of all people together on the one whom they
were not fitted on. Beside it three controls: the same regressors on the square at other times (a square that moves
once in a take goes with whatever else changes once), on the box of the landmarks as a naive crop has it, and on the
landmarks themselves.

Bounds beside a video cut it as they cut it for `prepare`; with `--no-bounds` it is one take, as for `generate`.
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from contextalk.core.geometry import CropPath
from contextalk.core.records import Analysis, Landmarks, Shot
from contextalk.core.time import WINDOW_FRAMES
from contextalk.dataset.bounds import read_bounds
from contextalk.dataset.parts import find_spans, tile_frames
from contextalk.dataset.plan import crop_in_sections
from contextalk.faces.analysis import analyse
from contextalk.faces.crop import crop_path

LIMIT = 0.05
"""Of the variance (docs/architecture.md, "No leak")."""

NUM_BLOCKS, GAP_S = 5, 3.0
"""Stretches of time, each asked once; rows nearer than this to it are not fitted on, for the square is smooth."""

LEAST_S = 8.0
NUM_SHIFTS = 8
"""Other times, spread evenly; of their shares the largest is told."""

_ROWS_OF_EACH = 600
"""Of all people together each counts as much: a corpus of minutes would drown a take of seconds."""

_QUADRATIC_COLUMNS = 24
_RIDGE = 10.0
_MLP_STEPS = 200

Table = NDArray[np.float64]


def square_windows(centre_px: Table, side_px: Table, tiles: Sequence[Shot]) -> Table:
    """(F, 24) where a square lies in eight frames around each, in sides of it, about the mean over its tile."""
    usual = np.nanmedian(side_px)
    place = np.concatenate([centre_px, side_px[:, None]], axis=1) / usual
    rows = np.empty((len(place), WINDOW_FRAMES * 3))
    for tile in tiles:
        part = place[tile.start : tile.stop]
        around = np.arange(len(part))[:, None] + np.arange(WINDOW_FRAMES) - WINDOW_FRAMES // 2
        window = part[np.clip(around, 0, len(part) - 1)].reshape(len(part), -1)
        rows[tile.start : tile.stop] = window - np.tile(np.nanmean(part, axis=0), WINDOW_FRAMES)
    return rows


def about_means(values: Table, valid: NDArray[np.bool_], tiles: Sequence[Shot]) -> Table:
    """(F, C) less its mean over the seen frames of each tile."""
    centred = values.copy()
    for tile in tiles:
        part = slice(tile.start, tile.stop)
        if valid[part].any():
            centred[part] -= values[part][valid[part]].mean(axis=0)
    return centred


def explained(inputs: Table, truth: Table, times_s: Table) -> Table:
    """(2,) share of the variance of mouth opening and yaw on unseen stretches, by the better of two regressors.

    Below 0 where what was fitted is worse than the mean.
    """
    edges = np.linspace(times_s[0], times_s[-1] + 1e-6, NUM_BLOCKS + 1)
    guesses = np.zeros((len(REGRESSORS), *truth.shape))
    for low, high in itertools.pairwise(edges.tolist()):
        asked = (times_s >= low) & (times_s < high)
        fitted = (times_s < low - GAP_S) | (times_s >= high + GAP_S)
        guesses[:, asked] = guess(inputs[fitted], truth[fitted], inputs[asked])
    return shares_of(guesses, truth).max(axis=0)


def guess(seen: Table, wanted: Table, asked: Table) -> Table:
    """(regressors, N, 2) what each makes of the rows that are asked."""
    # A deviation far below a pixel of the crop is dust; dividing by it would invent a signal to fit.
    spread, scale = np.maximum(seen.std(axis=0), 1e-4), wanted.std(axis=0)
    known, new = seen / spread, np.clip(asked / spread, -4, 4)
    return np.stack([regress(known, wanted / scale, new) * scale for regress in REGRESSORS])


def shares_of(guesses: Table, truth: Table) -> Table:
    """(regressors, 2)."""
    return 1 - ((truth - guesses) ** 2).sum(axis=1) / (truth**2).sum(axis=0)


def of_others(people: Sequence[tuple[Table, Table]]) -> Table:
    """(2,) mean share over people, each told by regressors that were fitted on all the others."""
    thinned = []
    for inputs, truth in people:
        rows = np.linspace(0, len(truth) - 1, min(len(truth), _ROWS_OF_EACH)).round().astype(int)
        thinned.append((inputs[rows], truth[rows] / truth.std(axis=0)))
    shares = []
    for left_out, (inputs, truth) in enumerate(thinned):
        rest = [person for number, person in enumerate(thinned) if number != left_out]
        seen, wanted = (np.concatenate([person[part] for person in rest]) for part in (0, 1))
        shares.append(shares_of(guess(seen, wanted, inputs), truth))
    return np.mean(shares, axis=0).max(axis=0)


def ridge(seen: Table, wanted: Table, asked: Table) -> Table:
    """Linear, and quadratic where there are few columns."""

    def expand(values: Table) -> Table:
        few = values.shape[1] <= _QUADRATIC_COLUMNS
        return np.concatenate([values, np.clip(values**2, 0, 9)], axis=1) if few else values

    design = expand(seen)
    return expand(asked) @ np.linalg.solve(design.T @ design + _RIDGE * np.eye(design.shape[1]), design.T @ wanted)


def mlp(seen: Table, wanted: Table, asked: Table) -> Table:
    """One hidden layer."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(seen.shape[1], 32), torch.nn.SiLU(), torch.nn.Linear(32, 2))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2, weight_decay=1e-3)
    inputs, targets = (torch.tensor(values, dtype=torch.float32) for values in (seen, wanted))
    for _ in range(_MLP_STEPS):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(network(inputs), targets).backward()
        optimiser.step()
    with torch.no_grad():
        return network(torch.tensor(asked, dtype=torch.float32)).numpy().astype(np.float64)


REGRESSORS = (ridge, mlp)


def views_of(landmarks: Landmarks, crop: CropPath, tiles: Sequence[Shot]) -> tuple[dict[str, Table], Table, Table]:
    """What regressors are given, by name; (N, 2) mouth opening and yaw about their means; and (N,) times."""
    low, high = landmarks.points.min(axis=1), landmarks.points.max(axis=1)
    box = square_windows((low + high) / 2.0, (high - low).max(axis=1).astype(np.float64), tiles)
    square = square_windows(crop.centre_px.astype(np.float64), crop.side_px.astype(np.float64), tiles)
    truth = np.stack([landmarks.mouth_open, landmarks.head_pose[:, 0]], axis=1).astype(np.float64)
    rows = landmarks.valid & np.isfinite(truth).all(axis=1) & np.isfinite(box).all(axis=1)
    face = crop.to_crop(landmarks.points).reshape(len(landmarks), -1).astype(np.float64)
    views = {"shown": square, "naive box": box, "landmarks": about_means(face, rows, tiles)}
    seen = {name: values[rows] for name, values in views.items()}
    return seen, about_means(truth, rows, tiles)[rows], landmarks.times_s[rows]


def at_other_times(inputs: Table, truth: Table, times_s: Table) -> Table:
    """(2,) the largest shares that the same inputs explain when they belong to other times."""
    shifts = [len(inputs) * number // (NUM_SHIFTS + 1) for number in range(1, NUM_SHIFTS + 1)]
    return np.max([explained(np.roll(inputs, shift, axis=0), truth, times_s) for shift in shifts], axis=0)


def crop_of(analysis: Analysis, landmarks: Landmarks, *, bounds: bool) -> tuple[CropPath, Sequence[Shot]]:
    """The square as it is made for training where there are bounds and they are wanted, else for generation."""
    found = read_bounds(analysis.scene.path) if bounds else []
    if not found:
        return crop_path(landmarks, analysis.shots), analysis.shots
    spans = find_spans(analysis.scene, analysis.shots, found)
    tiles = tile_frames(len(landmarks), analysis.shots, spans)
    return crop_in_sections(landmarks, tiles), tiles


def main(videos: tyro.conf.Positional[tuple[Path, ...]], bounds: bool = True) -> None:
    """Measure, and print a row a person; the exit status says whether the contract holds over all of them.

    Args:
        videos: Of eight seconds or more; everybody in them is a target.
        bounds: Cut videos where a file beside them says so.
    """
    names = ("shown", "at other times", "naive box", "landmarks")
    _print("explained of mouth / yaw", names)
    people: dict[str, list[tuple[Table, Table]]] = {name: [] for name in names if name != "at other times"}
    for video in videos:
        analysis = analyse(video)
        if analysis.scene.duration_s < LEAST_S:
            sys.stderr.write(f"{video.name} lasts {analysis.scene.duration_s:.1f} s, wanted {LEAST_S:g} s or more\n")
            continue
        for track in analysis.tracks:
            views, truth, times_s = views_of(track.landmarks, *crop_of(analysis, track.landmarks, bounds=bounds))
            shares = {name: explained(values, truth, times_s) for name, values in views.items()}
            shares["at other times"] = at_other_times(views["shown"], truth, times_s)
            _print(f"{video.name} {track.index}", [f"{shares[name][0]:.3f} / {shares[name][1]:.3f}" for name in names])
            for name, values in views.items():
                people[name].append((values, truth))
    if len(people["shown"]) < 2:
        raise SystemExit("nobody is fitted on others: wanted two people or more, of eight seconds each")
    pooled = {name: of_others(shown) for name, shown in people.items()}
    cells = [f"{pooled[name][0]:.3f} / {pooled[name][1]:.3f}" if name in pooled else "" for name in names]
    _print(f"fitted on others, {len(people['shown'])} people", cells)
    worst = float(pooled["shown"].max())
    if worst > LIMIT:
        raise SystemExit(f"(mask, crop) explain {worst:.3f} of the variance, wanted {LIMIT} at most")


def _print(first: str, cells: Sequence[str]) -> None:
    sys.stdout.write(f"{first:42s}" + "".join(f"{cell:>18s}" for cell in cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    tyro.cli(main)
