"""The manifest: all that passes from the compiler to a run, as a JSON file beside the code.

`read` checks every key and type, so that nothing later has to ask whether the file is whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from specc.runtime.failure import RunFailure

FORMAT = 1
NAME = "manifest.json"
DIGESTS = ("source", "math", "training", "parameters")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Support:
    """The set that a field's values lie in: its kind, `any` if unknown, and bounds of numbers."""

    kind: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """What a field says of rows, or entries of rows, without a value.

    `known` is what the mask of values is called in a batch, [batch, *shape]; `filled` says that a
    program draws what is missing, rather than leaves it out. `marker` is a number that stands for a
    missing value, `fill` what is shown in its place (`zero` or `mean`), `hide` which values are not
    shown, and `repeat` how often an epoch visits a row with a value.
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
    """What bounds a value of a field: a number, or the value of another field of its row.

    The entries add up to it (`total`), or each is at `least` or at `most` that. It is the
    `parameter` of the field's distribution.
    """

    kind: str
    parameter: str
    field: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A data field as the model sees it, and how it comes out of the source.

    `column` is that of the source, or several with one number a row each. `shape` is of one row;
    `binarize` is `sample` or `threshold`; `one_hot` a number of classes;
    `many_hot` the first number of a vector of ones and zeros and its size;
    `picture` the height and width (and channels) under which a row is a picture; `distribution`
    that of the node which observes the field, `whole` the joint draw that the node is a part of;
    `constrain` the set in which the spec states the values to lie.
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
        """The columns of the source that the field is made of."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def origin(self) -> str:
        """The columns as messages print them: `image`, or `age, height`."""
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Data:
    """Which source is read, with which options, how it is split, and its fields by name.

    `doc` is what the spec says of itself, which may say where files come from.
    """

    source: str
    options: Mapping[str, Any]
    split: Mapping[str, Any]
    fields: Mapping[str, Field]
    doc: str = ""

    def inputs(self) -> frozenset[str]:
        """All that a batch has: the fields, and the masks of those that may be missing."""
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
class Loss:
    """A loss function: the fields it takes, and the programs whose parameters it trains.

    `warm_up` is the share of a run in which the weight of divergences rises to 1; where it is not
    0, the function takes that weight. `shares` are arguments that are shares of rows with a value,
    by the field that each is of. `loop` is the number of steps that it goes through one by one.
    """

    name: str
    inputs: tuple[str, ...]
    needs_data_size: bool
    warm_up: float
    bound: str | None
    parameters: tuple[str, ...]
    shares: Mapping[str, str] = field(default_factory=dict)
    loop: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of data that are sequences, and the field that says how many of them a row has."""

    count: int
    lengths: str | None


@dataclass(frozen=True, slots=True)
class Module:
    """What a link, a head or a learnt tensor stands for, whatever it is called.

    `inputs` are the arguments that a link joins to one vector, with their widths, and `columns` the
    axis of each tensor along which they lie.
    """

    erased: str
    inputs: tuple[tuple[str, int], ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole file. `capabilities` maps `program.method` to the inputs of that method.

    `modules` are those of the programs by their names; `fixed` is what a run holds on to beside
    its mathematics, so that another value of it is another run.
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

    def latents(self, program: str) -> tuple[str, ...]:
        """The names of the latent nodes of `program`."""
        return tuple(n for n, v in self.nodes.get(program, {}).items() if v.role == "latent")

    def observed(self) -> tuple[str, ...]:
        """The names of the model's observed nodes."""
        return tuple(n for n, v in self.nodes.get("model", {}).items() if v.role == "observed")

    def likelihood(self) -> str:
        """The density of the data, as the mathematics writes it: `log p(y | x)`."""
        given = [n for n, v in self.nodes.get("model", {}).items() if v.role == "given"]
        condition = f" | {', '.join(given)}" if given else ""
        return f"log p({', '.join(self.observed())}{condition})"


