"""The split of the data into parts such as `train`, `valid` and `test`.

A split defines a part by one of

    0.2             a fraction of the rows, drawn at random with a fixed seed
    5000            the last 5,000 rows, in the order of the file
    "is_test[0]"    the rows at which that boolean array of the file is true

of the rows that are not in a part published with the data. The remaining rows are `train`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.data.table import ALL, Index, Part, Table, rows, take
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.seeds import mix

TRAIN = "train"
SEED = 20140116
MASK = re.compile(r"([A-Za-z_]\w*)(?:\[(\d+)\])?")


def split(table: Table, rules: Mapping[str, Any]) -> dict[str, Part]:
    """The parts by name; `train` is always one of them.

    Raises RunFailure: E0509, if a part cannot be made.
    """
    rules = dict(rules) or (dict(table.default_split) if ALL in table.parts else {})
    parts = {name: part for name, part in table.parts.items() if name not in (ALL, TRAIN)}
    pool = table.parts.get(ALL) or table.parts[TRAIN]
    left = np.ones(rows(pool), dtype=np.bool_)
    # Masks first, since they define their rows; the others divide the remaining rows.
    for name, rule in sorted(rules.items(), key=lambda item: not isinstance(item[1], str)):
        index = _choose(table, name, rule, left)
        left[index] = False
        parts[name] = take(pool, index)
    if not left.any():
        raise _impossible(TRAIN, "no rows are left to train on")
    return {TRAIN: take(pool, np.flatnonzero(left)) if not left.all() else pool, **parts}


def _choose(table: Table, name: str, rule: object, left: npt.NDArray[np.bool_]) -> Index:
    """The rows of a part among those `left`, in order; raises RunFailure E0509."""
    free = np.flatnonzero(left)
    if isinstance(rule, str):
        return np.flatnonzero(_mask(table, name, rule, len(left)) & left)
    if isinstance(rule, bool) or not isinstance(rule, (int, float)):
        raise _impossible(
            name, f"{rule!r} is not a fraction, a number of rows or the name of a mask"
        )
    if isinstance(rule, int):
        if not 0 < rule < len(free):
            raise _impossible(name, f"it needs {rule} rows, and {len(free)} are left")
        return free[-rule:]
    count = round(rule * len(left))
    if not 0 < rule < 1 or not 0 < count < len(free):
        raise _impossible(name, f"a fraction of {rule:g} of {len(left)} rows leaves none")
    order = np.random.default_rng(mix(SEED, *name.encode())).permutation(len(free))
    return np.sort(free[order[:count]])


def _mask(table: Table, name: str, rule: str, length: int) -> npt.NDArray[np.bool_]:
    """The mask that a rule names, [rows]; raises RunFailure E0509."""
    match = MASK.fullmatch(rule)
    if match is None:
        raise _impossible(name, f"`{rule}` is not the name of a mask, as `is_test` or `is_test[0]`")
    array, number = match[1], match[2]
    if array not in table.masks:
        has = ", ".join(sorted(table.masks or table.names)) or "none"
        what = "column of zeros and ones" if array in table.names else "boolean array"
        raise _impossible(name, f"{table.place} has no {what} `{array}`", f"it has {has}")
    mask = table.masks[array]
    if number is not None:
        if mask.ndim < 2 or int(number) >= len(mask):
            raise _impossible(name, f"`{array}` has the shape {mask.shape}: no row {number}")
        mask = mask[int(number)]
    if mask.shape != (length,):
        hint = f"choose one, as `{array}[0]`" if mask.ndim == 2 else ""
        raise _impossible(name, f"`{rule}` has the shape {mask.shape}, not ({length},)", hint)
    return mask


def _impossible(name: str, problem: str, hint: str = "") -> RunFailure:
    message = f"the split `{name}` cannot be made: {problem}"
    return RunFailure("E0509", message, hint=hint, exit_code=USAGE)
