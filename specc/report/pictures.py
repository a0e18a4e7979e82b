"""Pictures of a run: grids of rows that are pictures, and the curve of the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from specc.engine.storage import file_io
from specc.report.axis_range import axis_range
from specc.report.training import loss_words, losses
from specc.runtime.losses import Loss

WIDTH = 960
"""The approximate width of a grid in pixels, which is enlarged by an integer factor."""

PAPER = 0.93
HOLE = 0.55
"""The grey of a missing entry, as a fraction of the range from black to white."""

COLOURS = ("#2b5c8a", "#c2571a", "#3b7d4f", "#7b4f9d")
"""The colours of curves."""

Pixels = npt.NDArray[np.uint8]


def grid(
    rows: Tensor,
    picture: Sequence[int],
    columns: int | None = None,
    tones: tuple[float, float] = (0.0, 1.0),
) -> Pixels:
    """Rows [n, *shape] as a grid of pictures: [height, width, 3], bytes.

    `picture` is (height, width), or with channels last or first. Values are shown from the first of
    the `tones` (black) to the second (white); values beyond them are clipped.
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


def channels(picture: Sequence[int]) -> int:
    """The number of channels of a picture: (height, width), or with channels last or first."""
    if len(picture) == 2:
        return 1
    return picture[0 if _is_channels_first(picture) else -1]


def _is_channels_first(picture: Sequence[int]) -> bool:
    return picture[0] in (1, 3) and picture[-1] not in (1, 3)


def _channels_last(values: npt.NDArray[np.float64], picture: Sequence[int]) -> Any:  # noqa: ANN401
    shape = tuple(picture)
    if len(shape) == 2:
        return values.reshape(-1, *shape, 1)
    if _is_channels_first(shape):
        return values.reshape(-1, *shape).transpose(0, 2, 3, 1)
    return values.reshape(-1, *shape)


def as_png(pixels: Pixels) -> bytes:
    """The picture as a PNG."""
    from matplotlib.image import imsave

    data = BytesIO()
    imsave(data, pixels, format="png")
    return data.getvalue()


def write_png(path: Path, pixels: Pixels) -> None:
    """Writes the picture to `path`; raises RunFailure E0811 if it cannot be written."""
    file_io.write(path, as_png(pixels))


def loss_curve(
    path: Path, metrics: Sequence[Mapping[str, Any]], title: str, bounds: Sequence[Loss] = ()
) -> None:
    """The loss over the epochs, of every player or on held-out rows, too, as a PNG at `path`.

    `bounds` are the losses of the run, which may have a unit.
    If the losses of early epochs are much larger the axis leaves them out and states it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7.0, 4.0), dpi=130, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.add_subplot()
    series = losses(metrics)
    for (name, points), colour in zip(series.items(), cycle(COLOURS), strict=False):
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.6, label=name)
    if len(series) > 1:
        axes.legend(frameon=False)
    axis = axis_range(series.values())
    if axis is not None:
        axes.set_ylim(axis.low, axis.high)
        axes.set_title(axis.words(), loc="right", fontsize="small", color="#5c6675")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_ylabel(loss_words(metrics, bounds))
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    data = BytesIO()
    figure.savefig(data, format="png")
    file_io.write(path, data.getvalue())
