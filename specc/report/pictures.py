"""Pictures of a run: a grid of rows that are pictures, and the course of the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from specc.engine import files
from specc.report.span import span

WIDTH = 960
"""A grid is enlarged, by whole numbers, to about so many pixels."""

PAPER = 0.93
HOLE = 0.55
"""The grey of an entry without a value, as a share of the tones."""

Pixels = npt.NDArray[np.uint8]


def grid(
    rows: Tensor,
    picture: Sequence[int],
    columns: int | None = None,
    tones: tuple[float, float] = (0.0, 1.0),
) -> Pixels:
    """Rows [n, *shape] as one picture of pictures: [height, width, 3], bytes.

    `picture` is (height, width), or with channels last or first. Values are shown from the first of
    the `tones` (black) to the second (white), and what is beyond them as the nearer of the two.
    """
    values = _channels_last(rows.detach().cpu().double().numpy(), picture)
    low, high = tones
    values = np.clip(np.nan_to_num(values, nan=low), low, high)
    values = (values - low) / max(high - low, 1e-12)
    count, height, width, _ = values.shape
    gap = max(1, height // 14)
    across = columns or math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    sheet = np.full((down * (height + gap) + gap, across * (width + gap) + gap, 3), PAPER)
    for number, value in enumerate(values):
        top = gap + (number // across) * (height + gap)
        left = gap + (number % across) * (width + gap)
        sheet[top : top + height, left : left + width] = value
    zoom = max(1, WIDTH // sheet.shape[1])
    enlarged = sheet.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return np.asarray(np.round(enlarged * 255), dtype=np.uint8)


def _channels_last(values: npt.NDArray[np.float64], picture: Sequence[int]) -> Any:  # noqa: ANN401
    shape = tuple(picture)
    if len(shape) == 2:
        return values.reshape(-1, *shape, 1)
    if shape[0] in (1, 3) and shape[-1] not in (1, 3):
        return values.reshape(-1, *shape).transpose(0, 2, 3, 1)
    return values.reshape(-1, *shape)


def as_png(pixels: Pixels) -> bytes:
    """The picture as a PNG."""
    from matplotlib.image import imsave

    data = BytesIO()
    imsave(data, pixels, format="png")
    return data.getvalue()


def write_png(path: Path, pixels: Pixels) -> None:
    """Puts the picture at `path`; raises RunFailure E0811 where it cannot be written."""
    files.write(path, as_png(pixels))


def loss_curve(path: Path, metrics: Sequence[Mapping[str, Any]], title: str) -> None:
    """The loss over the epochs, training and held-out rows, as a PNG at `path`.

    Where the first epochs tower over the rest the axis leaves them out, and says so.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), dpi=130, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.add_subplot()
    epochs = [line["epoch"] for line in metrics]
    losses = [math.nan if line["loss"] is None else float(line["loss"]) for line in metrics]
    axes.plot(epochs, losses, color="#2b5c8a", linewidth=1.6, label="training rows")
    valid = [
        (line["epoch"], math.nan if line["valid"]["loss"] is None else float(line["valid"]["loss"]))
        for line in metrics
        if "valid" in line
    ]
    if valid:
        axes.plot(*zip(*valid, strict=True), color="#c2571a", linewidth=1.6, label="held-out rows")
        axes.legend(frameon=False)
    axis = span([list(zip(epochs, losses, strict=True)), valid])
    if axis is not None:
        axes.set_ylim(axis.low, axis.high)
        axes.set_title(axis.words(), loc="right", fontsize="small", color="#5c6675")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (nats a row)")
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    data = BytesIO()
    figure.savefig(data, format="png")
    files.write(path, data.getvalue())
