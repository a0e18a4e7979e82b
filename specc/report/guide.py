"""The posterior of shared latents by a guide: its table and warnings, and its picture."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from specc.engine.storage import file_io
from specc.engine.storage.record_schemas import GuideFigures
from specc.evaluate.inference_data import arviz
from specc.report.markup import table
from specc.report.posterior import MOST_ROWS, left_out_in_words, shown_latents

COLUMNS = ("mean", "sd", "5%", "50%", "95%")


def guide_section(found: GuideFigures | None, picture: str) -> str:
    """The warnings, the table of the latents, and the picture; "" without a guide for them."""
    if found is None:
        return ""
    own = [f"<p class='warning'>{escape(words)}</p>" for words in found["warnings"]]
    own += [f"<p>{escape(line)}</p>" for line in figures(found)]
    latents: list[dict[str, Any]] = [dict(row) for row in found["latents"][:MOST_ROWS]]
    rows = [(row["name"], *(_shown_as(row[key]) for key in COLUMNS)) for row in latents]
    return "".join((*own, table(("latent", *COLUMNS), rows), picture))


def figures(found: GuideFigures) -> Iterator[str]:
    """The figures of all rows together, a line each."""
    yield in_words(found)
    if "loo" in found:
        yield left_out_in_words(found["loo"])


def in_words(found: GuideFigures) -> str:
    """The bound, the estimate of the evidence, and Pareto k."""
    evidence, bound = (_shown_as(found[key], ".2f") for key in ("log_evidence", "bound"))
    words = f"log p(data) ~ {evidence} nats by {found['draws']:,} draws of the guide"
    return f"{words}, bound {bound}, Pareto k {_shown_as(found['pareto_k'], '.2f')}"


def guide_lines(found: GuideFigures | None, most: int) -> Iterator[str]:
    """The table of the latents for a terminal, and what should not be trusted."""
    if found is None:
        return
    latents: list[dict[str, Any]] = [dict(row) for row in found["latents"][:most]]
    width = max(len("latent"), *(len(row["name"]) for row in latents))
    yield f"{'latent':<{width}}" + "".join(f"{key:>11}" for key in COLUMNS)
    for row in latents:
        cells = "".join(f"{_shown_as(row[key]):>11}" for key in COLUMNS)
        yield f"{row['name']:<{width}}{cells}"
    left = len(found["latents"]) - len(latents)
    if left:
        yield f"and {left:,} more, in result.json"
    yield from figures(found)
    yield from (f"warning: {words}" for words in found["warnings"])


def draw_guide(path: Path, data: Any) -> bool:  # noqa: ANN401 - an InferenceData
    """The densities of the first latents under the guide, as a PNG.

    Returns whether there is a latent that is small enough.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = shown_latents(data.posterior)
    if not names:
        return False
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
    return True


def _shown_as(value: float | None, form: str = ".4g") -> str:
    """A number in a format; `-` if it is not known."""
    return "-" if value is None or not math.isfinite(value) else format(value, form)
