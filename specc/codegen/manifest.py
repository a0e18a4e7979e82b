"""The manifest beside generated code: all that the run time learns of the spec."""

from __future__ import annotations

import math
from typing import Any

from specc.catalog.supports import Support, bounds, contains, meet, point
from specc.codegen.emit.asked import capabilities
from specc.codegen.emit.objective import loss_inputs, needs_data_size, shares
from specc.codegen.plan import ROW, Plan
from specc.codegen.steps import loop, sequence
from specc.codegen.tensors import parameters, side
from specc.diagnostics.printable import json_text
from specc.diagnostics.source import Span
from specc.graph.graph import MODEL, DataField, Node
from specc.language.expressions.tree import Name, Number
from specc.language.schema.train import Schedule
from specc.verdict import Module
from specc.version import VERSION

FORMAT = 1


def manifest(plan: Plan) -> dict[str, Any]:
    """The manifest as a JSON value."""
    spec = plan.graph.graph.spec
    document = spec.document
    own = side(plan)
    named = [{"name": name, "shape": list(shape)} for name, shape in own.shapes.items()]
    return {
        "format": FORMAT,
        "name": document.name,
        "doc": " ".join(document.doc.split()),
        "source": plan.source,
        "specc": VERSION,
        "digests": dict(own.digests),
        "data": _data(plan),
        "nodes": {name: _nodes(plan, name) for name in plan.programs},
        "losses": [
            {
                "name": player.name,
                "inputs": [plan.python[n] for n in loss_inputs(plan)],
                "needs_data_size": needs_data_size(plan),
                **_shares(plan),
                **loop(plan),
                "warm_up": plan.objective.warm_up,
                "bound": plan.objective.entry.variable,
                "parameters": list(plan.programs),
            }
            for player in plan.objective.players
        ],
        **sequence(plan),
        "capabilities": {
            f"{program.name}.{method}": [plan.python[n] for n in inputs]
            for program in plan.programs.values()
            for method, inputs in capabilities(plan, program).items()
        },
        "parameters": named,
        "modules": {name: _module(module) for name, module in own.modules.items()},
        "fixed": dict(own.fixed),
        "train": _train(plan),
        "evaluate": _evaluate(plan),
    }


def _module(module: Module) -> dict[str, Any]:
    """What a module stands for; its inputs where there is more than one."""
    found: dict[str, Any] = {"erased": module.erased}
    if module.inputs:
        found["inputs"] = [list(each) for each in module.inputs]
        found["columns"] = dict(module.columns)
    return found


def _evaluate(plan: Plan) -> dict[str, Any]:
    """The figures that are asked for, each with the place of the part of the data it is of."""
    spec, found = plan.graph.graph.spec, {}
    for name, entry in spec.document.evaluate.items():
        said = {k: v for k, v in entry.model_dump(mode="json").items() if v is not None}
        written = ("evaluate", name, "data")
        span = spec.spans.value(written) if written in spec.spans else spec.spans.key(written[:2])
        found[name] = {**said, "at": at(span)}
    return found


def _shares(plan: Plan) -> dict[str, dict[str, str]]:
    """The arguments of a loss that are shares of rows with a value, by what each is of."""
    found = {argument: plan.python[name] for argument, name in shares(plan).items()}
    return {"shares": found} if found else {}


def manifest_text(plan: Plan) -> str:
    """The manifest as the text of a file."""
    return json_text(manifest(plan)) + "\n"


def _train(plan: Plan) -> dict[str, Any]:
    train = plan.graph.graph.spec.document.train
    shown = {k: v for k, v in train.model_dump(mode="json").items() if v is not None}
    shown["optimizer"] = {train.optimizer.name: shown["optimizer"]["options"]}
    if isinstance(train.schedule, Schedule):
        shown["schedule"] = {train.schedule.name: shown["schedule"]["options"]}
    return shown


def at(span: Span) -> str:
    """`specs/vae.yaml:10:3`."""
    return f"{span.source.name}:{span.line}:{span.column}"


def _nodes(plan: Plan, program: str) -> dict[str, Any]:
    graph = plan.graph
    return {
        plan.python[name]: {
            "role": node.role,
            "shape": list(graph.types[node.id].shape),
            "global": not graph.types[node.id].is_local,
            "at": at(node.span),
        }
        for name, node in graph.graph.programs[program].nodes.items()
        if node.shift is None
    }


# data


