"""The manifest: the interface between the compiler and a run, a JSON file beside the code.

`read` checks every key and type, so later code can rely on the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from specc.runtime.energies import Energy, parse_energy
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, parse_data
from specc.runtime.json_object import JsonObject, ManifestError
from specc.runtime.losses import Loss, parse_loss
from specc.runtime.sampler import Sampler, parse_sampler
from specc.runtime.stages import ORDERS, Stage, parse_order, parse_stages
from specc.runtime.update_rules import RULES, AfterUpdate

T = TypeVar("T")

FORMAT = 2
NAME = "manifest.json"
DIGESTS = ("source", "math", "training", "parameters")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a program: its role, the shape of one draw, and its place in the spec.

    `is_discrete` says that it is a latent of a directed model with whole numbers as values. `name`
    is that in the spec, from which the Python name differs if that is taken; `attribute` is that of
    a learnable tensor of the program.
    """

    role: str
    shape: tuple[int, ...]
    is_global: bool
    at: str
    is_discrete: bool = False
    name: str = ""
    attribute: str = ""


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
class OpposedChain:
    """A latent sequence that the model draws from its last step, and the guide from its first.

    Each has a method `one_step` with the mean and the deviation of one step.
    """

    latent: str
    steps: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest. `capabilities` maps `program.method` to its inputs.

    `modules` are the modules of the programs by name; `fixed` has the settings, beside the
    mathematics, that a run cannot change when it resumes. `after_update` are the rules by which
    tensors follow parameters, in the order in which they are applied. `unpaired` are
    further sources of data, whose rows are not paired with those of `data` or of each other.
    `energy` declares the energy of the model, and `sampler` what draws its latents by Markov
    chains, if it has one.
    `stages` are what training goes through, a single one of all losses if the spec states none.
    `chain` is the sequence that the model draws backward and the guide forward, if there is one.
    `coupled` are latents of the elements of a plate that are summed out: the rows of an element
    depend on each other, so that losses and densities need all rows together.
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
    has_sequences: bool = False
    chain: OpposedChain | None = None
    modules: Mapping[str, Module] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    after_update: tuple[AfterUpdate, ...] = ()
    unpaired: tuple[Data, ...] = ()
    energy: Energy | None = None
    sampler: Sampler | None = None
    stages: tuple[Stage, ...] = ()
    coupled: tuple[str, ...] = ()

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

    def summed(self) -> tuple[str, ...]:
        """The latents of the model that are summed or integrated out of its joint density."""
        if "model.log_joint" not in self.capabilities:
            return ()
        known = [self.capabilities.get(f"model.{name}", ()) for name in ("log_joint", "log_prior")]
        return tuple(n for n in self.latents("model") if not any(n in names for names in known))

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

    def named_as_in_spec(self, values: Mapping[str, T]) -> dict[str, T]:
        """Values of nodes of the model by their names in the spec, in place of Python names."""
        nodes = self.nodes.get("model", {})
        return {nodes[n].name if n in nodes else n: value for n, value in values.items()}

    def named_as_arguments(self, values: Mapping[str, T]) -> dict[str, T]:
        """Values of nodes of the model by their Python names, in place of attributes."""
        nodes = self.nodes.get("model", {})
        python = {own.attribute: name for name, own in nodes.items()}
        return {python.get(n, n): value for n, value in values.items()}

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
            program: {name: _node(name, node) for name, node in nodes.children()}
            for program, nodes in top.child("nodes").children()
        },
        losses=losses,
        capabilities=_capabilities(top.child("capabilities")),
        parameters={p.get("name", str): p.sizes("shape") for p in top.items("parameters")},
        train=top.get("train", dict, {}),
        evaluate={n: entry.value for n, entry in top.child("evaluate", {}).children()},
        steps=_steps(top.child("steps")) if top.value.get("steps") is not None else None,
        has_sequences=top.get("has_sequences", bool, "steps" in top.value),
        chain=_chain(top.child("chain")) if top.value.get("chain") is not None else None,
        modules={name: _module(item) for name, item in top.child("modules", {}).children()},
        fixed=top.get("fixed", dict, {}),
        after_update=tuple(_after_update(item) for item in top.items("after_update", [])),
        stages=stages or (Stage(losses, parse_order(order)),),
        unpaired=tuple(sources[1:]),
        energy=parse_energy(top.child("energy")) if "energy" in top.value else None,
        sampler=parse_sampler(top.child("sampler")) if "sampler" in top.value else None,
        coupled=top.names("coupled") if "coupled" in top.value else (),
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
        return [parse_data(item, doc)]
    return [parse_data(own, doc, name) for name, own in item.child("sources").children()]


def _chain(item: JsonObject) -> OpposedChain:
    return OpposedChain(item.get("latent", str), item.get("steps", int))


def _steps(item: JsonObject) -> Steps:
    return Steps(item.get("count", int), item.optional("lengths", str))


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


def _node(name: str, item: JsonObject) -> Node:
    return Node(
        role=item.get("role", str),
        shape=item.sizes("shape"),
        is_global=item.get("global", bool, False),
        is_discrete=item.get("discrete", bool, False),
        at=item.get("at", str, ""),
        name=item.get("name", str, name),
        attribute=item.get("attribute", str, name),
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
