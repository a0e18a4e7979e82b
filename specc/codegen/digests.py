"""Digests of a spec: what changed when they differ.

`source` covers the bytes, `math` the programs and the objective with every node's and link's name
erased, `parameters` the names and shapes of the learnt tensors, `training` how they start and what
the schema marks as training. `specc.verdict` says what follows for a run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from specc.catalog.entry import Shape
from specc.codegen.erase import (
    Key,
    Rename,
    content,
    digest,
    erased_names,
    link_content,
    starting_options,
    term_content,
)
from specc.codegen.plan import Plan
from specc.graph.graph import Graph, Node
from specc.language.schema.digests import digest_class
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.train import Optimizer


def digests(
    plan: Plan, parameters: Sequence[tuple[str, Shape]], names: Mapping[Key, str] | None = None
) -> dict[str, str]:
    """All digests of a compiled spec; the order of the parameters does not matter."""
    spec = plan.graph.graph.spec
    names = names or erased_names(plan)
    return {
        "source": hashlib.sha256(spec.source.text.encode()).hexdigest(),
        "math": digest(mathematics(plan, names)),
        "training": digest([training(spec.document), starts(plan, names)]),
        "parameters": digest(sorted((name, list(shape)) for name, shape in parameters)),
    }


def training(document: BaseModel) -> object:
    """Everything under the document that belongs to the training, resolved to its defaults."""
    found: dict[str, object] = {}
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        if digest_class(field) in ("training", "steering"):
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


def mathematics(plan: Plan, names: Mapping[Key, str]) -> object:
    """The programs, links and objective with names erased: the same for a renamed model.

    Names give way to those that `erased_names` found, constants to their values; the objective is
    what its name stands for.
    """
    rename = names.__getitem__
    graph = plan.graph.graph
    links, draws = plan.graph.sized, plan.objective.draws.values()
    data = graph.spec.document.data
    return {
        "nodes": sorted(
            [rename(("node", n.name)), n.program, content(plan, n.id, rename)] for n in _nodes(plan)
        ),
        "links": sorted([rename(("link", name)), link_content(plan, name)] for name in links),
        "plates": sorted([rename(("plate", name)), size] for name, size in graph.plates.items()),
        **({"scans": _scans(graph, rename)} if graph.scans else {}),
        "objective": [term_content(p.minimize, rename) for p in plan.objective.players],
        "particles": plan.objective.particles,
        **({"warm_up": plan.objective.warm_up} if plan.objective.warm_up else {}),
        "draws": sorted([rename(("node", d.node)), d.program, d.kind, d.option] for d in draws),
        "data": data.source if data is not None else None,
    }


def starts(plan: Plan, names: Mapping[Key, str]) -> Mapping[str, object]:
    """How learnt tensors start, by erased name, where the spec says it."""
    nodes: dict[str, object] = {
        f"{n.program} {names['node', n.name]}": n.init for n in _nodes(plan) if n.init is not None
    }
    links = {names["link", name]: starting_options(plan, name) for name in plan.graph.sized}
    return nodes | {name: options for name, options in links.items() if options}


def fixed(plan: Plan, names: Mapping[Key, str]) -> dict[str, object]:
    """What a run holds on to beside its mathematics, by where it stands in the spec.

    These are the values marked `training`; those marked `steering` a run can change on its way.
    """
    document = plan.graph.graph.spec.document
    given = {"data": document.data, "train": document.train}
    found = {where: item for key, value in given.items() for where, item in _fixed(key, value)}
    return found | {"init": dict(starts(plan, names))}


def _fixed(where: str, value: object) -> Iterator[tuple[str, object]]:
    if not isinstance(value, BaseModel):
        return
    for name, field in type(value).model_fields.items():
        inner = getattr(value, name)
        if isinstance(inner, Optimizer):
            yield f"{where}.{name}", inner.name
            options = OPTIMIZERS[inner.name].model_fields
            held = (o for o in inner.options if digest_class(options[o]) == "training")
            yield from ((f"{where}.{name}.{o}", _plain(inner.options[o])) for o in held)
        elif digest_class(field) == "training":
            yield f"{where}.{name}", _plain(inner)


def _scans(graph: Graph, rename: Rename) -> list[list[object]]:
    """The sequences: their steps, and the node that says how many of them a row has."""
    return sorted(
        [rename(("plate", name)), scan.steps, scan.lengths and rename(("node", scan.lengths))]
        for name, scan in graph.scans.items()
    )


def _nodes(plan: Plan) -> list[Node]:
    programs = plan.graph.graph.programs.values()
    return [node for program in programs for node in program.nodes.values()]
