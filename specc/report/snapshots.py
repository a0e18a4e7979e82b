"""Samples of a run during training: a picture after epochs 1, 2, 4, 8, ..., from one noise."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from specc.engine.storage import file_io
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.sampling import SAMPLE, rows_of_part, sample
from specc.evaluate.units import in_data_units
from specc.report.final_evaluation import picture_field
from specc.report.pictures import Pixels, grid, write_png
from specc.report.plane import around, plane_field
from specc.runtime.failure import RunFailure

FOLDER = "samples"
NAME = re.compile(r"epoch-(\d{6,12})\.png")
ACROSS = 16
POINTS = 2000
CELLS = 64
SHADES = 4.0
"""The number of points in a cell from which on it is black."""


def draw_snapshot(loaded: LoadedRun, epoch: int) -> None:
    """Draws samples after `epoch` epochs in the run folder, as `samples/epoch-000008.png`.

    Rows that are pictures are one line of 16; points of the plane are counted in 64 x 64 cells of a
    window around the data. Other programs, and samples that cannot be computed, have no picture. A
    folder `samples` that is a link receives none.
    Raises RunFailure: E0811, if the file cannot be written.
    """
    try:
        pixels = _pixels(loaded)
    except (RunFailure, RuntimeError):  # torch refuses to draw with probabilities that are NaN
        return
    if pixels is None:
        return
    folder = loaded.folder / FOLDER
    with file_io.writing(folder):
        folder.mkdir(exist_ok=True)
    if folder.is_symlink():
        return
    write_png(folder / f"epoch-{epoch:06}.png", pixels)


def snapshots(folder: Path) -> Iterator[tuple[int, Path]]:
    """The pictures of a run folder in order: epoch and path. Links are not followed."""
    if (folder / FOLDER).is_symlink():
        return
    try:
        with os.scandir(folder / FOLDER) as entries:
            files = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    except OSError:
        return
    found = {int(match[1]): name for name in files if (match := NAME.fullmatch(name))}
    for epoch in sorted(found):
        yield epoch, folder / FOLDER / found[epoch]


def _pixels(loaded: LoadedRun) -> Pixels | None:
    if not loaded.program.can(SAMPLE):
        return None
    shown = picture_field(loaded)
    if shown is not None:
        rows = sample(loaded, ACROSS).in_data_units(loaded).shown()[shown.name]
        return grid(rows, shown.picture, ACROSS, shown.tones)
    points = plane_field(loaded) if loaded.data is not None else None
    return None if points is None else _plane(loaded, points)


def _plane(loaded: LoadedRun, name: str) -> Pixels:
    """The samples as counts in cells of a window around the data: black from SHADES on."""
    part = loaded.held_out
    data = in_data_units(loaded, rows_of_part(loaded, part, POINTS))[name]
    drawn = sample(loaded, POINTS, part=part).in_data_units(loaded).values[name]
    low, high = around(data.cpu().double().numpy())
    x, y = drawn.cpu().double().numpy().T
    counts, _, _ = np.histogram2d(y, x, CELLS, [(low[1], high[1]), (low[0], high[0])])
    return grid(torch.as_tensor(SHADES - counts[::-1].copy())[None], (CELLS, CELLS), 1, (0, SHADES))
