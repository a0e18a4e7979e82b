"""Likelihood metrics as text, from result.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specc.counted import counted, noun
from specc.evaluate.scoring import PREDICTIVE
from specc.report.standard_error import error_of

Summary = Mapping[str, Any]

IMPOSSIBLE = (
    "impossible: log p of discrete values is at most 0, so log Z is too small, as when the chains "
    "miss states of the model; take more temperatures and chains"
)
"""Why a log-probability above 0 cannot be right, and what may help."""

BOUNDS = ("elbo", "iwae")
"""The estimators by draws of a guide."""


def relation_of(summary: Summary) -> str:
    """The sign between a density and its value: `=`, `>=` for a bound, `~` for an estimate."""
    if summary["estimator"] == "exact":
        return "="
    if summary["estimator"] == PREDICTIVE:
        return "~"
    known = summary.get("log_z")
    if known is None or (known["kind"] == "exact" and summary["estimator"] in BOUNDS):
        return ">="
    return "~"


def how_of(summary: Summary) -> str:
    """`exact`, `iwae, 1000 particles`, or `ais, 100 chains, 10,000 temperatures`."""
    if summary["estimator"] == "exact":
        return "exact"
    if summary["estimator"] == PREDICTIVE:
        return f"mean of p over {counted(summary['particles'], 'draw')} of the posterior"
    known: Summary = summary.get("log_z", {})
    if summary["estimator"] in BOUNDS:
        particles = summary["particles"]
        chains = f", log Z by {counted(known['chains'], 'chain')}" if "chains" in known else ""
        return f"{summary['estimator']}, {particles} {noun(particles, 'particle')}{chains}"
    counts = known or {"chains": summary["particles"], **summary}
    chains = counted(counts["chains"], "chain")
    return f"{summary['estimator']}, {chains}, {counted(counts['temperatures'], 'temperature')}"


def normalizer_in_words(summary: Summary) -> Iterator[str]:
    """What annealing found: log Z in each direction, or the gap on rows of the model."""
    if "simulated" in summary:
        own = summary["simulated"]
        gap = f"{own['gap']:.3f} +- {error_of(own['standard_error'])}"
        rows = f"{own['rows']} {noun(own['rows'], 'row')}"
        yield f"on {rows} of the model the directions differ by {gap} nats"
    known = summary.get("log_z")
    if known is None:
        return
    if known["kind"] == "exact":
        yield f"log Z {known['value']:.3f}"
    for name in ("forward", "backward"):
        if name in known:
            way = known[name]
            error = error_of(way["standard_error"])
            spread = "no error: one chain" if error is None else f"+- {error}"
            chains = f"{known['chains']} {noun(known['chains'], 'chain')}"
            size = f"{way['effective_sample_size']:.1f} of {chains}"
            if "given_values" in known:
                what, size = "mean of log Z", f"at least {size} effective"
            else:
                what, size = "log Z", f"effective sample size {size}"
            yield f"{what} {way['value']:.3f} {spread}, {name}, {size}"
    if summary["estimator"] not in BOUNDS:
        yield known["statement"]
    if summary.get("impossible"):
        yield f"{summary['of']} is {IMPOSSIBLE}"
    elif known["kind"] != "exact" or summary["estimator"] in BOUNDS:
        yield f"{summary['of']} is {summary['statement']}"
