"""Metrics of samples as text and as a table, from result.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from specc.counted import counted
from specc.engine.storage.record_schemas import Figure, Result, SampleFigure
from specc.report.markup import table

Summary = Mapping[str, Any]

HEAD = ("figure", "metric", "of", "value", "std. error", "rows", "samples", "features")


def is_of_samples(summary: Summary) -> bool:
    """Whether a summary is of a metric of samples, and not of a likelihood."""
    return "metric" in summary


def likelihoods(result: Result) -> dict[str, Figure]:
    """The likelihood metrics in result.json, by name."""
    figures = result.get("evaluate", {})
    return {name: cast(Figure, own) for name, own in figures.items() if not is_of_samples(own)}


def of_samples(result: Result) -> dict[str, SampleFigure]:
    """The metrics of samples in result.json, by name."""
    figures = result.get("evaluate", {})
    return {name: cast(SampleFigure, own) for name, own in figures.items() if is_of_samples(own)}


def line(name: str, summary: Summary) -> str:
    """`two_sample: mmd of x, mmd2 0.0021 +- 0.0004, p_value 0.002 (500 rows of `test`, ...)`."""
    numbers = ", ".join(f"{key} {_with_error(own)}" for key, own in summary["values"].items())
    where = f"{counted(summary['rows'], 'row')} of `{summary['data']}`"
    how = f"{where}, {counted(summary['samples'], 'sample')}"
    features = f"; features: {summary['features']}" if summary["features"] else ""
    return f"{name}: {summary['metric']} of {summary['of']}, {numbers} ({how}{features})"


def rows_of(figures: Mapping[str, Summary]) -> str:
    """A table with a row for each number of each metric; "" if there is none."""
    rows = [
        (
            name if key == next(iter(summary["values"])) else "",
            f"{summary['metric']}: {key}",
            summary["of"],
            number(own["value"]),
            _error(own["standard_error"]),
            f"{summary['rows']:,} {summary['data']}",
            f"{summary['samples']:,}",
            summary["features"] or "values",
        )
        for name, summary in figures.items()
        for key, own in summary["values"].items()
    ]
    return table(HEAD, rows) if rows else ""


def number(value: float | None) -> str:
    """A number to four digits."""
    return "not finite" if value is None else f"{value:.4g}"


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _with_error(own: Mapping[str, float | None]) -> str:
    value, error = own["value"], own["standard_error"]
    shown = number(value)
    return shown if value is None or error is None else f"{shown} +- {_error(error)}"
