"""What a model makes of points of the plane: data, rows drawn from it, and its density."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from specc.engine import files
from specc.engine.opened import OpenRun
from specc.evaluate.sampling import SAMPLE, rows_of_part, sample
from specc.evaluate.solved import solved
from specc.evaluate.units import in_data_units, in_model_units, scale_of

PLANE = "plane.png"
DENSITY = "model.log_prob"
POINTS = 4000
CELLS = 200
INK = "#2b5c8a"

Points = npt.NDArray[np.float64]


def plane_field(opened: OpenRun) -> str | None:
    """The observed node whose values are points of the plane, where the model can draw it."""
    fields = opened.manifest.data.fields if opened.manifest.data else {}
    points = [n for n in opened.manifest.observed() if n in fields and fields[n].shape == (2,)]
    continuous = [n for n in points if fields[n].dtype not in ("int64", "uint8", "bool")]
    return continuous[0] if continuous and opened.program.can(SAMPLE) else None


def plane(opened: OpenRun, name: str, part: str) -> Path:
    """Data beside samples and, where log p(x) is exact, the density, as a picture in the run.

    All of them are in the units of the data.

    The window is a square about the data, so that a unit is as long across as up. The density is
    that of 200 x 200 points in it; its sum over them, which is near 1
    where they are all that matters, stands above it. Raises RunFailure E0811.
    """
    data = _numbers(in_data_units(opened, rows_of_part(opened, part, POINTS))[name])
    drawn = _numbers(sample(opened, POINTS, part=part).in_data_units(opened).values[name])
    window = around(data)
    shown = {"data": data, "drawn": drawn}
    density = _density(opened, name, window)
    path = opened.folder / PLANE
    files.write(path, _figure(shown, density, window))
    return path


def around(points: Points) -> Points:
    """A square about the points, its low corner and its high one: [2, 2]."""
    low, high = points.min(0), points.max(0)
    half = 0.65 * (high - low).max() + 1e-9
    return np.asarray((low + high) / 2 + half * np.array([[-1.0], [1.0]]), np.float64)


def _numbers(values: Tensor) -> Points:
    return np.asarray(values.detach().cpu().double().numpy(), np.float64)


@torch.inference_mode()
def _density(opened: OpenRun, name: str, window: Points) -> Points | None:
    """p(x) at the middle of each cell; None where the density is not exact, or needs more."""
    program = opened.program
    if program.capabilities.get(DENSITY) != (name,):
        return None
    axes = [np.linspace(a, b, 2 * CELLS + 1)[1::2] for a, b in window.T]
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    with opened.computing(), solved(program.folder):
        program.eval()
        x = in_model_units(opened, {name: torch.as_tensor(grid)})[name]
        x = x.to(opened.device, opened.settings.dtype)
        log_p = program.require(DENSITY)(**{name: x}) - (scale_of(opened) or 0.0)
    return np.exp(_numbers(log_p)).reshape(CELLS, CELLS)


def _figure(shown: dict[str, Points], density: Points | None, window: Points) -> bytes:
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
