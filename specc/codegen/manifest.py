"""The manifest beside generated code, from which the run time learns everything about the spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import networkx as nx

from specc.catalog.supports import Support, bounds, contains, meet, point
from specc.codegen.opposed_chains import declaration
from specc.codegen.plan import ROW, Factor, Plan, ProgramPlan
from specc.codegen.steps import loop, sequence
from specc.codegen.tensors import after_updates, copied, side, trained
from specc.diagnostics.printable import json_text
from specc.diagnostics.source import Span
from specc.graph.blocks import blocks
from specc.graph.graph import ENERGY, FREE_ENERGY, MODEL, DataField
from specc.graph.nodes import Node
from specc.language.expressions.tree import Name, Number
from specc.objective.experiment import DataSource, LikelihoodEstimate, SampleMetric
from specc.objective.objective import Player, Stage, State
from specc.objective.passes.row_functions import is_over_rows
from specc.verdict import Module
from specc.version import VERSION

FORMAT = 2

TRANSFORMS = (
    "binarize",
    "scale",
    "categories",
    "base",
    "clip",
    "log",
    "logit",
    "standardize",
    "one_hot",
    "many_hot",
    "constrain",
)
"""The transformations of a field that the manifest has."""


def manifest(plan: Plan) -> dict[str, Any]:
    """Return the manifest as a JSON value."""
    experiment, own = plan.experiment, side(plan)
    named = [{"name": name, "shape": list(shape)} for name, shape in own.shapes.items()]
    return {
        "format": FORMAT,
        "name": experiment.name,
        "doc": experiment.doc,
        "source": plan.source,
        "specc": VERSION,
        "digests": dict(own.digests),
        "data": _data(plan),
        "nodes": {name: _nodes(plan, name) for name in plan.programs},
        "losses": [
            {
                "name": player.name,
                "inputs": [plan.python[n] for n in plan.losses[player.name].inputs],
                "scalars": _scalars(plan, player),
                "state": [_state(own) for own in player.state],
                **_subsampled(plan, player),
                **loop(plan),
                **({"bound": player.variable} if player.is_bound else {}),
                **({"over_rows": True} if is_over_rows(plan.graph.graph, player.minimize) else {}),
                "parameters": trained(plan, player),
            }
            for player in plan.objective.players
        ],
        **({"order": plan.objective.order} if plan.objective.order != "alternating" else {}),
        **(
            {"stages": stages}
            if (stages := [_stage(plan, s) for s in plan.objective.stages])
            else {}
        ),
        **({"after_update": rules} if (rules := after_updates(plan)) else {}),
        **sequence(plan),
        **declaration(plan),
        **_sampler(plan),
        **_energy(plan),
        **(
            {"coupled": coupled}
            if (coupled := [plan.python[n] for n in plan.objective.coupled])
            else {}
        ),
        "capabilities": {
            f"{program}.{method}": [plan.python[n] for n in inputs]
            for program, methods in plan.methods.items()
            for method, inputs in methods.items()
        },
        "parameters": named,
        "modules": {name: _module(module) for name, module in own.modules.items()},
        "fixed": dict(own.fixed),
        "train": dict(experiment.training.settings),
        "evaluate": {n: _evaluation(plan, each) for n, each in experiment.evaluations.items()},
    }


def _sampler(plan: Plan) -> dict[str, Any]:
    """Return the sampler with its options, and the unconstrained tensor of each latent."""
    own = plan.experiment.sampler
    if own is None:
        return {}
    learnable = plan.programs[MODEL].learnable
    latents = {item.attribute: f"{MODEL}.{item.raw}" for item in learnable}
    found = {"name": own.entry.name, "options": dict(own.options), "latents": latents}
    of_rows = [item.attribute for item in learnable if item.of_rows]
    columns = plan.programs[MODEL].data_of_rows.items()
    data = {plan.python[name]: f"{MODEL}.{buffer}" for name, buffer in columns}
    more = {"rows": of_rows, "data": data}
    return {"sampler": {**found, **{key: value for key, value in more.items() if value}}}


def _energy(plan: Plan) -> dict[str, Any]:
    """Return the declaration of the energy of the model: its units, and how each is drawn."""
    graph, program = plan.graph.graph.model, plan.programs[MODEL]
    if graph.energy is None:
        return {}

    def inputs(name: str) -> list[str]:
        return [plan.python[each] for each in program.lets[name].inputs]

    units = {}
    for name in graph.units:
        factor = program.factors[name]
        total = next(
            (a.number for a in factor.arguments if a.parameter.name == "total_count"), None
        )
        units[plan.python[name]] = {
            "role": graph.nodes[name].role,
            "distribution": factor.entry.name,
            "shape": list(factor.type.shape),
            "method": factor.method,
            "given": [plan.python[each] for each in factor.given],
            "parameters": [argument.parameter.name for argument in factor.tensors],
            **({} if total is None else {"total": int(total)}),
            **_colors(factor),
        }
    free = inputs(FREE_ENERGY) if FREE_ENERGY in program.lets else None
    lets = _lets(plan, program)
    found = {"energy": inputs(ENERGY), "free_energy": free, "units": units, **lets}
    order = [[plan.python[name] for name in block] for block in blocks(graph)]
    return {"energy": {**found, "blocks": order}}


def _colors(factor: Factor) -> dict[str, Any]:
    """Return the colors of the entries of a unit, if they interact."""
    found = factor.colors
    if found is None:
        return {}
    own = {"buffer": found.attribute, "count": found.count, "neutral": found.neutral}
    return {"colors": own}


def _lets(plan: Plan, program: ProgramPlan) -> dict[str, Any]:
    """Return the values of units and of what is given that the methods of an energy take."""
    graph = plan.graph.graph.model
    assert graph.energy is not None
    behind = nx.ancestors(graph.digraph, graph.energy.name)
    known = {*graph.units, *(n for n in behind if graph.nodes[n].role == "given")}
    found: dict[str, Any] = {}
    for name in (n for n in program.order if n in program.lets):
        given = [*map(str, program.lets[name].inputs)]
        if name in behind and known.issuperset(given):
            known.add(name)
            inputs = [plan.python[each] for each in given]
            found[plan.python[name]] = {"method": program.lets[name].method, "given": inputs}
    return {"lets": found} if found else {}


def _stage(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return a stage: its losses with their order, the copies that start it, and its rows."""
    copies = [
        {"target": target, "source": source, **({"transposed": True} if copy.transposed else {})}
        for copy in stage.copies
        for target, source in copied(plan, copy)
    ]
    order = {"order": stage.order} if stage.order != "alternating" else {}
    classes = {plan.python[name]: list(own) for name, own in stage.rows.items()}
    rows = {"rows": classes} if classes else {}
    return {"name": stage.name, "losses": list(stage.players), **order, "copies": copies, **rows}


