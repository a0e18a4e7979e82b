"""The evaluation of a run: its metrics, the terms of its loss, and its labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate import decomposition
from specc.evaluate.classification import ClassificationMetrics
from specc.evaluate.compared import OpenRun
from specc.evaluate.decomposition import MeanEstimate
from specc.evaluate.free_energies import sums_classes
from specc.evaluate.sample_metric import MetricRequest
from specc.evaluate.scoring import Request, choose_estimator
from specc.report.final_evaluation import measure, measure_classification, requests
from specc.runtime.failure import RunFailure

Summary = dict[str, Any]
"""A metric in the form of `Estimate.summary` or `Measured.summary`."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a run, again or with other settings.

    `metrics` has the metrics by name, and `refused` the reasons for those that the program does not
    allow. By part of the data, `parts` has the terms of the loss, and `active` the numbers of
    active units and of all units of each latent. `labels` has the metrics of labels, and
    `averaged_over` what the terms are averaged over beside rows, or "".
    """

    metrics: Mapping[str, Summary]
    refused: Mapping[str, str]
    parts: Mapping[str, Mapping[str, MeanEstimate]]
    active: Mapping[str, Mapping[str, tuple[int, int]]]
    labels: Mapping[str, ClassificationMetrics]
    averaged_over: str = ""

    def numbers(self) -> dict[str, object]:
        """All values that must be finite, by name."""
        shares = [
            (part, term, share)
            for part, terms in self.parts.items()
            for term, share in terms.items()
        ]
        return {
            **{name: summary["value"] for name, summary in self.metrics.items()},
            **{f"{term} on {part}": share.value for part, term, share in shares},
            **{f"log score of {n}": label.log_score.value for n, label in self.labels.items()},
        }


def measured(
    opened: LoadedRun,
    entries: Mapping[str, Mapping[str, Any]],
    changes: Mapping[str, Any],
    open_run: OpenRun,
    *,
    quiet: bool = True,
) -> Evaluation:
    """Measures a run by the metrics in `entries`, with `changes` of the fields of their requests.

    Without entries it is the likelihood of a part, by default of the held-out one.

    Raises RunFailure: E0509 if the data has no such part, E0813 if the requested estimator is not
    available, E0802 or E0824 if a run that a metric names is not usable.
    """
    requested = requests(entries)
    if not requested:
        part = changes.get("part") or opened.held_out
        requested = {part: Request(part=part)}
    changed = {name: _changed(request, changes) for name, request in requested.items()}
    # Without a requested estimator, unavailable metrics are listed and do not fail.
    refused = {} if "estimator" in changes else refusals(opened, changed)
    possible = {name: request for name, request in changed.items() if name not in refused}
    made = measure(opened, possible, open_run, quiet=quiet)
    parts = sorted({request.part for request in changed.values()})
    labelled = changed if sums_classes(opened.manifest) else possible
    first = next((own for own in labelled.values() if isinstance(own, Request)), None)
    return Evaluation(
        metrics={name: estimate.summary() for name, estimate in made.items()},
        refused=refused,
        parts={name: decomposition.loss_terms(opened, name) for name in parts},
        active={name: decomposition.active_units(opened, name) for name in parts},
        labels={} if first is None else measure_classification(opened, first, quiet=quiet),
        averaged_over=decomposition.averaged_over(opened),
    )


def _changed(
    request: Request | MetricRequest, changes: Mapping[str, Any]
) -> Request | MetricRequest:
    """The request, with the changes of fields that it has."""
    own = {field.name for field in fields(request)}
    return replace(request, **{key: value for key, value in changes.items() if key in own})


def refusals(opened: LoadedRun, requested: Mapping[str, Request | MetricRequest]) -> dict[str, str]:
    """The reason for each metric that the program does not allow."""
    found = {}
    for name, request in requested.items():
        if not isinstance(request, Request):
            continue
        try:
            choose_estimator(opened.manifest, request.estimator)
        except RunFailure as failure:
            found[name] = failure.message
    return found
