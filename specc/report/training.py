"""The section on training: the loss and its parts over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from specc.report import svg
from specc.report.markup import figure
from specc.report.span import Points, span

Metrics = Sequence[Mapping[str, Any]]


def training(metrics: Metrics) -> str:
    """A curve of the loss, and one of each part that is not the loss again; none of one epoch."""
    if len(metrics) < 2:
        return ""
    loss: dict[str, Points] = {"training rows": _curve(metrics, "loss")}
    valid = [(m["epoch"], _float(m["valid"]["loss"])) for m in metrics if "valid" in m]
    if valid:
        loss["held-out rows"] = valid
    drawn = [_drawn(loss, "The loss over the epochs", "Loss, nats a row")]
    for name in parts_of(metrics):
        drawn.append(_drawn({name: _curve(metrics, name)}, f"{name} over the epochs", name))
    return f'<div class="grid">{"".join(drawn)}</div>'


def parts_of(metrics: Metrics) -> list[str]:
    """The parts of the loss that have a curve of their own: not the loss itself, nor minus it."""
    names = [name for name in metrics[0]["parts"] if name != "loss"]
    return [name for name in names if not all(_is_the_loss(line, name) for line in metrics)]


def _is_the_loss(line: Mapping[str, Any], name: str) -> bool:
    value, loss = _float(line["parts"].get(name)), _float(line["loss"])
    return math.isclose(abs(value), abs(loss), rel_tol=1e-5) or math.isnan(value + loss)


def _curve(metrics: Metrics, name: str) -> Points:
    return [(line["epoch"], _float(line["parts"].get(name, line.get(name)))) for line in metrics]


def _drawn(series: Mapping[str, Points], title: str, words: str) -> str:
    axis = span(series.values())
    beyond = axis.words() if axis is not None else ""
    return figure(svg.curves(series, title), f"{words} ({beyond})" if beyond else words)


LARGEST = 1e100
"""Beyond it a value is left out of a drawing, as one that is not finite."""


def _float(value: object) -> float:
    if not isinstance(value, (int, float)) or abs(value) > LARGEST:
        return math.nan
    return float(value)
