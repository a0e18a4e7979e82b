"""The schema of a sample metric under `evaluate:`, such as `{metric: mmd, kernel: energy}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.language.schema.digests import steering
from specc.language.schema.value import Value


class MetricFigure(Value):
    """A sample metric, which compares rows drawn by the model with rows of data."""

    metric: str = steering(about="The metric; its options follow it.")
    options: Mapping[str, Any] = steering(default={}, about="All options of the metric.")

    @property
    def data(self) -> str:
        """The part of the data."""
        return str(self.options["data"])
