"""The manifest: the interface between the compiler and a run, a JSON file beside the code.

`read` checks every key and type, so later code can rely on the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specc.runtime.energies import Energy, parse_energy
from specc.runtime.failure import RunFailure
from specc.runtime.json_object import JsonObject, ManifestError
from specc.runtime.losses import Loss, parse_loss
from specc.runtime.stages import ORDERS, Stage, parse_order, parse_stages
from specc.runtime.update_rules import RULES, AfterUpdate

FORMAT = 2
NAME = "manifest.json"
DIGESTS = ("source", "math", "training", "parameters")


@dataclass(frozen=True, slots=True)
class Support:
    """The set of the values of a field: its kind, `any` if unknown, and bounds of numbers."""

    kind: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False


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


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a program: its role, the shape of one draw, and its place in the spec."""

    role: str
    shape: tuple[int, ...]
    is_global: bool
    at: str


@dataclass(frozen=True, slots=True)
class Steps:
    """The number of steps of sequences, and the field with the length of each row."""

    count: int
    lengths: str | None


@dataclass(frozen=True, slots=True)
class Module:
    """The definition of a link, a head or a parameter, independently of its name.

    `inputs` are the arguments that a link concatenates, with their widths, and `columns` the axis
    of each tensor that corresponds to them.
    """

    canonical: str
    inputs: tuple[tuple[str, int], ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest. `capabilities` maps `program.method` to its inputs.

    `modules` are the modules of the programs by name; `fixed` has the settings, beside the
    mathematics, that a run cannot change when it resumes. `after_update` are the rules by which
    tensors follow parameters, in the order in which they are applied. `unpaired` are
    further sources of data, whose rows are not paired with those of `data` or of each other.
    `energy` declares the energy of the model, if it has one.
    `stages` are what training goes through, a single one of all losses if the spec states none.
    """

    name: str
    doc: str
    source: str
    specc: str
    digests: Mapping[str, str]
    data: Data | None
    nodes: Mapping[str, Mapping[str, Node]]
    losses: tuple[Loss, ...]
    capabilities: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, tuple[int, ...]]
    train: Mapping[str, Any]
    evaluate: Mapping[str, Mapping[str, Any]]
    steps: Steps | None = None
    modules: Mapping[str, Module] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    after_update: tuple[AfterUpdate, ...] = ()
    unpaired: tuple[Data, ...] = ()
    energy: Energy | None = None
    stages: tuple[Stage, ...] = ()

    @property
    def sources(self) -> tuple[Data, ...]:
        """All sources of data."""
        return () if self.data is None else (self.data, *self.unpaired)

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields of all sources, by name."""
        return {name: field for own in self.sources for name, field in own.fields.items()}

    def fields_beside(self, names: Iterable[str]) -> Mapping[str, Field]:
        """The fields of the first source that has one of the names, else of the first source."""
        wanted = set(names)
        found = (own.fields for own in self.sources if wanted & set(own.fields))
        return next(found, self.data.fields if self.data is not None else {})

    def latents(self, program: str) -> tuple[str, ...]:
        """The names of the latent nodes of `program`."""
        return tuple(n for n, v in self.nodes.get(program, {}).items() if v.role == "latent")

    def simulated(self) -> tuple[str, ...]:
        """The nodes of the model whose samples are compared with data.

        They are the observed nodes, and deterministic nodes with the name of a data field, as in an
        implicit model, which has samples and no density.
        """
        fields = self.fields
        nodes = self.nodes.get("model", {})
        made = tuple(n for n, v in nodes.items() if v.role == "let" and n in fields)
        return (*self.observed(), *made)

    def observed(self) -> tuple[str, ...]:
        """The names of the model's observed nodes."""
        return tuple(n for n, v in self.nodes.get("model", {}).items() if v.role == "observed")

    def likelihood(self) -> str:
        """The log-density of the data as text: `log p(y | x)`."""
        given = [n for n, v in self.nodes.get("model", {}).items() if v.role == "given"]
        condition = f" | {', '.join(given)}" if given else ""
        return f"log p({', '.join(self.observed())}{condition})"


def read(folder: Path) -> Manifest:
    """The manifest of the generated code in `folder`.

    Raises RunFailure: E0808, if the file is absent, is not JSON, or has a missing or wrong key.
    """
    path = folder / NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{folder} has no {NAME}: it is not a folder of generated code"
        raise RunFailure("E0808", message, hint="make one with `specc compile`") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    try:
        return parse(value)
    except ManifestError as mistake:
        raise _damaged(path, str(mistake)) from mistake


def parse(value: object) -> Manifest:
    """The manifest of a decoded JSON value; raises ManifestError with the place in the value."""
    top = JsonObject(value, "")
    found = top.get("format", int)
    if found != FORMAT:
        raise ManifestError(f"its format is {found}, and this version reads format {FORMAT}")
    digests = top.child("digests")
    sources = _sources(top)
    losses, order = tuple(map(parse_loss, top.items("losses"))), top.get("order", str, ORDERS[0])
    stages = parse_stages(top.items("stages", []), losses)
    result = Manifest(
        name=top.get("name", str),
        doc=top.get("doc", str, ""),
        source=top.get("source", str, ""),
        specc=top.get("specc", str, ""),
        digests={name: digests.get(name, str) for name in DIGESTS},
        data=sources[0] if sources else None,
        nodes={
            program: {name: _node(node) for name, node in nodes.children()}
            for program, nodes in top.child("nodes").children()
        },
        losses=losses,
        capabilities=_capabilities(top.child("capabilities")),
        parameters={p.get("name", str): p.sizes("shape") for p in top.items("parameters")},
        train=top.get("train", dict, {}),
        evaluate={n: entry.value for n, entry in top.child("evaluate", {}).children()},
        steps=_steps(top.child("steps")) if top.value.get("steps") is not None else None,
        modules={name: _module(item) for name, item in top.child("modules", {}).children()},
        fixed=top.get("fixed", dict, {}),
        after_update=tuple(_after_update(item) for item in top.items("after_update", [])),
        stages=stages or (Stage(losses, parse_order(order)),),
        unpaired=tuple(sources[1:]),
        energy=parse_energy(top.child("energy")) if "energy" in top.value else None,
    )
    _check_inputs(result)
    return result


def _after_update(item: JsonObject) -> AfterUpdate:
    rule = item.get("rule", str)
    if rule not in RULES:
        raise ManifestError(f"`{item.path}.rule` is {rule!r}, not one of {tuple(RULES)}")
    options = {key: item.get(key, float) for key in RULES[rule]}
    return AfterUpdate(rule, item.get("module", str), item.get("of", str), options)


def _check_inputs(manifest: Manifest) -> None:
    if manifest.data is None:
        return
    fields = frozenset[str]().union(*(own.inputs() for own in manifest.sources))
    for loss in manifest.losses:
        missing = [name for name in loss.inputs if name not in fields]
        if missing:
            raise ManifestError(
                f"the loss `{loss.name}` takes `{missing[0]}`, which no data field gives"
            )


def _sources(top: JsonObject) -> list[Data]:
    """The sources of the data: one, or several whose rows are not paired."""
    if top.value.get("data") is None:
        return []
    item, doc = top.child("data"), top.get("doc", str, "")
    if item.value.get("sources") is None:
        return [_data(item, doc)]
    return [_data(own, doc, name) for name, own in item.child("sources").children()]


def _data(item: JsonObject, doc: str, name: str = "") -> Data:
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


def _steps(item: JsonObject) -> Steps:
    return Steps(item.get("count", int), item.optional("lengths", str))


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


def _module(item: JsonObject) -> Module:
    inputs = []
    for each in item.get("inputs", list, []):
        if not (isinstance(each, list) and [type(part) for part in each] == [str, int]):
            raise ManifestError(f"`{item.path}.inputs` is no list of names with widths")
        inputs.append((each[0], each[1]))
    columns = item.child("columns", {})
    return Module(
        canonical=item.get("canonical", str),
        inputs=tuple(inputs),
        columns={name: columns.get(name, int) for name in columns.value},
    )


def _node(item: JsonObject) -> Node:
    return Node(
        role=item.get("role", str),
        shape=item.sizes("shape"),
        is_global=item.get("global", bool, False),
        at=item.get("at", str, ""),
    )


def _capabilities(item: JsonObject) -> dict[str, tuple[str, ...]]:
    for name in item.value:
        if name.count(".") != 1:
            raise ManifestError(
                f"`{item.path}.{name}` is not a program and a method, as in `model.sample`"
            )
    return {name: item.names(name) for name in item.value}


def _damaged(path: Path, why: str) -> RunFailure:
    hint = "compile the spec again, with `specc compile`"
    return RunFailure("E0808", f"the manifest {path} is damaged: {why}", hint=hint)
