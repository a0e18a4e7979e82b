"""The output of a layer of a classifier (Heusel et al. 2017, section 3)."""

from __future__ import annotations

from torch import Tensor

from specc.evaluate.classifier import Classifier
from specc.evaluate.featured import Rows


def features(rows: Rows, *, run: str, layer: str) -> tuple[tuple[Tensor, ...], str]:
    """The output of the layer for rows of data and samples, and the names of layer and run.

    Raises RunFailure: E0802 or E0824, if there is no such run or layer.
    """
    loaded = rows.open_run(run)
    found = Classifier.of(loaded, rows.node)
    values = [found.layer(own, layer) for own in rows.data]
    return tuple(value for value, _ in values), f"{values[0][1]} of the run {loaded.folder}"
