"""Latents for a terminal and for the page: tables of numbers beside their prior, and values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specc.report.markup import table

MOST_ROWS = 200
"""Rows of a table on the page; result.json has all of them."""

PRIOR = ("5%", "95%")
"""The quantiles of the prior in a table."""

MOST_VALUES, LEAST_SHOWN = 6, 0.001
"""The values of a latent that are shown with their probabilities; result.json has all of them."""

WIDTHS = {"mean": 11, "sd": 11, "ess_bulk": 10, "r_hat": 8}
WIDTH = 11
"""The widths of columns in a terminal, which all numbers fit with a space before."""

Rows = Sequence[Mapping[str, Any]]

FORMATS = {"ess_bulk": ",.0f", "ess_tail": ",.0f", "r_hat": ".3f"}
"""The formats of numbers by their names, of which the others have four digits."""


def latent_table(rows: Rows, columns: Sequence[str]) -> str:
    """The table of the first latents on the page, with these columns."""
    shown = rows[:MOST_ROWS]
    head = ("latent", *columns, *_prior_head(shown))
    return table(head, [(row["name"], *_cells(row, columns, shown)) for row in shown])


def latent_lines(rows: Rows, columns: Sequence[str], most: int) -> Iterator[str]:
    """The table of the first latents for a terminal."""
    shown = rows[:most]
    width = max(len("latent"), *(len(row["name"]) for row in shown))
    head = (*columns, *_prior_head(shown))
    wide = [max(WIDTHS.get(key, WIDTH), len(key) + 2) for key in head]
    yield _line("latent", width, head, wide)
    for row in shown:
        yield _line(row["name"], width, _cells(row, columns, shown), wide)
    left = len(rows) - len(shown)
    if left:
        yield f"and {left:,} more, in result.json and posterior.nc"


def most_probable(probs: Mapping[str, float]) -> str:
    """The most probable values with their probabilities: `41 (0.24), 40 (0.16)`."""
    order = sorted(probs.items(), key=lambda pair: -pair[1])[:MOST_VALUES]
    return ", ".join(f"{value} ({p:.3g})" for value, p in order if p >= LEAST_SHOWN)


def _line(name: str, width: int, cells: Sequence[str], wide: Sequence[int]) -> str:
    return f"{name:<{width}}" + "".join(
        f"{cell:>{size}}" for cell, size in zip(cells, wide, strict=True)
    )


def _prior_head(rows: Rows) -> tuple[str, ...]:
    """The columns of the prior, if it is known of any of the latents."""
    known = any(row.get("prior") is not None for row in rows)
    return tuple(f"prior {level}" for level in PRIOR) if known else ()


def _cells(row: Mapping[str, Any], columns: Sequence[str], rows: Rows) -> tuple[str, ...]:
    own = [shown_as(row.get(key), FORMATS.get(key, ".4g")) for key in columns]
    prior: Mapping[str, Any] = row.get("prior") or {}
    beside = [shown_as(prior.get(level), ".4g") for level in PRIOR] if _prior_head(rows) else []
    return (*own, *beside)


def shown_as(value: float | None, form: str) -> str:
    """A number in a format; `-` if it is not known."""
    return "-" if value is None or not math.isfinite(value) else format(value, form)
