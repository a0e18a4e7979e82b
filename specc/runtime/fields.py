"""The data of a manifest: sources, their fields, and the transformations of the values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specc.runtime.json_object import JsonObject, ManifestError


@dataclass(frozen=True, slots=True)
class Support:
    """The set of the values of a field: its kind, `any` if unknown, and bounds of numbers."""

    kind: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def is_discrete(self) -> bool:
        """Whether a density on the set is a probability, at most 1."""
        return self.kind in ("integers", "counts", "onehot")


@dataclass(frozen=True, slots=True)
class Missing:
    """The treatment of missing values of a field.

    Attributes:
        known: The name of the mask of values in a batch, [batch, *shape].
        shape: The shape of the mask of one row.
        filled: Whether a program draws missing values; otherwise the density leaves them out.
        marker: The number that means a missing value.
        fill: The number in place of a missing value: `zero` or `mean`.
        hide: The values that are hidden for an experiment.
        repeat: How often an epoch visits a row with a value.

    """

    known: str
    shape: tuple[int, ...]
    filled: bool
    marker: float | None = None
    fill: str = "zero"
    hide: Mapping[str, Any] | None = None
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the values of a field: a number, or the value of another field of the row.

    The kinds are `total`, the sum of the entries, and `least` and `most`, the bounds of each entry.
    The limit is a `parameter` of the field's distribution.
    """

    kind: str
    parameter: str
    field: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A data field of the model, and its transformation from columns of the source.

    Attributes:
        name: The name of the field.
        column: The column of the source, or several with one number per row each.
        shape: The shape of one row.
        dtype: The dtype in a batch.
        support: The set of the values.
        binarize: `sample` or `threshold`.
        scale: A factor on every value.
        categories: Whether the values of the training rows are numbered.
        base: The number of the first class, which becomes 0.
        clip: The bounds within which values are moved.
        log: Whether the logarithm is taken.
        logit: The constant a of logit(a + (1 - 2 a) x), if that is taken.
        one_hot: The number of classes of a one-hot vector.
        many_hot: The first number and the size of a vector of zeros and ones.
        standardize: Whether the mean is subtracted and the deviation divided by.
        constrain: The set that the spec states for the values.
        picture: The height and width (and channels) of a row that is a picture.
        distribution: The distribution of the node that observes the field.
        whole: The joint node of which the node is a part.
        at: The place of the field in the spec.
        missing: The treatment of missing values, if the field allows them.
        limits: The limits of the values.

    """

    name: str
    column: str | tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    support: Support
    binarize: str | None = None
    scale: float | None = None
    categories: bool = False
    base: int = 0
    clip: tuple[float, float] | None = None
    log: bool = False
    logit: float | None = None
    one_hot: int | None = None
    many_hot: tuple[int, int] | None = None
    standardize: bool = False
    constrain: str = ""
    picture: tuple[int, ...] | None = None
    distribution: str = ""
    whole: str = ""
    at: str = ""
    missing: Missing | None = None
    limits: tuple[Limit, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the source that the field uses."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def origin(self) -> str:
        """The columns in messages: `image`, or `age, height`."""
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Data:
    """The source of the data with its options, its split, and its fields by name.

    `subset` has the options by which training rows are chosen, None for all rows. `doc` is the
    description in the spec, which may state the origin of files. Of several sources each has a
    `name`, and may have a `batch_size` of its own.
    """

    source: str
    options: Mapping[str, Any]
    split: Mapping[str, Any]
    fields: Mapping[str, Field]
    doc: str = ""
    name: str = ""
    batch_size: int | None = None
    subset: Mapping[str, Any] | None = None

    def inputs(self) -> frozenset[str]:
        """The names in a batch: the fields, and the masks of those that allow missing values."""
        masks = (own.missing.known for own in self.fields.values() if own.missing)
        return frozenset((*self.fields, *masks))


def parse_data(item: JsonObject, doc: str, name: str = "") -> Data:
    """A source of the data; raises ManifestError."""
    return Data(
        source=item.get("source", str),
        options=item.get("options", dict, {}),
        split=item.get("split", dict, {}),
        subset=item.optional("subset", dict),
        fields={name: _field(name, own) for name, own in item.child("fields").children()},
        doc=doc,
        name=name,
        batch_size=item.optional("batch_size", int),
    )


def _field(name: str, item: JsonObject) -> Field:
    """The declaration of a data field; raises ManifestError."""
    binarize = item.optional("binarize", str)
    binarize = None if binarize == "none" else binarize
    if binarize not in (None, "sample", "threshold"):
        raise ManifestError(f"`{item.path}.binarize` is {binarize!r}, not `sample` or `threshold`")
    return Field(
        name=name,
        column=_column(item, name),
        shape=item.sizes("shape"),
        dtype=item.get("dtype", str, "float32"),
        support=_support(item.child("support", {"kind": "any"})),
        binarize=binarize,
        scale=item.optional("scale", float),
        categories=item.get("categories", bool, False),
        base=item.get("base", int, 0),
        clip=_clip(item),
        log=item.get("log", bool, False),
        logit=item.optional("logit", float),
        one_hot=item.optional("one_hot", int),
        many_hot=_many_hot(item),
        standardize=item.get("standardize", bool, False),
        constrain=item.get("constrain", str, ""),
        distribution=item.get("distribution", str, ""),
        whole=item.get("whole", str, ""),
        picture=item.sizes("picture") if item.value.get("picture") is not None else None,
        at=item.get("span", str, "") or item.get("at", str, ""),
        missing=_missing(item.child("missing")) if item.value.get("missing") is not None else None,
        limits=tuple(_limit(own) for own in item.items("limits", [])),
    )


def _limit(item: JsonObject) -> Limit:
    return Limit(
        kind=item.get("kind", str),
        parameter=item.get("parameter", str),
        field=item.optional("field", str),
        value=item.optional("value", float),
    )


def _column(item: JsonObject, name: str) -> str | tuple[str, ...]:
    several = isinstance(item.value.get("from"), list)
    return item.names("from") if several else item.get("from", str, name)


def _missing(item: JsonObject) -> Missing:
    return Missing(
        known=item.get("known", str),
        shape=item.sizes("shape"),
        filled=item.get("filled", bool),
        marker=item.optional("marker", float),
        fill=item.get("fill", str, "zero"),
        hide=item.optional("hide", dict),
        repeat=item.get("repeat", int, 1),
    )


def _clip(item: JsonObject) -> tuple[float, float] | None:
    """The bounds of `clip`; raises ManifestError if they are not two numbers in order."""
    if item.value.get("clip") is None:
        return None
    low, high = item.numbers("clip", 2)
    if not low < high:
        raise ManifestError(f"`{item.path}.clip` is [{low:g}, {high:g}], not in order")
    return low, high


def _many_hot(item: JsonObject) -> tuple[int, int] | None:
    if item.value.get("many_hot") is None:
        return None
    found = item.child("many_hot")
    return found.get("from", int), found.get("size", int)


def _support(item: JsonObject) -> Support:
    low, high = item.optional("low", float), item.optional("high", float)
    return Support(
        kind=item.get("kind", str),
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        low_open=item.get("low_open", bool, False),
        high_open=item.get("high_open", bool, False),
    )
