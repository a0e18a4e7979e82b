"""Likelihood metrics as text, from result.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specc.report.standard_error import error_of

Summary = Mapping[str, Any]


def relation_of(summary: Summary) -> str:
    """The sign between a density and its value: `=`, `>=` for a bound, `~` for an estimate."""
    if summary["estimator"] == "exact":
        return "="
    return ">=" if "log_z" not in summary else "~"


def how_of(summary: Summary) -> str:
    """`exact`, `iwae, 1000 particles`, or `ais, 100 chains, 10,000 temperatures`."""
    if summary["estimator"] == "exact":
        return "exact"
    if "log_z" in summary:
        known = summary["log_z"]
        counts = f"{known['chains']:,} chains, {known['temperatures']:,} temperatures"
        return f"{summary['estimator']}, {counts}"
    return f"{summary['estimator']}, {summary['particles']} particles"


def normalizer_in_words(summary: Summary) -> Iterator[str]:
    """Log Z in each direction, what it is, and what the log-likelihood is; nothing without Z."""
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
            size = f"effective sample size {way['effective_sample_size']:.1f} of {known['chains']}"
            yield f"log Z {way['value']:.3f} {spread}, {name}, {size} chains"
    yield known["statement"]
    if known["kind"] != "exact":
        yield f"{summary['of']} is {summary['statement']}"
