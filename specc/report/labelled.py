"""The section on labels: how well they are told, and how far the program is to be believed."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from specc.engine.opened import OpenRun
from specc.evaluate.labels import Label, labels, labels_of
from specc.evaluate.scoring import Request, choose
from specc.report.conclude import requests
from specc.report.errors import error_of
from specc.report.markup import figure, table
from specc.report.reliability import reliability
from specc.runtime.failure import RunFailure

ROWS, PARTICLES = 1000, 100
"""A bound takes long for every class of every row; an exact value is made of all rows."""

HEAD = (
    "label",
    "classes",
    "accuracy",
    "std. error",
    "log score",
    "std. error",
    "calibration error",
)


def labelled(opened: OpenRun, part: str) -> str:
    """The figures of every label and a diagram for each, or why there are none."""
    if not labels_of(opened.manifest):
        return ""
    try:
        found = labels(opened, _request(opened, part))
    except RunFailure as failure:
        if failure.code != "E0813":
            raise
        return f"<p>Not measured: {escape(failure.message)}.</p>"
    if not found:
        return ""
    first = next(iter(found.values()))
    drawn = "".join(_diagram(name, label) for name, label in found.items())
    rows = [_row(name, label) for name, label in found.items()]
    return f"<p>{escape(_how(first))}</p>{table(HEAD, rows)}{drawn}"


def _request(opened: OpenRun, part: str) -> Request:
    """The first figure of the spec, of fewer rows and particles where it is a bound."""
    asked = next(iter(requests(opened.manifest.evaluate).values()), Request(part=part))
    if choose(opened.manifest, asked.estimator) == "exact":
        return asked
    rows = ROWS if asked.rows is None else min(asked.rows, ROWS)
    return replace(asked, rows=rows, particles=min(asked.particles, PARTICLES))


def _how(label: Label) -> str:
    exact, draws = label.estimator == "exact", f"{label.particles} particles"
    how = "" if exact else f", by a bound ({label.estimator}, {draws})"
    guided = ""
    if label.guided is not None:
        guided = f" The guide alone is right in {label.guided.value:.3f}."
    return f"Of {label.rows:,} {label.part} rows, given their other fields{how}.{guided}"


def _row(name: str, label: Label) -> tuple[str, ...]:
    shares = (label.accuracy, label.log_score)
    numbers = [
        n for own in shares for n in (f"{own.value:.3f}", error_of(own.standard_error) or "-")
    ]
    classes = str(label.probabilities.shape[1])
    return name, classes, *numbers, f"{label.calibration_error:.3f}"


def _diagram(name: str, label: Label) -> str:
    words = (
        f"{name}: how often the likeliest class is right (bars), beside its mean probability "
        "(marks, near the dashed line)"
    )
    return figure(reliability(label.bins, f"Accuracy of {name} by confidence"), words)
