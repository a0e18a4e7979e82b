"""Pictures of a posterior: pairs of latents, the prior beside it, and replicates of the data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from specc.engine.storage import file_io

PAIRS = "posterior_pairs.png"
CHECKS = "posterior_checks.png"

MOST_PAIRED = 5
"""Numbers in the picture of pairs."""

MOST_COMPARED = 9
"""Numbers whose prior is shown, and observed nodes."""

POINTS = 2000
REPLICATES = 50

PREDICTIVE = {"prior_predictive": "prior", "posterior_predictive": "posterior"}
"""The groups of replicates, with where their latents are drawn from."""

Numbers = dict[str, np.ndarray[Any, np.dtype[Any]]]
Panel = Callable[[Any], None]
"""A function that draws on an axis."""


def draw_pairs(path: Path, data: Any) -> str:  # noqa: ANN401 - an InferenceData
    """The first latents against each other, with divergent transitions in red, as a PNG.

    Divergences that gather in a corner, as at the tip of a funnel, show where the chains cannot
    go. Returns the caption; "" if there are not two numbers.
    """
    found = dict(list(_numbers(data.posterior).items())[:MOST_PAIRED])
    if len(found) < 2:
        return ""
    diverging = np.asarray(data.sample_stats["diverging"]).reshape(-1)
    chosen = np.linspace(0, len(diverging) - 1, min(POINTS, len(diverging))).round().astype(int)
    names, size = list(found), len(found) - 1
    figure, axes = _canvas(size, size, 1.0 + 1.9 * size, 0.4 + 1.9 * size)
    for row in range(size):
        for column in range(size):
            axis = axes[row, column]
            if column > row:
                axis.set_axis_off()
                continue
            x, y = found[names[column]], found[names[row + 1]]
            axis.scatter(x[chosen], y[chosen], s=3, alpha=0.25, linewidths=0, rasterized=True)
            axis.scatter(x[diverging], y[diverging], s=9, color="tab:red", linewidths=0)
            axis.set_xlabel(names[column] if row == size - 1 else "")
            axis.set_ylabel(names[row + 1] if column == 0 else "")
    _write(figure, path)
    words = "Pairs of latents"
    return f"{words}, divergent transitions in red" if diverging.any() else words


def draw_checks(path: Path, data: Any) -> str:  # noqa: ANN401 - an InferenceData
    """Latents with their prior, and the data with replicates by prior and posterior, as a PNG.

    The distribution functions of the observed nodes have one line for each of some replicates.
    Returns the caption; "" if there is nothing to compare.
    """
    groups = data.groups()
    prior = _numbers(data.prior) if "prior" in groups else {}
    posterior = _numbers(data.posterior)
    latents = [name for name in posterior if name in prior][:MOST_COMPARED]
    panels: list[Panel] = [
        partial(_against_prior, name=name, prior=prior[name], posterior=posterior[name])
        for name in latents
    ]
    captions = ["The posterior of each latent (blue) beside its prior (grey)"] if latents else []
    sources = []
    for group, source in PREDICTIVE.items():
        found = data[group].data_vars if {group, "observed_data"} <= set(groups) else ()
        nodes = [str(name) for name in found if name in data.observed_data][:MOST_COMPARED]
        panels += [
            partial(_replicated, name=name, replicates=data[group], data=data, source=source)
            for name in nodes
        ]
        sources += [f"the {source}"] if nodes else []
    if not panels:
        return ""
    if sources:
        captions.append(
            "The fraction of values up to x, of the training data (blue) and of replicates of them "
            f"(grey, at most {REPLICATES}), each with another draw of the latents from "
            + " or ".join(sources)
        )
    columns = 2 if len(panels) == 4 else min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = _canvas(rows, columns, 3.3 * columns, 0.4 + 2.1 * rows)
    for axis, draw in zip(axes.flat, panels, strict=False):
        draw(axis)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_axis_off()
    _write(figure, path)
    return ". ".join(captions)


FARTHEST = 2.0
"""How far an axis reaches beyond a posterior for its prior, in ranges of the posterior."""

BINS = 30


def _against_prior(axis: Any, name: str, prior: Any, posterior: Any) -> None:  # noqa: ANN401
    """Histograms of the prior and of the posterior; of a wide prior, the part around the posterior.

    Their areas are the probabilities: that of a prior which the axis cuts is less than 1, and the
    legend says how much is shown.
    """
    low, high = prior_axis(prior, posterior)
    shown = np.mean((low <= prior) & (prior <= high))
    label = "prior" if shown >= 0.98 else f"prior ({100 * shown:.2g} % of it)"
    around = np.quantile(posterior, (0.0, 1.0)).clip(low, high)
    _histogram(axis, prior, (low, high), color="0.8", label=label)
    line = {"histtype": "step", "color": "tab:blue", "label": "posterior"}
    _histogram(axis, posterior, tuple(around), **line)
    axis.set_xlim(low, high)
    axis.set_title(name, fontsize="small")
    axis.set_yticks([])
    # A place for the legend above the bars, which may be anywhere.
    axis.set_ylim(0, 1.4 * axis.get_ylim()[1])
    axis.legend(frameon=False, fontsize="x-small", loc="upper right", ncols=2)


def prior_axis(prior: Any, posterior: Any) -> tuple[float, float]:  # noqa: ANN401
    """The range of the posterior and of the prior but for its farthest draws.

    At each side it is cut where it is farther from the posterior than twice the range of that.
    """
    low, high = np.quantile(posterior, (0.005, 0.995))
    finite = prior[np.isfinite(prior)]
    if not finite.size:
        return _apart(low, high)
    ends = np.quantile(finite, (0.0, 0.01, 0.99, 1.0))
    width = (ends[2] - ends[1]) or 1.0
    # The end of a support, as 0 of an exponential prior, is close to the smallest draw.
    first = ends[0] if ends[1] - ends[0] < 0.02 * width else ends[1]
    last = ends[3] if ends[3] - ends[2] < 0.02 * width else ends[2]
    most = FARTHEST * ((high - low) or 1e-3 * width)
    first, last = max(min(first, low), low - most), min(max(last, high), high + most)
    return _apart(first, last)


def _apart(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis, also if they are one value."""
    margin = 0.0 if high > low else 0.5 * abs(low) or 0.5
    return float(low - margin), float(high + margin)


