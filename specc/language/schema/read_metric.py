"""Reading of sample metrics, such as `{metric: mmd, kernel: energy}`."""

from __future__ import annotations

from specc.catalog.other_names import suggested_name
from specc.catalog.registry import METRICS
from specc.language.located import Mapping
from specc.language.schema.metric import MetricFigure
from specc.language.schema.places import where
from specc.language.schema.read_named import read_options
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path

METRIC = "the name of a metric, such as `mmd`"
KEY = "metric"


def read_metric(reading: Reading, keys: Mapping, path: Path) -> MetricFigure | None:
    """The metric with all of its options; None if a part of it is invalid."""
    value = keys.get(KEY)
    assert value is not None
    place = (*path, KEY)
    name = reading.word(value, place, METRIC)
    if name is None:
        return None
    if name not in METRICS:
        guess = suggested_name(name, METRICS)
        hint = "" if guess else "there are " + ", ".join(f"`{own}`" for own in METRICS)
        return reading.report(
            "E0113", value.span, suggestion=guess, where=where(place), value=name, hint=hint
        )
    entry, rest = METRICS[name], tuple(e for e in keys.entries if e.name != KEY)
    options = read_options(reading, entry.Options, entry.named, Mapping(rest, keys.span), path)
    return None if options is None else MetricFigure(metric=name, options=options)
