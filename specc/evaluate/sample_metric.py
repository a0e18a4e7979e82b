"""Sample metrics: the comparison of samples of a program with rows of data.

This module is independent of metrics and models: a metric is a module of its name under `metrics`,
and the program needs only `model.sample`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.compared import Compared, OpenRun, Value
from specc.evaluate.featured import Rows, featured
from specc.evaluate.sampling import rows_of_part, sample
from specc.evaluate.units import Units, in_data_units

FEATURES, RUN = "features", "run"


@dataclass(frozen=True, slots=True)
class MetricRequest:
    """A metric with its options, the compared node, and the maximum number of rows."""

    metric: str
    node: str
    part: str
    rows: int
    samples: int | None
    seed: int
    units: Units
    options: Mapping[str, Any]

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> MetricRequest:
        """The request of an entry of `evaluate` in a manifest."""
        return cls(
            metric=str(entry["metric"]),
            node=str(entry["node"]),
            part=str(entry["data"]),
            rows=int(entry["rows"]),
            samples=entry.get("samples"),
            seed=int(entry["seed"]),
            units=entry["units"],
            options=entry["options"],
        )

    def runs(self) -> tuple[str, ...]:
        """The other runs that the metric needs."""
        named = (self.options, *self.options.get(FEATURES, {}).values())
        return tuple(str(options[RUN]) for options in named if RUN in options)


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of a metric by name, the main one first.

    `rows` and `samples` are their numbers; `features` describes the features, if there are any.
    """

    request: MetricRequest
    values: Mapping[str, Value]
    rows: int
    samples: int
    features: str
    seconds: float

    def summary(self) -> dict[str, Any]:
        """The metric as JSON."""
        first = next(iter(self.values.values()))
        return {
            "metric": self.request.metric,
            "of": self.request.node,
            "data": self.request.part,
            "rows": self.rows,
            "samples": self.samples,
            "value": first.value,
            "standard_error": first.standard_error,
            "values": {name: asdict(own) for name, own in self.values.items()},
            "features": self.features,
            "options": dict(self.request.options),
            "seed": self.request.seed,
            "seconds": round(self.seconds, 3),
        }


@torch.inference_mode()
def measure_metric(loaded: LoadedRun, request: MetricRequest, open_run: OpenRun) -> Measured:
    """The metric of a loaded run.

    Samples condition on the given values of the rows of data, which repeat if there are more
    samples than rows.

    Raises RunFailure: E0509 if the data has no such part, E0805 if the program cannot be sampled,
    E0802 or E0824 if another run is missing or is not a classifier.
    """
    began = time.monotonic()
    data = rows_of_part(loaded, request.part, request.rows, request.seed)
    rows = len(data[request.node])
    count = request.samples or rows
    drawn = sample(loaded, count, request.seed, request.part)
    samples = {**drawn.given, **drawn.values}
    compared, words = _compared(loaded, request, data, samples, open_run)
    options = {k: v for k, v in request.options.items() if k != FEATURES}
    module = import_module(f"specc.evaluate.metrics.{request.metric}")
    values = module.compute(compared, **options)
    return Measured(request, values, rows, count, words, time.monotonic() - began)


def _compared(
    loaded: LoadedRun,
    request: MetricRequest,
    data: Mapping[str, Tensor],
    samples: Mapping[str, Tensor],
    open_run: OpenRun,
) -> tuple[Compared, str]:
    """The features of data and samples in the units of the request, and their description."""
    node = request.node
    in_data = [in_data_units(loaded, found) for found in (data, samples)]
    in_units = in_data if request.units == "data" else [dict(data), dict(samples)]
    rows = Rows(
        node,
        (in_units[0][node], in_units[1][node]),
        (in_data[0][node], in_data[1][node]),
        _picture(loaded, node),
        open_run,
    )
    of_data, of_samples, words = featured(rows, request.options.get(FEATURES))
    drawn = in_units[1]
    return Compared(node, of_data, of_samples, drawn, request.seed, open_run), words


def _picture(loaded: LoadedRun, node: str) -> tuple[int, ...] | None:
    fields = loaded.manifest.fields
    return fields[node].picture if node in fields else None
