"""The posterior of a sampler's run: its table and warnings for the page, and its picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from specc.counted import counted
from specc.engine.storage import file_io
from specc.engine.storage.record_schemas import LeaveOneOut, Posterior
from specc.evaluate.inference_data import arviz
from specc.report.latent_table import latent_lines, latent_table, shown_as

PICTURE = "posterior.png"

ON_PAGE = ("mean", "sd", "5%", "50%", "95%", "mcse", "ess_bulk", "ess_tail", "r_hat")
IN_TERMINAL = ("mean", "sd", "5%", "95%", "ess_bulk", "r_hat")
"""The columns of the tables, beside those of the prior."""

MOST_SHOWN = 8
"""Numbers whose densities, traces and ranks the picture shows."""


def posterior_section(found: Posterior | None, picture: str) -> str:
    """The table of the latents, the warnings, and the picture; "" without a sampler."""
    if found is None:
        return ""
    own = [f"<p class='warning'>{escape(words)}</p>" for words in found["warnings"]]
    own.append(f"<p>{in_words(found)}; {counted(found['divergences'], 'divergence')}.</p>")
    if "loo" in found:
        own.append(f"<p>{escape(left_out_in_words(found['loo']))}</p>")
    return "".join((*own, latent_table(found["latents"], ON_PAGE), picture))


def posterior_lines(found: Posterior | None, most: int) -> Iterator[str]:
    """The table of the latents of a sampler for a terminal, and what should not be trusted."""
    if found is None:
        return
    yield from latent_lines(found["latents"], IN_TERMINAL, most)
    if "loo" in found:
        yield left_out_in_words(found["loo"])
    yield from (f"warning: {words}" for words in found["warnings"])


def left_out_in_words(found: LeaveOneOut) -> str:
    """The leave-one-out log-density of all rows, and how many of them are not to be trusted."""
    value, error = (shown_as(found[key], ".2f") for key in ("value", "standard_error"))
    spread = "" if error == "-" else f" +- {error}"
    words = f"leave-one-out log p of all rows: {value}{spread} nats"
    bad = found["pareto_k_above_0.7"]
    return f"{words}, Pareto k above 0.7 in {counted(bad, 'row')}" if bad else words


def in_words(found: Posterior) -> str:
    """The numbers of chains and draws, and the largest R-hat."""
    known = [row["r_hat"] for row in found["latents"] if row["r_hat"] is not None]
    counts = f"{counted(found['chains'], 'chain')} of {counted(found['draws'], 'draw')}"
    return f"{counts}, R-hat at most {max(known):.3f}" if known else counts


MOST_CHAINS = 8
"""Chains in the picture, of which more cannot be told apart."""


def draw_posterior(path: Path, data: Any) -> str:  # noqa: ANN401 - an InferenceData
    """The density, the trace and the ranks of the first latents, each chain apart, as a PNG.

    Chains that agree have equal densities and flat bars of ranks (Vehtari et al. 2021). Of many
    chains some at equal distances are shown. Returns whether there is a latent that is small
    enough.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = shown_latents(data.posterior)
    if not names:
        return ""
    count = sum(int(data.posterior[name][0, 0].size) for name in names)
    chains = int(data.posterior.sizes["chain"])
    figure = Figure(figsize=(10.0, 0.6 + 1.6 * count), dpi=110, layout="constrained")
    if chains > MOST_CHAINS:
        chosen = np.linspace(0, chains - 1, MOST_CHAINS).round().astype(int)
        data = data.isel(chain=chosen, groups=["posterior", "sample_stats"])
        figure.suptitle(f"{MOST_CHAINS} of {chains:,} chains", fontsize="small")
    axes = FigureCanvasAgg(figure).figure.subplots(count, 3, squeeze=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        az = arviz()
        az.plot_trace(data, var_names=names, compact=False, axes=axes[:, :2])
        az.plot_rank(data, var_names=names, ax=axes[:, 2])
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontsize("small")
        axis.tick_params(labelsize="small")
        axis.set_xlabel(axis.get_xlabel(), fontsize="small")
        axis.set_ylabel(axis.get_ylabel(), fontsize="small")
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    file_io.write(path, drawn.getvalue())
    return f"Density, trace and ranks of each chain{left_out(data.posterior, names)}"


def left_out(latents: Any, names: Sequence[str]) -> str:  # noqa: ANN401 - a Dataset of xarray
    """`, without 2 latents of many numbers`; "" if a picture shows all of them."""
    count = len(latents.data_vars) - len(names)
    return f", without {counted(count, 'latent')} of many numbers" if count else ""


def shown_latents(latents: Any) -> list[str]:  # noqa: ANN401 - a Dataset of xarray
    """The first latents that have a few numbers in all."""
    found: list[str] = []
    left = MOST_SHOWN
    for name in latents.data_vars:
        size = int(latents[name][0, 0].size)
        if size <= left:
            found.append(str(name))
            left -= size
    return found
