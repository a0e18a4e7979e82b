"""Digests of a spec: what changed when they differ.

`source` covers the bytes, `math` the programs and the objective with every node's and link's name
erased, `parameters` the names and shapes of the learnt tensors, `training` what the schema marks as
such. A run is resumed when `math`, `parameters` and `training` agree, warm-started when
`parameters` overlap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import BaseModel

from specc.codegen.plan import Plan
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Sequence,
)
from specc.language.schema.digests import digest_class
from specc.language.schema.objective import Minimize


def digest(value: object) -> str:
    """SHA-256 of a value of dicts, lists, text and numbers, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def digests(plan: Plan, parameters: object) -> dict[str, str]:
    """All digests of a compiled spec."""
    spec = plan.graph.graph.spec
    return {
        "source": hashlib.sha256(spec.source.text.encode()).hexdigest(),
        "math": digest(mathematics(plan)),
        "training": digest(training(spec.document)),
        "parameters": digest(parameters),
    }


def training(document: BaseModel) -> object:
    """Everything under the document that is marked `training`, resolved to its defaults."""
    found: dict[str, object] = {}
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        if digest_class(field) == "training":
            found[name] = _plain(value)
        elif isinstance(value, BaseModel):
            inner = training(value)
            if inner:
                found[name] = inner
    return found


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return {
            name: _plain(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if digest_class(field) not in ("environment", "documentation")
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def mathematics(plan: Plan) -> object:
    """The programs, links and objective with names erased: the same for a renamed model.

    Names give way to the position that a walk from the objective's order finds them at; constants
    to their values.
    """
    graph = plan.graph.graph
    erased: dict[str, str] = {}
    for program in graph.programs.values():
        for name in program.order:
            erased.setdefault(name, f"n{len(erased)}")
    links = {name: f"l{i}" for i, name in enumerate(_link_order(plan))}
    eraser = _Eraser({**erased, **links}, graph.constants)
    return {
        "programs": [_program(plan, program, eraser) for program in graph.programs],
        "links": [_link(plan, name) for name in links],
        "objective": _objective(plan, eraser),
        "plates": sorted(graph.plates.values()),
        "data": {
            eraser.names.get(name, name): {
                "from": field.origin,
                **{k: v for k, v in field.transforms.items() if v is not None},
            }
            for name, field in graph.fields.items()
        },
    }


def _link_order(plan: Plan) -> list[str]:
    return list(dict.fromkeys(use.link for use in plan.graph.uses))


def _link(plan: Plan, name: str) -> object:
    link = plan.graph.graph.links[name]
    return {"kind": link.entry.name, "options": _plain(link.options.model_dump())}


def _objective(plan: Plan, eraser: _Eraser) -> object:
    written = plan.graph.graph.spec.document.objective
    draws = [(eraser.names[d.node], d.kind, d.option) for d in plan.objective.draws.values()]
    if isinstance(written, Minimize):
        return {"minimize": eraser.tree(written.expression), "draws": draws}
    return {
        "name": plan.objective.entry.name,
        "particles": plan.objective.particles,
        "draws": draws,
    }


def _program(plan: Plan, program: str, eraser: _Eraser) -> object:
    graph = plan.graph.graph
    nodes = []
    for name in graph.programs[program].order:
        node = graph.programs[program].nodes[name]
        kind = plan.graph.types[node.id]
        nodes.append(
            {
                "name": eraser.names[name],
                "role": node.role,
                "entry": node.entry.name if node.entry else None,
                "arguments": {k: eraser.tree(e) for k, e in node.arguments.items()},
                "params": eraser.tree(node.params) if node.params is not None else None,
                "value": eraser.tree(node.value) if node.value is not None else None,
                "shape": list(kind.shape),
                "plates": [graph.plates.get(p, p) for p in kind.plates],
                "support": repr(kind.support),
            }
        )
    return nodes


class _Eraser:
    """Writes expression trees with erased names."""

    def __init__(self, names: Mapping[str, str], constants: Mapping[str, object]) -> None:
        self.names, self.constants = names, constants

    def tree(self, expression: Expression) -> object:
        """Nested lists: the operator or role first."""
        match expression:
            case Number(value=value):
                return float(value)
            case Name(id=name):
                return self.names.get(name) or ["constant", str(self.constants.get(name))]
            case Member(program=program, name=name):
                return [program, self.names.get(name, name)]
            case Negate(operand=operand):
                return ["-", self.tree(operand)]
            case Binary(operator=operator, left=left, right=right):
                return [operator, self.tree(left), self.tree(right)]
            case Call(function=function, arguments=arguments):
                called = self.names.get(function, function)
                return [called, *(self.tree(a) for a in arguments)]
            case Index(base=base, index=index):
                return ["[]", self.tree(base), self.tree(index)]
            case Sequence(items=items):
                return ["list", *(self.tree(item) for item in items)]
        raise AssertionError(expression)
