"""Digests of a spec: what changed when they differ.

`source` covers the bytes, `math` the programs and the objective with every node's and link's name
erased, `parameters` the names and shapes of the learnt tensors, `training` what the schema marks as
such. A run is resumed when `math`, `parameters` and `training` agree, warm-started when
`parameters` overlap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from specc.catalog.entry import Shape
from specc.codegen.erase import Eraser, content, digest, erased_names, link_content
from specc.codegen.plan import Plan
from specc.language.schema.digests import digest_class
from specc.language.schema.objective import Minimize


def digests(plan: Plan, parameters: Sequence[tuple[str, Shape]]) -> dict[str, str]:
    """All digests of a compiled spec; the order of the parameters does not matter."""
    spec = plan.graph.graph.spec
    return {
        "source": hashlib.sha256(spec.source.text.encode()).hexdigest(),
        "math": digest(mathematics(plan)),
        "training": digest(training(spec.document)),
        "parameters": digest(sorted((name, list(shape)) for name, shape in parameters)),
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

    Names give way to numbers in an order that follows from the structure alone (`erased_names`),
    constants to their values.
    """
    graph = plan.graph.graph
    names = erased_names(plan)
    eraser = Eraser(names, graph.constants)
    return {
        "programs": [_program(plan, program, eraser) for program in graph.programs],
        "links": [
            link_content(plan, name) for name in sorted(plan.graph.sized, key=names.__getitem__)
        ],
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


def _objective(plan: Plan, eraser: Eraser) -> object:
    written = plan.graph.graph.spec.document.objective
    draws = sorted((eraser.names[d.node], d.kind, d.option) for d in plan.objective.draws.values())
    if isinstance(written, Minimize):
        return {"minimize": eraser.tree(written.expression), "draws": draws}
    return {
        "name": plan.objective.entry.name,
        "particles": plan.objective.particles,
        "draws": draws,
    }


def _program(plan: Plan, program: str, eraser: Eraser) -> object:
    nodes = plan.graph.graph.programs[program].order
    return [
        {"name": eraser.names[name], **content(plan, (program, name), eraser)}
        for name in sorted(nodes, key=eraser.names.__getitem__)
    ]
