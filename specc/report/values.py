"""The section of the page on finite latents that rows share and that are summed out.

For each of their values there is its probability given the training rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import islice
from typing import Any

from specc.report import svg
from specc.report.latent_table import LEAST_SHOWN, MOST_ROWS, most_probable
from specc.report.markup import figure, table

Probabilities = Sequence[Any]
"""The probabilities of values, or nested sequences of them for the entries of a plate."""


def values_section(shared: Mapping[str, Probabilities]) -> str:
    """A drawing of the probabilities of each latent, and a table for those of a plate."""
    return "".join(_of_latent(name, probs) for name, probs in shared.items() if probs)


def _of_latent(name: str, probs: Probabilities) -> str:
    of = f"<code>{escape(name)}</code> given the training rows"
    if isinstance(probs[0], float):
        shown = {value: p for value, p in enumerate(probs) if p >= LEAST_SHOWN}
        drawn = svg.columns(shown, f"Probabilities of the values of {name}", name)
        words = f"p({name} | training rows) of each value of at least {LEAST_SHOWN}"
        return f"<p>{of}: {most_probable(_by_value(probs))}</p>{figure(drawn, words)}"
    entries = list(islice(_entries(probs), MOST_ROWS + 1))
    rows = [(f"{name}[{place}]", most_probable(_by_value(own))) for place, own in entries]
    more = "<p>result.json has all of them.</p>" if len(rows) > MOST_ROWS else ""
    head = ("latent", "value (probability)")
    return f"<p>{of}:</p>{table(head, rows[:MOST_ROWS])}{more}"


def _by_value(probs: Probabilities) -> dict[str, float]:
    return {str(value): p for value, p in enumerate(probs)}


def _entries(probs: Probabilities, place: str = "") -> Iterator[tuple[str, Probabilities]]:
    """The probabilities of each entry of a plate, with its place: `3`, or `3, 1`."""
    for number, own in enumerate(probs):
        here = f"{place}, {number}" if place else str(number)
        if own and isinstance(own[0], float):
            yield here, own
        else:
            yield from _entries(own, here)
