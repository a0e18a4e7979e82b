"""The schema of `data:`: the source, its fields and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from specc.catalog.limits import MAX_SIZE
from specc.language.schema.digests import documentation, math, training
from specc.language.schema.value import Value

Fill = Literal["zero", "mean"]
Binarize = Literal["none", "sample", "threshold"]
OptionValue = str | int | tuple[int, ...] | Mapping[str, str | tuple[str, ...]]
Rule = float | int | str | Mapping[str, OptionValue]
Constrain = Literal[
    "real",
    "nonnegative",
    "positive",
    "unit_interval",
    "count",
    "simplex",
    "cholesky",
    "positive_definite",
]
Dtype = Literal["float32", "float64", "int64", "uint8", "bool"]
Side = Annotated[int, Field(ge=1)]
"""The size of an axis of a field; the compiler checks its upper limit at the node."""


class Hide(Value):
    """Values to hide, for experiments with missing data."""

    keep: int | None = math(default=None, about="The number of rows with a value.", ge=1)
    share: float | None = math(
        default=None, about="The probability with which each entry is hidden.", gt=0, lt=1
    )
    per_class: bool = math(default=False, about="Whether that number is the same in each class.")
    seed: int = math(default=0, about="The random seed of the choice.", ge=0)
    part: str = math(default="train", about="The part whose values are hidden, or `all`.")


class ManyHot(Value):
    """Many-hot encoding: numbers of a list become the positions of ones in a vector."""

    first: int = math(default=0, alias="from", about="The number of the first entry.", ge=0)
    size: int = math(about="The length of the vector.", ge=2, le=1 << 20)


class FieldSpec(Value):
    """A field of the model: its column in the source, and the transformations of its values."""

    column: str | Annotated[tuple[str, ...], Field(min_length=1)] = math(
        alias="from",
        about="The column of the source, or a list of columns: one number of a row for each.",
    )
    shape: tuple[Side, ...] | None = math(
        default=None, about="The shape of one row; by default that of the column."
    )
    binarize: Binarize = math(
        default="none",
        about="`sample`: each value is the probability of a 1, drawn anew in every batch; "
        "`threshold`: 1 above one half.",
    )
    scale: float | None = math(
        default=None, about="A factor by which every value is multiplied.", gt=0
    )
    categories: bool = math(
        default=False,
        about="Whether to number the different texts or numbers of the training rows, in "
        "ascending order; the run keeps them.",
    )
    base: int = math(
        default=0,
        about="The number of the first class, as 1 for labels from 1; it becomes class 0.",
        ge=0,
    )
    clip: tuple[float, float] | None = math(
        default=None,
        about="The lower and the upper bound; values beyond one are moved to it.",
    )
    log: bool = math(default=False, about="Whether to take the logarithm of every value.")
    logit: float | None = math(
        default=None,
        about="The constant a of logit(a + (1 - 2 a) x), for values from 0 to 1.",
        ge=0,
        lt=0.5,
    )
    constrain: Constrain | None = math(
        default=None,
        about="The set in which the values lie; the compiler relies on it, and the data are "
        "checked against it.",
    )
    standardize: bool = math(
        default=False,
        about="Whether to subtract the mean over the training rows and divide by their standard "
        "deviation.",
    )
    one_hot: int | None = math(
        default=None,
        about="The number of classes; a label becomes a one-hot vector.",
        ge=2,
        le=MAX_SIZE,
    )
    missing: float | None = math(
        default=None, about="A number that marks a missing value, besides NaN."
    )
    fill: Fill | None = math(
        default=None,
        about="The value that replaces a missing one as an input: `zero` or the `mean`.",
    )
    hide: Hide | None = math(
        default=None, about="Values to hide, for experiments with missing data."
    )
    repeat: int | None = math(
        default=None,
        about="How often an epoch repeats a row that has a value, if other rows have none.",
        ge=1,
    )
    many_hot: ManyHot | None = math(
        default=None,
        about="The last axis is a list of numbers, which becomes a vector of 0 and 1: "
        "`{from: 21, size: 88}`. -1 marks an empty place.",
    )
    dtype: Dtype | None = math(default=None, about="The type of the numbers.")
    picture: tuple[Side, ...] | None = documentation(
        default=None,
        about="The shape of a row as a picture: height and width, or channels, height and width.",
        min_length=2,
        max_length=3,
    )


class Subset(Value):
    """The training rows that a run uses, for experiments with few of them."""

    rows: int = training(about="The number of rows, chosen at random.", ge=1, le=MAX_SIZE)
    per_class: str | None = training(
        default=None, about="A field with classes, each of which has the same number of rows."
    )
    seed: int = training(default=0, about="The random seed of the choice.", ge=0)


class DataSpec(Value):
    """The data of a spec: the source with its options, the fields and the parts."""

    source: str = math(about="The kind of source, such as `digits` or `npz`.")
    options: Mapping[str, OptionValue] = training(
        default={}, about="The options of the source, written beside `source`."
    )
    fields: Mapping[str, FieldSpec] = math(default={}, about="The fields of the model, by name.")
    split: Mapping[str, Rule] = training(
        default={},
        about="Parts by name: a share of the rows, a number of rows, a mask in the file, or "
        "options of the source that name another file.",
    )
    subset: Subset | None = training(
        default=None, late=True, about="The training rows that a run uses; by default all of them."
    )


class SourceSpec(DataSpec):
    """One of several sources, whose rows are not paired with those of the others."""

    batch_size: int | None = training(
        default=None,
        about="The rows of this source in each batch; by default that of `train`.",
        ge=1,
        le=MAX_SIZE,
    )


class Sources(Value):
    """Several sources of data whose rows are not paired, by name."""

    sources: Mapping[str, SourceSpec] = math(
        about="Sources whose rows are not paired, by name; each has the keys of one source."
    )


__all__ = [
    "Binarize",
    "DataSpec",
    "Dtype",
    "FieldSpec",
    "ManyHot",
    "OptionValue",
    "Rule",
    "SourceSpec",
    "Sources",
    "Subset",
]
