"""The training rows that a run uses, chosen at random, for experiments with few rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.data.table import Column, Part, rows, take
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.seeds import mix

SEED = 20170311
HINT = "change the numbers under `subset:`"


def chosen(part: Part, options: Mapping[str, Any]) -> Part:
    """The rows of a part that `options` choose, in order.

    `rows` is their number; with `per_class`, a field, each of its classes has the same number. The
    choice depends on `seed` and on the rows of the part alone. Raises RunFailure: E0522, if there
    are too few rows.
    """
    count, name = int(options["rows"]), options.get("per_class")
    order = np.random.default_rng(mix(SEED, int(options.get("seed", 0)))).permutation(rows(part))
    if count > len(order):
        raise _impossible(f"it needs {count} rows, and {len(order)} are left to train on")
    if name is not None and name not in part:
        raise _impossible(f"no node uses the field `{name}`", f"let a node use `{name}`")
    index = order[:count] if name is None else balanced(part[name], order, count)
    return take(part, np.sort(index))


def balanced(column: Column, order: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The first rows of each class in an order, `count` in all; raises RunFailure E0522."""
    labels = column.rows(0, len(column))
    if labels.ndim > 1:
        raise _impossible("`per_class` needs a field with one number a row")
    classes = np.unique(labels)
    each = count // len(classes)
    if each * len(classes) != count:
        raise _impossible(f"{count} rows cannot be divided evenly among {len(classes)} classes")
    found = [order[labels[order] == value][:each] for value in classes]
    if any(len(index) < each for index in found):
        raise _impossible(f"a class has fewer than {each} rows")
    return np.concatenate(found)


def _impossible(problem: str, hint: str = HINT) -> RunFailure:
    message = f"`subset` cannot be chosen: {problem}"
    return RunFailure("E0522", message, hint=hint, exit_code=USAGE)
