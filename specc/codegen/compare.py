"""What changed between two specs, node by node in the model's words, and what it means for a run.

The verdict is the strongest that holds:

    cosmetic              nothing but words, order or layout
    training only         the same model and objective, sought in another way
    same mathematics      names of nodes or links, and so of tensors
    checkpoint resumes    another objective or density over the same tensors
    some tensors          some of the learnt tensors have the same name and shape
    breaks                none has
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from specc.codegen.digests import digests
from specc.codegen.manifest import parameters
from specc.codegen.plan import Plan
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression
from specc.language.schema.digests import digest_class
from specc.language.schema.document import Document
from specc.language.schema.node import Node

VERDICTS = (
    "cosmetic",
    "training only",
    "same mathematics",
    "checkpoint resumes",
    "some tensors carry over",
    "breaks",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where in the spec, and what it was and is."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, the verdict, and how many of the new tensors the old checkpoint has."""

    changes: tuple[Change, ...]
    verdict: str
    carried: int
    tensors: int

    def sentence(self) -> str:
        """The verdict in words."""
        if self.verdict == "some tensors carry over":
            return f"{self.carried} of {self.tensors} tensors carry over"
        return self.verdict


def compare(old: Plan, new: Plan) -> Comparison:
    """The differences from `old` to `new`; `moved:` in the new spec names renamed tensors."""
    before, after = old.graph.graph.spec.document, new.graph.graph.spec.document
    changes = tuple(_changes(before, after))
    carried, total = _carried(old, new)
    return Comparison(changes, _verdict(old, new, carried, total), carried, total)


def _verdict(old: Plan, new: Plan, carried: int, total: int) -> str:
    first, second = (digests(plan, parameters(plan)) for plan in (old, new))
    same = {key for key in first if first[key] == second[key]}
    if {"math", "parameters"} <= same:
        return "cosmetic" if "training" in same else "training only"
    if "math" in same:
        return "same mathematics"
    if carried == total and "parameters" in same:
        return "checkpoint resumes"
    return "some tensors carry over" if carried else "breaks"


def _carried(old: Plan, new: Plan) -> tuple[int, int]:
    moved = new.graph.graph.spec.document.moved
    before = {_renamed(name, moved): shape for name, shape in parameters(old)}
    after = parameters(new)
    return sum(before.get(name) == shape for name, shape in after), len(after)


def _renamed(name: str, moved: Mapping[str, str]) -> str:
    for old, new in moved.items():
        if name == old or name.startswith(f"{old}."):
            return new + name[len(old) :]
    return name


# the words


def _changes(old: Document, new: Document) -> Iterator[Change]:
    if old.name != new.name:
        yield Change("name", f"{old.name} -> {new.name}")
    if old.doc != new.doc:
        yield Change("doc", "other words")
    yield from _entries("constants", old.constants, new.constants)
    before, after = dict(old.programs_by_name()), dict(new.programs_by_name())
    for name in dict.fromkeys([*before, *after]):
        yield from _program(name, before.get(name, {}), after.get(name, {}))
    yield from _models("links", old.links, new.links)
    yield from _model("objective", old.objective, new.objective)
    yield from _model("data", old.data, new.data)
    yield from _model("train", old.train, new.train)
    yield from _models("evaluate", old.evaluate, new.evaluate)
    yield from _entries("plates", old.plates, new.plates)


def _program(program: str, old: Mapping[str, Node], new: Mapping[str, Node]) -> Iterator[Change]:
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    for name in list(gone):
        twin = next((c for c in come if _story(old[name], name) == _story(new[c], c)), None)
        if twin is not None:
            gone.remove(name)
            come.remove(twin)
            yield Change(program, f"{name} is now called {twin}")
    for name in gone:
        yield Change(f"{program}.{name}", "is gone")
    for name in come:
        yield Change(f"{program}.{name}", f"is new: {_words(new[name])}")
    for name in old:
        if name in new:
            yield from _node(f"{program}.{name}", old[name], new[name])


def _story(node: Node, name: str) -> object:
    """A node with its own name erased."""
    del name
    return _plain(node)


def _words(node: Node) -> str:
    head = node.head if isinstance(node.head, str) else print_expression(node.head)
    given = [f"{key}: {_value(value)}" for key, value in node.arguments.items()]
    if node.params is not None:
        given.append(f"params: {print_expression(node.params)}")
    return f"{node.role} {head}" + (f" ({', '.join(given)})" if given else "")


def _node(where: str, old: Node, new: Node) -> Iterator[Change]:
    if old.role != new.role:
        yield Change(where, f"was {old.role}, is {new.role}")
    if _value(old.head) != _value(new.head):
        yield Change(where, f"{_value(old.head)} -> {_value(new.head)}")
    yield from _entries(where, old.arguments, new.arguments)
    for field in ("params", "shape", "plate", "is_global", "from_field", "draw", "init"):
        before, after = getattr(old, field), getattr(new, field)
        if _plain(before) != _plain(after):
            name = {"is_global": "global", "from_field": "from"}.get(field, field)
            yield Change(f"{where}.{name}", f"{_value(before)} -> {_value(after)}")


def _entries(where: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        before, after = _value(old.get(key)), _value(new.get(key))
        if before != after:
            yield Change(f"{where}.{key}", f"{before} -> {after}")


def _models(
    where: str, old: Mapping[str, BaseModel], new: Mapping[str, BaseModel]
) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        yield from _model(f"{where}.{key}", old.get(key), new.get(key))


def _model(where: str, old: BaseModel | None, new: BaseModel | None) -> Iterator[Change]:
    if old is None or new is None or type(old) is not type(new):
        if _plain(old) != _plain(new):
            verb = "is new" if old is None else "is gone" if new is None else "is of another kind"
            yield Change(where, verb)
        return
    for field in type(old).model_fields:
        before, after = getattr(old, field), getattr(new, field)
        if isinstance(before, BaseModel) and type(before) is type(after):
            yield from _model(where if field == "options" else f"{where}.{field}", before, after)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            inside = where if field == "options" else f"{where}.{field}"
            yield from _entries(inside, before, after)
        elif _plain(before) != _plain(after):
            yield Change(f"{where}.{field}", f"{_value(before)} -> {_value(after)}")


def _plain(value: object) -> object:
    """A value without places in a text, so that two can be compared."""
    if isinstance(value, Expression):
        return print_expression(value)
    if isinstance(value, BaseModel):
        return {
            name: _plain(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if digest_class(field) != "documentation"
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _value(value: object) -> str:
    plain = _plain(value)
    if plain is None:
        return "nothing"
    if isinstance(plain, list):
        return f"[{', '.join(str(item) for item in plain)}]"
    if isinstance(plain, dict):
        return ", ".join(f"{k}: {_value(v)}" for k, v in plain.items() if v not in (None, {}))
    if isinstance(plain, float) and math.isfinite(plain):
        return f"{plain:g}"
    return str(plain)
