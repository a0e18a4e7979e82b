"""The reference of metrics of samples, and of the kernels and features that they use."""

from __future__ import annotations

from specc.catalog.metric import Metric, MetricOptions, Named
from specc.catalog.registry import FEATURES, KERNELS, METRICS
from specc.catalog.shorthand import Shorthand
from specc.reference.entry import Entry, Page, Table, cited, code, listed
from specc.reference.values import HEAD, options

INTRO = """`evaluate: {NAME: {metric: mmd, ...}}` compares rows drawn by the model with rows of
data, for any model that can be sampled; it needs no likelihood. `specc evaluate RUN --metric mmd`
does the same for a trained run. A kernel and features are written as `kernel: energy`, or with
their options as `kernel: {energy: {exponent: 0.5}}`. Every metric also has the options `node`,
`data`, `rows`, `samples` and `seed`, which [Evaluation](../evaluation.md) describes.
"""
UNITS = {
    "model": "Transformed fields are compared in the units of the model.",
    "data": "Values are in the units of the data.",
}


def page() -> Page:
    """Return the page of all metrics, followed by kernels and features."""
    inside = (*KERNELS.values(), *FEATURES.values())
    found = (*map(_metric, METRICS.values()), *map(_named, inside))
    return Page("metrics", "Metrics of samples", INTRO, found)


def _metric(of: Metric) -> Entry:
    facts = (UNITS[of.units], f"At most {of.rows:,} rows by default.")
    values = tuple((code(name), meaning) for name, meaning in of.values.items())
    (table,) = options(of.Options)
    shared = MetricOptions.model_fields
    own = tuple(named(of, row) for row in table.rows if row[0].strip("`") not in shared)
    return Entry(
        name=of.name,
        kind="metric",
        summary=of.summary,
        formula=of.formula,
        facts=facts,
        tables=(Table(("value", "meaning"), values), *((Table(HEAD, own),) if own else ())),
        example=of.example,
        sources=cited(of.references),
    )


def named(of: Metric | Shorthand, row: tuple[str, ...]) -> tuple[str, ...]:
    """Return the row of an option, with the names of the entries that it accepts."""
    known = of.named.get(row[0].strip("`"))
    return row if known is None else (row[0], listed(list(known)), *row[2:])


def _named(of: Named) -> Entry:
    rows = options(of.Options)
    return Entry(
        name=of.name,
        kind=of.kind,
        summary=of.summary,
        formula=of.formula,
        tables=rows if rows[0].rows else (),
        example=of.example,
        sources=cited(of.references),
    )
