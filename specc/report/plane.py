"""Plots of models of points of the plane: data, samples and density."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from specc.engine.storage import file_io
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.sampling import SAMPLE, rows_of_part, sample
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import in_data_units, in_model_units, log_scale

PLANE = "plane.png"
DENSITY = "model.log_prob"
FEWEST, POINTS = 10, 4000
"""Rows from which on they are a picture, and the most that it has."""
CELLS = 200
INK = "#2b5c8a"

Points = npt.NDArray[np.float64]


def plane_field(loaded: LoadedRun) -> str | None:
    """The observed node whose values are points of the plane, if the model can sample it.

    A few points, as one row that a sequence starts with, are no picture.
    """
    fields = loaded.manifest.fields
    points = [n for n in loaded.manifest.simulated() if n in fields and fields[n].shape == (2,)]
    continuous = [n for n in points if fields[n].dtype not in ("int64", "uint8", "bool")]
    if not continuous or not loaded.program.can(SAMPLE):
        return None
    rows = rows_of_part(loaded, loaded.held_out, FEWEST)
    return continuous[0] if len(rows[continuous[0]]) == FEWEST else None


def plane(loaded: LoadedRun, name: str, part: str) -> Path:
    """Draws data, samples and, if log p(x) is exact, the density, in the units of the data.

    The window is a square around the data. The density is computed at 200 x 200 points; the title
    has its integral over the window, which is close to 1 if the window contains almost all of the
    mass. Raises RunFailure: E0811, if the picture cannot be written.
    """
    data = _numbers(in_data_units(loaded, rows_of_part(loaded, part, POINTS))[name])
    drawn = _numbers(sample(loaded, POINTS, part=part).in_data_units(loaded).values[name])
    window = around(data)
    shown = {"data": data, "drawn": drawn}
    density = _density(loaded, name, window)
    path = loaded.folder / PLANE
    file_io.write(path, _figure(shown, density, window))
    return path


def around(points: Points) -> Points:
    """The lower and the upper corner of a square around the points: [2, 2]."""
    low, high = points.min(0), points.max(0)
    half = 0.65 * (high - low).max() + 1e-9
    return np.asarray((low + high) / 2 + half * np.array([[-1.0], [1.0]]), np.float64)


def _numbers(values: Tensor) -> Points:
    return np.asarray(values.detach().cpu().double().numpy(), np.float64)


@torch.inference_mode()
def _density(loaded: LoadedRun, name: str, window: Points) -> Points | None:
    """p(x) at the centre of each cell; None if the density is not exact or needs other inputs."""
    program = loaded.program
    if program.capabilities.get(DENSITY) != (name,):
        return None
    axes = [np.linspace(a, b, 2 * CELLS + 1)[1::2] for a, b in window.T]
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        x = in_model_units(loaded, {name: torch.as_tensor(grid)})[name]
        x = x.to(loaded.device, loaded.settings.dtype)
        log_p = program.require(DENSITY)(**{name: x}) - log_scale(loaded, {name: x})
    return np.exp(_numbers(log_p)).reshape(CELLS, CELLS)


def _figure(shown: dict[str, Points], density: Points | None, window: Points) -> bytes:
    """The panels of data, samples and density as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(shown) + (density is not None)
    figure = Figure(figsize=(4.0 * count, 4.2), dpi=110, layout="constrained")
    panels = FigureCanvasAgg(figure).figure.subplots(1, count, squeeze=False)[0]
    for axes, (title, points) in zip(panels, shown.items(), strict=False):
        axes.plot(*points.T, ".", color=INK, markersize=2.4, alpha=0.6, markeredgewidth=0)
        axes.set_title(title, loc="left")
    if density is not None:
        across, up = (window[1] - window[0]) / CELLS
        extent = (window[0, 0], window[1, 0], window[0, 1], window[1, 1])
        panels[-1].imshow(density, origin="lower", extent=extent, cmap="Blues", aspect="auto")
        total = float(density.sum() * across * up)
        panels[-1].set_title(f"density, {total:.3f} in the picture", loc="left")
    for axes in panels:
        axes.set_xlim(*window[:, 0])
        axes.set_ylim(*window[:, 1])
        axes.tick_params(labelsize=8)
    data = BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()