def _data(plan: Plan) -> dict[str, Any] | None:
    graph = plan.graph.graph
    data = graph.spec.document.data
    if not plan.data:
        return _rows_alone(plan)
    if data is None:
        return None
    used = {node.field: name for name, node in graph.model.nodes.items() if node.field}
    return {
        "source": data.source,
        "options": {k: _jsonable(v) for k, v in data.options.items()},
        "split": {name: _jsonable(rule) for name, rule in data.split.items()},
        "fields": {
            plan.python[used[name]]: _field(plan, used[name], field)
            for name, field in graph.fields.items()
            if name in used
        },
    }


def _rows_alone(plan: Plan) -> dict[str, Any]:
    """Rows without data, by their numbers: as many as a batch has, so that an epoch is one step.

    Where every node is shared by all rows there is one.
    """
    types = (f.type for program in plan.programs.values() for f in program.factors.values())
    is_local = any(kind.is_local for kind in types)
    document = plan.graph.graph.spec.document
    field = {"from": "row", "shape": [], "dtype": "int64", "support": {"kind": "real"}}
    return {
        "source": "rows",
        "options": {"rows": document.train.batch_size if is_local else 1},
        "split": {},
        "fields": {plan.python[ROW]: field},
    }


def _jsonable(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if hasattr(value, "items"):
        return {k: _jsonable(v) for k, v in value.items()}
    return value


def _field(plan: Plan, name: str, field: DataField) -> dict[str, Any]:
    node = plan.graph.graph.model.nodes[name]
    kind = plan.graph.types[node.id]
    steps = [plan.graph.graph.size_of(node.scan)] if node.scan is not None else []
    entry: dict[str, Any] = {
        "from": _jsonable(field.origin),
        "shape": [*steps, *kind.shape],
        "dtype": plan.dtype(name),
        "support": _support(_checked(field, kind.support)),
        "at": at(field.span),
    }
    owner = node if node.whole is None else plan.graph.graph.model.nodes[node.whole]
    if node.role == "observed" and owner.entry is not None:
        entry["distribution"] = owner.entry.name
    if node.whole is not None:
        entry["whole"] = node.whole
    for key in ("binarize", "scale", "standardize", "one_hot", "many_hot", "constrain"):
        if field.transforms.get(key) is not None:
            entry[key] = field.transforms[key]
    limits = _limits(plan, owner)
    if limits:
        entry["limits"] = limits
    missing = plan.missing.get(name)
    if missing is not None:
        rank = missing.rank
        entry["missing"] = {
            "known": missing.known,
            "shape": [*steps, *kind.shape[:rank]],
            "filled": missing.fills,
            **_fills(field, kind.support),
        }
    if field.picture is not None and math.prod(field.picture) == math.prod((*steps, *kind.shape)):
        entry["picture"] = list(field.picture)
    return entry


def _limits(plan: Plan, node: Node) -> list[dict[str, Any]]:
    """What bounds a value, where that is another field of its row or a number of the spec."""
    found: list[dict[str, Any]] = []
    if node.role != "observed" or node.entry is None or node.through:
        return found
    for kind, parameter in node.entry.limits.items():
        value = node.arguments.get(parameter)
        if isinstance(value, Number):
            found.append({"kind": kind, "parameter": parameter, "value": value.value})
        if not isinstance(value, Name):
            continue
        other = plan.graph.graph.model.nodes.get(value.id)
        constant = plan.graph.graph.constants.get(value.id)
        if other is not None and other.role == "given" and other.field is not None:
            of = plan.python[value.id]
            found.append({"kind": kind, "parameter": parameter, "field": of})
        elif isinstance(constant, (int, float)):
            found.append({"kind": kind, "parameter": parameter, "value": constant})
    return found


def _checked(field: DataField, support: Support) -> Support:
    """What the values of a field are held against: what its node takes, and what it states."""
    stated = field.support if field.transforms.get("constrain") else None
    return support if stated is None else meet(support, stated) or support


def _fills(field: DataField, support: Support) -> dict[str, Any]:
    """What stands for a missing value, what is shown in its place, and what is hidden."""
    keys = {"missing": "marker", "hide": "hide", "repeat": "repeat"}
    said = {to: field.transforms.get(key) for key, to in keys.items()}
    found = {key: value for key, value in said.items() if value is not None}
    zero = contains(support, point(0)) and not support.event_rank
    fill = field.transforms.get("fill") or ("zero" if zero or support.discrete else "mean")
    return {**found, "fill": fill}


def _support(support: Support) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": type(support).__name__.lower()}
    if support.event_rank:
        return shown
    inside = bounds(support)
    for key in ("low", "high"):
        value = getattr(inside, key)
        if math.isfinite(value):
            shown[key] = value
    for key in ("low_open", "high_open"):
        if getattr(inside, key):
            shown[key] = True
    return shown


__all__ = ["MODEL", "at", "manifest", "manifest_text", "parameters"]