def _module(module: Module) -> dict[str, Any]:
    """Return the canonical name of a module, with its inputs if it concatenates several."""
    found: dict[str, Any] = {"canonical": module.canonical}
    if module.inputs:
        found["inputs"] = [list(each) for each in module.inputs]
        found["columns"] = dict(module.columns)
    return found


def _evaluation(plan: Plan, entry: LikelihoodEstimate | SampleMetric) -> dict[str, Any]:
    """Return an entry of `evaluate:`, with the position in the spec of the split that it uses."""
    if isinstance(entry, LikelihoodEstimate):
        return {**entry.settings, "at": at(entry.span)}
    metric, options = entry.entry, dict(entry.options)
    if metric.label:
        options[metric.label] = plan.python[str(options[metric.label])]
    return {
        "metric": metric.name,
        "node": plan.python[entry.node],
        **entry.settings,
        "units": metric.units,
        "options": options,
        "at": at(entry.span),
    }


def _scalars(plan: Plan, player: Player) -> dict[str, dict[str, Any]]:
    """Return the scalar arguments of a loss, each with its kind and options."""
    found: dict[str, dict[str, Any]] = {}
    loss = plan.losses[player.name]
    if loss.needs_data_size:
        found["data_size"] = {"kind": "data_size"}
    for argument, name in loss.shares.items():
        found[argument] = {"kind": "observed_fraction", "of": plan.python[name]}
    if player.warm_up:
        found["kl_weight"] = {"kind": "kl_weight", "warm_up": player.warm_up}
    found |= {name: {"kind": name} for name in loss.scalars}
    return found


def _subsampled(plan: Plan, player: Player) -> dict[str, Any]:
    """Return the plates of which an update leaves out elements, with their data and parameters."""
    graph, weights = plan.graph.graph, plan.losses[player.name].weights
    found = []
    for plate in plan.weights:
        nodes = [name for name in plan.data if graph.model.nodes[name].plate_index == plate]
        own = (
            f"{name}.{item.raw}"
            for name, program in plan.programs.items()
            for item in program.learnable
            if plate in plan.graph.types[item.node.id].plates
        )
        found.append(
            {
                "plate": plate,
                "size": graph.plates[plate],
                "indices": [plan.python[name] for name in nodes],
                "parameters": list(own),
                **({"weight": weights[plate]} if plate in weights else {}),
            }
        )
    return {"subsample": found} if found else {}


def _state(own: State) -> dict[str, Any]:
    """Return the declaration of a tensor that a loss reads and replaces at each step."""
    kind: dict[str, Any] = {"spread": own.spread} if own.spread else {}
    layout = "rows" if own.of_rows else "sharded" if own.is_divided else "replicated"
    kind |= {"dtype": own.dtype, "layout": layout}
    return {"name": own.name, "shape": list(own.shape), "initial": own.initial, **kind}


def manifest_text(plan: Plan) -> str:
    """Return the manifest as the text of a file."""
    return json_text(manifest(plan)) + "\n"


