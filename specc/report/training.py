"""The section of the page on training: the loss and its metrics over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from specc.report import svg
from specc.report.axis_range import Points, axis_range
from specc.report.markup import figure
from specc.runtime.losses import Loss

Metrics = Sequence[Mapping[str, Any]]

OF_PLAYER = " loss"
"""The end of the name of a loss that belongs to one of several players."""


def training(metrics: Metrics, bounds: Sequence[Loss] = ()) -> str:
    """A curve of the loss, and one of each further metric; "" for a single epoch.

    `bounds` are the losses of the run, which may have a unit.
    """
    if len(metrics) < 2:
        return ""
    drawn = [_drawn(losses(metrics), "The loss over the epochs", loss_words(metrics, bounds))]
    for stage, lines in stages_of(metrics).items():
        where = f" of stage {stage}" if stage else ""
        for name in parts_of(lines):
            title = f"{name}{where}"
            drawn.append(_drawn({title: _curve(lines, name)}, f"{title} over the epochs", title))
    return f'<div class="grid">{"".join(drawn)}</div>'


def loss_words(metrics: Metrics, bounds: Sequence[Loss]) -> str:
    """`Loss of each player`, or `Loss` with its unit if it has one: `Loss, nats a row`."""
    if players_of(metrics):
        return "Loss of each player"
    return "Loss, nats a row" if bounds and all(own.is_in_nats for own in bounds) else "Loss"


def stages_of(metrics: Metrics) -> dict[str, Metrics]:
    """The lines of each stage by its name; all have the name "" in a run without stages."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in metrics:
        found.setdefault(str(line.get("stage", "")), []).append(line)
    return dict(found)


def players_of(metrics: Metrics) -> dict[str, str]:
    """The metric that is the loss of each player, by player; empty for a single player."""
    names = [name for name in metrics[0]["parts"] if name.endswith(OF_PLAYER)]
    return {name.removesuffix(OF_PLAYER): name for name in names} if len(names) > 1 else {}


def losses(metrics: Metrics) -> dict[str, Points]:
    """The loss of each player; for a single player the training and the validation loss.

    Each stage of a run has its own, under its name.
    """
    found: dict[str, Points] = {}
    for stage, lines in stages_of(metrics).items():
        for name, curve in _losses(lines).items():
            found[f"{stage}, {name}" if stage else name] = curve
    return found


def _losses(metrics: Metrics) -> dict[str, Points]:
    players = players_of(metrics)
    if players:
        return {name: _curve(metrics, part) for name, part in players.items()}
    loss: dict[str, Points] = {"training rows": _curve(metrics, "loss")}
    valid = [(m["epoch"], _float(m["valid"]["loss"])) for m in metrics if "valid" in m]
    return {**loss, "held-out rows": valid} if valid else loss


def parts_of(metrics: Metrics) -> list[str]:
    """The metrics with a curve of their own: no losses of players, and not the negative loss."""
    names = [name for name in metrics[0]["parts"] if name != "loss"]
    names = [name for name in names if name not in players_of(metrics).values()]
    return [name for name in names if not all(_is_the_loss(line, name) for line in metrics)]


def _is_the_loss(line: Mapping[str, Any], name: str) -> bool:
    value, loss = _float(line["parts"].get(name)), _float(line["loss"])
    return math.isclose(abs(value), abs(loss), rel_tol=1e-5) or math.isnan(value + loss)


def _curve(metrics: Metrics, name: str) -> Points:
    return [(line["epoch"], _float(line["parts"].get(name, line.get(name)))) for line in metrics]


def _drawn(series: Mapping[str, Points], title: str, words: str) -> str:
    axis = axis_range(series.values())
    beyond = axis.words() if axis is not None else ""
    return figure(svg.curves(series, title), f"{words} ({beyond})" if beyond else words)


LARGEST = 1e100
"""The largest absolute value in a drawing; larger ones count as not finite."""


def _float(value: object) -> float:
    if not isinstance(value, (int, float)) or abs(value) > LARGEST:
        return math.nan
    return float(value)
