"""Missing values: their masks, values hidden for an experiment, and means of known values.

A value is missing if it is NaN or equals the marker of the field. The mask of a field states for
each row, or for each entry, whether there is a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.data.columns import steps_before
from specc.data.elementwise import values_of
from specc.data.split import TRAIN
from specc.data.table import Array, Column, Part
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Data, Field, Missing
from specc.runtime.seeds import mix

SEED = 20140620
Mask = npt.NDArray[np.bool_]


def has_value(missing: Missing, raw: Array) -> Mask:
    """The mask of raw values that are neither NaN nor the marker."""
    found = ~np.isnan(raw) if raw.dtype.kind == "f" else np.ones(raw.shape, np.bool_)
    return found if missing.marker is None else found & (raw != missing.marker)


def partly_missing(missing: Missing, raw: Array) -> Mask:
    """The mask of missing raw values whose entry of the mask also has known values."""
    found = has_value(missing, raw)
    grouped = _grouped(missing, found)
    broken: Mask = np.asarray(grouped.any(-1) & ~grouped.all(-1))
    wrong: Mask = np.broadcast_to(broken[..., None], grouped.shape).reshape(raw.shape) & ~found
    return wrong


def _grouped(missing: Missing, found: Mask) -> Mask:
    """The array as [rows, *mask, rest], with the values of one entry of the mask along `rest`."""
    rest = math.prod(found.shape[1:]) // max(1, math.prod(missing.shape))
    return found.reshape(len(found), *missing.shape, rest)


def with_masks(parts: Mapping[str, Part], data: Data) -> dict[str, Part]:
    """The parts with the mask of each field that allows missing values, with hidden ones missing.

    Raises RunFailure: E0517 if no training row has a value, E0518 if too few rows have one.
    """
    found = {name: dict(part) for name, part in parts.items()}
    for name, field in data.fields.items():
        if field.missing is None:
            continue
        for part, columns in found.items():
            columns[name] = _marked(field, field.missing, columns[name], part)
        known = found[TRAIN][name].known
        if known is not None and not known.any():
            message = f"no training row has a value of `{name}`"
            hint = "give some rows a value, or make the node latent"
            raise RunFailure("E0517", message, hint=hint, place=field.at, exit_code=USAGE)
    return dict(found)


def _marked(field: Field, missing: Missing, column: Column, part: str) -> Column:
    raw = column.rows(0, len(column)) if column.is_mapped else column.raw
    known = has_value(missing, raw)
    mask: Mask = np.asarray(_grouped(missing, known).all(-1))
    hide = missing.hide
    if hide is not None and hide.get("part", TRAIN) in (part, "all"):
        mask = mask & (_not_hidden(field, hide, mask, raw, part) | _padding(column, mask))
    if known.all():
        return replace(column, known=mask, hides=True)
    # The number in place of a missing value must be legal: a class number, a probability.
    legal = raw.dtype.type(field.base if field.many_hot is None else field.many_hot[0])
    return replace(column, raw=np.where(known, raw, legal), chosen=None, known=mask)


def _not_hidden(field: Field, hide: Mapping[str, Any], known: Mask, raw: Array, part: str) -> Mask:
    """The mask of values that are not hidden."""
    random = np.random.default_rng(mix(SEED, int(hide.get("seed", 0)), *part.encode()))
    found = np.ones(known.shape, np.bool_)
    if hide.get("share") is not None:
        found &= random.random(known.shape) >= float(hide["share"])
    if hide.get("keep") is not None:
        rows = _rows(field, hide, known, raw, random)
        some = np.zeros(len(known), np.bool_)
        some[rows] = True
        found &= some.reshape(-1, *(1 for _ in known.shape[1:]))
    return found


def _padding(column: Column, known: Mask) -> Mask:
    """The mask of padding of rows of unequal length, which is never hidden."""
    if column.lengths is None or known.ndim == 1:
        return np.zeros(known.shape, np.bool_)
    inside = steps_before(column.lengths, known.shape[1])
    return np.broadcast_to(~inside.reshape(*inside.shape, *[1] * (known.ndim - 2)), known.shape)


def _rows(
    field: Field, hide: Mapping[str, Any], known: Mask, raw: Array, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """The rows whose value is not hidden, at random or equally many of each class."""
    count = int(hide["keep"])
    able = np.flatnonzero(known.reshape(len(known), -1).any(-1))
    if count > len(able):
        raise _impossible(field, f"`keep` is {count} rows, and {len(able)} rows have a value")
    order = random.permutation(able)
    if not hide.get("per_class"):
        return order[:count]
    if raw.ndim > 1:
        raise _impossible(field, "`per_class` needs a field with one number a row")
    classes = np.unique(raw[able])
    each = count // len(classes)
    if each * len(classes) != count:
        raise _impossible(
            field, f"{count} rows cannot be divided evenly among {len(classes)} classes"
        )
    chosen = [order[raw[order] == value][:each] for value in classes]
    if any(len(rows) < each for rows in chosen):
        raise _impossible(field, f"a class has fewer than {each} rows")
    return np.concatenate(chosen)


def _impossible(field: Field, problem: str) -> RunFailure:
    message = f"`hide` of the field `{field.name}` cannot be done: {problem}"
    hint = "change the numbers under `hide:`"
    return RunFailure("E0518", message, hint=hint, place=field.at, exit_code=USAGE)


def mean(field: Field, column: Column) -> Array:
    """The mean of the known values of each entry, transformed; 0 without known values."""
    values = values_of(field, column, column.raw)
    expanded = None if column.known is None else _expanded(column.known, values)
    known = np.ones(values.shape, np.bool_) if expanded is None else expanded
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0)
    found: Array = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    return found


def _expanded(known: Mask, raw: Array) -> Mask:
    """A mask in the shape of the values."""
    flat = known.reshape(len(known), -1)
    rest = math.prod(raw.shape[1:]) // max(1, flat.shape[1])
    found: Mask = np.repeat(flat, max(1, rest), axis=1).reshape(raw.shape)
    return found


def shown(column: Column) -> Mask | None:
    """The mask of a column in the shape of its values; None if all values are known."""
    return None if column.known is None else _expanded(column.known, column.raw)