def at(span: Span) -> str:
    """Return a position in a spec as `specs/vae.yaml:10:3`."""
    return f"{span.source.name}:{span.line}:{span.column}"


def _nodes(plan: Plan, program: str) -> dict[str, Any]:
    graph = plan.graph
    attributes = {item.node.name: item.attribute for item in plan.programs[program].learnable}
    return {
        plan.python[name]: {
            "role": node.role,
            "shape": list(graph.types[node.id].shape),
            "global": not graph.types[node.id].is_local,
            **_discrete(plan, node),
            **_names(name, plan.python[name], attributes.get(name)),
            "at": at(node.span),
        }
        for name, node in graph.graph.programs[program].nodes.items()
        if node.shift is None and not node.is_copy
    }


def _discrete(plan: Plan, node: Node) -> dict[str, bool]:
    """Return that the values of a latent of a directed model are whole numbers, if they are."""
    graph = plan.graph
    is_latent = node.role == "latent" and graph.graph.model.energy is None
    return {"discrete": True} if is_latent and graph.types[node.id].support.discrete else {}


def _names(name: str, python: str, attribute: str | None) -> dict[str, str]:
    """Return the name of a node in the spec and its attribute, if they are not the Python name.

    The value of an expression has no name in the spec.
    """
    found = {"name": name} if name != python and name.isidentifier() else {}
    return found if attribute in (None, python) else {**found, "attribute": str(attribute)}


# data


def _data(plan: Plan) -> dict[str, Any] | None:
    graph, sources = plan.graph.graph, plan.experiment.data
    if not plan.data:
        return _row_numbers(plan)
    if not sources:
        return None
    used: dict[str, list[str]] = {}
    for name, node in graph.model.nodes.items():
        if node.field:
            used.setdefault(node.field, []).append(name)
    if len(sources) == 1:
        return _source(plan, sources[0], used)
    found = {own.name: _source(plan, own, used) for own in sources}
    return {"sources": {name: source for name, source in found.items() if source["fields"]}}


def _source(plan: Plan, data: DataSource, used: Mapping[str, list[str]]) -> dict[str, Any]:
    """A source with the fields that nodes of the model use."""
    return {
        "source": data.source,
        "options": dict(data.options),
        "split": dict(data.split),
        **_subset(plan, data, used),
        **({"batch_size": data.batch_size} if data.batch_size is not None else {}),
        "fields": {
            plan.python[name]: _field(plan, name, field)
            for key, field in plan.graph.graph.fields.items()
            if field.source == data.name
            for name in used.get(key, ())
        },
    }


def _subset(plan: Plan, data: DataSource, used: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the options by which training rows are chosen, if not all of them are used."""
    found = dict(data.subset)
    field = str(found.get("per_class", ""))
    if used.get(field):
        found["per_class"] = plan.python[used[field][0]]
    return {"subset": found} if found else {}


def _row_numbers(plan: Plan) -> dict[str, Any]:
    """Return a source of row numbers for a spec without data.

    There are as many rows as a batch has, so that an epoch is one step; one row if all nodes are
    global.
    """
    types = (f.type for program in plan.programs.values() for f in program.factors.values())
    is_local = any(kind.is_local for kind in types)
    field = {"from": "row", "shape": [], "dtype": "int64", "support": {"kind": "real"}}
    return {
        "source": "rows",
        "options": {"rows": plan.experiment.training.batch_size if is_local else 1},
        "split": {},
        "fields": {plan.python[ROW]: field},
    }


def _field(plan: Plan, name: str, field: DataField) -> dict[str, Any]:
    node = plan.graph.graph.model.nodes[name]
    kind = plan.graph.types[node.id]
    steps = [plan.graph.graph.size_of(node.scan)] if node.scan is not None else []
    entry: dict[str, Any] = {
        "from": field.origin if isinstance(field.origin, str) else list(field.origin),
        "shape": [*steps, *kind.shape],
        "dtype": plan.dtype(node),
        "support": _support(_checked(field, kind.support)),
        "at": at(field.span),
    }
    owner = node if node.joint is None else plan.graph.graph.model.nodes[node.joint]
    if node.role == "observed" and owner.entry is not None:
        entry["distribution"] = owner.entry.name
    if node.joint is not None:
        entry["whole"] = node.joint
    for key in TRANSFORMS:
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
    """Return the bounds of an observed value that are fields of its row or numbers of the spec."""
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
    """Return the support that the values of a field must have: of the node, and of `constrain:`."""
    stated = field.support if field.transforms.get("constrain") else None
    return support if stated is None else meet(support, stated) or support


def _fills(field: DataField, support: Support) -> dict[str, Any]:
    """Return the marker of missing values, the value that replaces them, and `hide:`, `repeat:`."""
    keys = {"missing": "marker", "hide": "hide", "repeat": "repeat"}
    stated = {to: field.transforms.get(key) for key, to in keys.items()}
    found = {key: value for key, value in stated.items() if value is not None}
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
