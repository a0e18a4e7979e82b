"""The posterior of shared latents by a guide: its table and warnings, and its picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from specc.counted import counted
from specc.engine.storage import file_io
from specc.engine.storage.record_schemas import GuideFigures
from specc.evaluate.inference_data import arviz
from specc.report.latent_table import (
    MOST_ROWS,
    latent_lines,
    latent_table,
    most_probable,
    shown_as,
)
from specc.report.posterior import left_out, left_out_in_words, shown_latents

COLUMNS = ("mean", "sd", "5%", "50%", "95%")


def guide_section(found: GuideFigures | None, picture: str) -> str:
    """The warnings, the table of the latents, and the picture; "" without a guide for them."""
    if found is None:
        return ""
    own = [f"<p class='warning'>{escape(words)}</p>" for words in found["warnings"]]
    own += [f"<p>{escape(line)}</p>" for line in figures(found)]
    if found["latents"]:
        own.append(latent_table(found["latents"], COLUMNS))
    own += [f"<p>{escape(line)}</p>" for line in values(found, MOST_ROWS)]
    return "".join((*own, picture))


def values(found: GuideFigures, most: int) -> Iterator[str]:
    """The probabilities of the values of discrete latents under the guide, a line each."""
    every = list(found.get("values", {}).items())
    for name, probs in every[:most]:
        yield f"{name} under the guide: {most_probable(probs)}"
    if len(every) > most:
        yield f"and {len(every) - most:,} more discrete ones, in result.json and posterior.nc"


def figures(found: GuideFigures) -> Iterator[str]:
    """The figures of all rows together, a line each."""
    if "log_evidence" in found:
        yield in_words(found)
    if "loo" in found:
        yield left_out_in_words(found["loo"])


def in_words(found: GuideFigures) -> str:
    """The bound, the estimate of the evidence, and Pareto k."""
    figures = (found.get("log_evidence"), found.get("bound"), found.get("pareto_k"))
    evidence, bound, k = (shown_as(figure, ".2f") for figure in figures)
    how = f"{counted(found.get('weighted_draws', found['draws']), 'draw')} of the guide"
    if "particles" in found:
        how += f", each with {found['particles']:,} of the latents of each row"
    return f"log p(data) ~ {evidence} nats by {how}, bound {bound}, Pareto k {k}"


def guide_lines(found: GuideFigures | None, most: int) -> Iterator[str]:
    """The table of the latents for a terminal, and what should not be trusted."""
    if found is None or not (found["latents"] or found.get("values")):
        return
    if found["latents"]:
        yield from latent_lines(found["latents"], COLUMNS, most)
    yield from values(found, most)
    yield from figures(found)
    yield from (f"warning: {words}" for words in found["warnings"])


def draw_guide(path: Path, data: Any) -> str:  # noqa: ANN401 - an InferenceData
    """The densities of the first latents under the guide, as a PNG.

    Returns the caption; "" if no latent is small enough.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = shown_latents(data.posterior)
    if not names:
        return ""
    count = sum(int(data.posterior[name][0, 0].size) for name in names)
    across = min(count, 4)
    down = -(-count // across)
    figure = Figure(figsize=(2.6 * across, 2.0 * down), dpi=110, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.subplots(down, across, squeeze=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        az = arviz()
        az.plot_posterior(data, var_names=names, ax=axes.flat[:count], textsize=8, hdi_prob=0.9)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    file_io.write(path, drawn.getvalue())
    return f"Density of each latent under the guide{left_out(data.posterior, names)}"
