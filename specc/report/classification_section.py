"""The section of the page on labels: classification metrics and reliability diagrams."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from specc.counted import noun
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.classification import (
    ClassificationMetrics,
    classification_metrics,
    labels,
)
from specc.evaluate.free_energies import sums_classes
from specc.evaluate.scoring import Request, choose_estimator
from specc.report.final_evaluation import first_likelihood
from specc.report.markup import figure, table
from specc.report.reliability import reliability
from specc.report.standard_error import error_of
from specc.runtime.failure import RunFailure

ROWS, PARTICLES = 1000, 100
"""The limits for a bound, which is slow for every class of every row; exact values use all rows."""

HEAD = (
    "label",
    "classes",
    "accuracy",
    "std. error",
    "log score",
    "std. error",
    "calibration error",
)


def classification_section(loaded: LoadedRun, part: str) -> str:
    """The metrics of every label with a diagram for each, or the reason why there are none."""
    if not labels(loaded.manifest):
        return ""
    try:
        found = classification_metrics(loaded, _request(loaded, part))
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


def _request(loaded: LoadedRun, part: str) -> Request:
    """The first likelihood metric of the spec, with fewer rows and particles if it is a bound."""
    first = first_likelihood(loaded.manifest.evaluate) or Request(part=part)
    manifest = loaded.manifest
    if sums_classes(manifest) or choose_estimator(manifest, first.estimator) == "exact":
        return first
    rows = ROWS if first.rows is None else min(first.rows, ROWS)
    return replace(first, rows=rows, particles=min(first.particles, PARTICLES))


def _how(label: ClassificationMetrics) -> str:
    draws = f"{label.particles} {noun(label.particles, 'particle')}"
    how = "" if label.estimator == "exact" else f", by a bound ({label.estimator}, {draws})"
    guided = ""
    if label.guide_accuracy is not None:
        guided = f" The guide alone is right in {label.guide_accuracy.value:.3f}."
    rows = f"{label.rows:,} {label.part} {noun(label.rows, 'row')}"
    return f"Of {rows}, given their other fields{how}.{guided}"


def _row(name: str, label: ClassificationMetrics) -> tuple[str, ...]:
    shares = (label.accuracy, label.log_score)
    numbers = [
        n for own in shares for n in (f"{own.value:.3f}", error_of(own.standard_error) or "-")
    ]
    classes = str(label.probabilities.shape[1])
    return name, classes, *numbers, f"{label.calibration_error:.3f}"


def _diagram(name: str, label: ClassificationMetrics) -> str:
    words = (
        f"{name}: how often the likeliest class is right (bars), beside its mean probability "
        "(marks, near the dashed line)"
    )
    return figure(reliability(label.bins, f"Accuracy of {name} by confidence"), words)