def read(folder: Path) -> Manifest:
    """The manifest of the generated code in `folder`.

    Raises RunFailure: E0808, where the file is absent, not JSON, or lacks or misuses a key.
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
    except _ManifestError as mistake:
        raise _damaged(path, str(mistake)) from mistake


def parse(value: object) -> Manifest:
    """The manifest of a decoded JSON value; raises `_ManifestError` with the place in the value."""
    top = _Object(value, "")
    found = top.get("format", int)
    if found != FORMAT:
        raise _ManifestError(f"its format is {found}, and this version reads format {FORMAT}")
    digests = top.child("digests")
    result = Manifest(
        name=top.get("name", str),
        doc=top.get("doc", str, ""),
        source=top.get("source", str, ""),
        specc=top.get("specc", str, ""),
        digests={name: digests.get(name, str) for name in DIGESTS},
        data=_data(top) if top.value.get("data") is not None else None,
        nodes={
            program: {name: _node(node) for name, node in nodes.children()}
            for program, nodes in top.child("nodes").children()
        },
        losses=tuple(_loss(item) for item in top.items("losses")),
        capabilities=_capabilities(top.child("capabilities")),
        parameters={p.get("name", str): p.sizes("shape") for p in top.items("parameters")},
        train=top.get("train", dict, {}),
        evaluate={n: entry.value for n, entry in top.child("evaluate", {}).children()},
        steps=_steps(top.child("steps")) if top.value.get("steps") is not None else None,
        modules={name: _module(item) for name, item in top.child("modules", {}).children()},
        fixed=top.get("fixed", dict, {}),
    )
    _check_inputs(result)
    return result


def _check_inputs(manifest: Manifest) -> None:
    if manifest.data is None:
        return
    fields = manifest.data.inputs()
    for loss in manifest.losses:
        missing = [name for name in loss.inputs if name not in fields]
        if missing:
            raise _ManifestError(
                f"the loss `{loss.name}` takes `{missing[0]}`, which no data field gives"
            )


def _data(top: _Object) -> Data:
    item = top.child("data")
    return Data(
        source=item.get("source", str),
        options=item.get("options", dict, {}),
        split=item.get("split", dict, {}),
        fields={name: _field(name, own) for name, own in item.child("fields").children()},
        doc=top.get("doc", str, ""),
    )


def _field(name: str, item: _Object) -> Field:
    binarize = item.optional("binarize", str)
    binarize = None if binarize == "none" else binarize
    if binarize not in (None, "sample", "threshold"):
        raise _ManifestError(f"`{item.path}.binarize` is {binarize!r}, not `sample` or `threshold`")
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


def _limit(item: _Object) -> Limit:
    return Limit(
        kind=item.get("kind", str),
        parameter=item.get("parameter", str),
        field=item.optional("field", str),
        value=item.optional("value", float),
    )


def _column(item: _Object, name: str) -> str | tuple[str, ...]:
    several = isinstance(item.value.get("from"), list)
    return item.names("from") if several else item.get("from", str, name)


def _missing(item: _Object) -> Missing:
    return Missing(
        known=item.get("known", str),
        shape=item.sizes("shape"),
        filled=item.get("filled", bool),
        marker=item.optional("marker", float),
        fill=item.get("fill", str, "zero"),
        hide=item.optional("hide", dict),
        repeat=item.get("repeat", int, 1),
    )


def _steps(item: _Object) -> Steps:
    return Steps(item.get("count", int), item.optional("lengths", str))


def _many_hot(item: _Object) -> tuple[int, int] | None:
    if item.value.get("many_hot") is None:
        return None
    found = item.child("many_hot")
    return found.get("from", int), found.get("size", int)


def _support(item: _Object) -> Support:
    low, high = item.optional("low", float), item.optional("high", float)
    return Support(
        kind=item.get("kind", str),
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        low_open=item.get("low_open", bool, False),
        high_open=item.get("high_open", bool, False),
    )


def _module(item: _Object) -> Module:
    inputs = []
    for each in item.get("inputs", list, []):
        if not (isinstance(each, list) and [type(part) for part in each] == [str, int]):
            raise _ManifestError(f"`{item.path}.inputs` is no list of names with widths")
        inputs.append((each[0], each[1]))
    columns = item.child("columns", {})
    return Module(
        erased=item.get("erased", str),
        inputs=tuple(inputs),
        columns={name: columns.get(name, int) for name in columns.value},
    )


def _node(item: _Object) -> Node:
    return Node(
        role=item.get("role", str),
        shape=item.sizes("shape"),
        is_global=item.get("global", bool, False),
        at=item.get("at", str, ""),
    )


def _loss(item: _Object) -> Loss:
    return Loss(
        name=item.get("name", str),
        inputs=item.names("inputs"),
        needs_data_size=item.get("needs_data_size", bool, False),
        warm_up=item.optional("warm_up", float) or 0.0,
        bound=item.optional("bound", str),
        parameters=item.names("parameters"),
        shares={name: str(of) for name, of in item.get("shares", dict, {}).items()},
        loop=item.get("loop", int, 0),
    )


def _capabilities(item: _Object) -> dict[str, tuple[str, ...]]:
    for name in item.value:
        if name.count(".") != 1:
            raise _ManifestError(
                f"`{item.path}.{name}` is not a program and a method, as in `model.sample`"
            )
    return {name: item.names(name) for name in item.value}


class _ManifestError(Exception):
    """A key of the manifest that is missing or of the wrong kind; the text says which."""


class _Object:
    """A JSON object with its path, whose keys are taken out under a check of their type."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise _ManifestError(
                f"`{path}` is not an object" if path else "it is not a JSON object"
            )
        self.value = cast("dict[str, Any]", value)
        self.path = path

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        if key not in self.value:
            if default is None:
                raise _ManifestError(f"the key `{self._at(key)}` is missing")
            return default
        found = self.value[key]
        if kind is float and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise _ManifestError(f"`{self._at(key)}` is {found!r}, not of type {kind.__name__}")
        return found

    def optional(self, key: str, kind: type[T]) -> T | None:
        return None if self.value.get(key) is None else self.get(key, kind)

    def child(self, key: str, default: dict[str, Any] | None = None) -> _Object:
        return _Object(self.get(key, dict, default), self._at(key))

    def children(self) -> list[tuple[str, _Object]]:
        return [(key, _Object(value, self._at(key))) for key, value in self.value.items()]

    def items(self, key: str, default: list[Any] | None = None) -> list[_Object]:
        found = self.get(key, list, default)
        return [_Object(item, f"{self._at(key)}[{i}]") for i, item in enumerate(found)]

    def names(self, key: str) -> tuple[str, ...]:
        found = self.get(key, list)
        if not all(isinstance(name, str) for name in found):
            raise _ManifestError(f"`{self._at(key)}` is {found!r}, not a list of names")
        return tuple(found)

    def sizes(self, key: str) -> tuple[int, ...]:
        found = self.get(key, list)
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in found)
        if not whole:
            raise _ManifestError(f"`{self._at(key)}` is {found!r}, not a list of sizes")
        return tuple(found)


def _damaged(path: Path, why: str) -> RunFailure:
    hint = "compile the spec again, with `specc compile`"
    return RunFailure("E0808", f"the manifest {path} is damaged: {why}", hint=hint)