def _histogram(axis: Any, values: Any, ends: tuple[float, float], **style: Any) -> None:  # noqa: ANN401
    """A histogram of the values within the ends whose area is their fraction of all values."""
    bins = np.linspace(*_apart(*ends), BINS + 1)
    weights = np.full(len(values), 1.0 / (len(values) * (bins[1] - bins[0])))
    axis.hist(values, bins, weights=weights, **style)


def _replicated(axis: Any, name: str, replicates: Any, data: Any, source: str) -> None:  # noqa: ANN401
    """The distribution function of the data, and those of replicates."""
    found = np.asarray(replicates[name])
    found = found.reshape(-1, int(np.prod(found.shape[2:])))[:REPLICATES]
    truth = np.sort(np.asarray(data.observed_data[name]).reshape(-1))
    level = (np.arange(len(truth)) + 1) / len(truth)
    for number, own in enumerate(np.sort(found, axis=1)):
        label = f"replicates, {source}" if number == 0 else None
        axis.step(own, level, where="post", color="0.7", linewidth=0.5, label=label)
    axis.step(truth, level, where="post", color="tab:blue", label="data")
    axis.set_xlim(*_around(truth, found))
    axis.set_title(name, fontsize="small")
    axis.set_ylabel("fraction up to x", fontsize="x-small")
    # The search for the best place is slow, and warns of that.
    axis.legend(frameon=False, fontsize="x-small", loc="lower right")


def _around(truth: Any, replicates: Any) -> tuple[float, float]:  # noqa: ANN401
    """The range of the data and of most replicates, which may be far wider."""
    finite = replicates[np.isfinite(replicates)]
    low, high = float(truth.min()), float(truth.max())
    if finite.size:
        first, last = np.quantile(finite, (0.05, 0.95))
        most = FARTHEST * ((high - low) or abs(high) or 1.0)
        low = min(low, max(float(first), low - most))
        high = max(high, min(float(last), high + most))
    margin = 0.05 * ((high - low) or 1.0)
    return low - margin, high + margin


def _numbers(group: Any) -> Numbers:  # noqa: ANN401 - a Dataset of xarray
    """The numbers of the latents by name, `w[0]`, each with all of its draws."""
    found: Numbers = {}
    for name in group.data_vars:
        values = np.asarray(group[name])
        shape = values.shape[2:]
        flat = values.reshape(-1, int(np.prod(shape, initial=1)))
        for number in range(min(flat.shape[1], MOST_COMPARED)):
            place = ", ".join(map(str, np.unravel_index(number, shape))) if shape else ""
            found[f"{name}[{place}]" if shape else str(name)] = flat[:, number]
    return found


def _canvas(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize="x-small")
        axis.title.set_fontsize("small")
    return figure, axes


def _write(figure: Any, path: Path) -> None:  # noqa: ANN401
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    file_io.write(path, drawn.getvalue())
