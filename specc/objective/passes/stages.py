"""Stages: what each trains, and the links and parameters that are copied when one starts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from specc.catalog.entry import Layer, Lowered, Shape
from specc.catalog.parameters import parameters
from specc.catalog.supports import Support
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import ROWS, Graph, SizedLink, TypedGraph
from specc.graph.nodes import Node
from specc.language.schema import objective as written
from specc.language.schema.objective import Players, Stages, written_losses
from specc.language.schema.spec import Path
from specc.objective.objective import Copy, Stage
from specc.objective.passes.trainable import known_names, report_unknown

Slot = tuple[str, Shape]
"""A tensor of a link: its place in the link, and its shape."""


def stages_of(graph: Graph) -> tuple[Stage, ...]:
    """Return the stages with the names of their losses; none if the objective is a single one."""
    objective = graph.spec.document.objective
    if not isinstance(objective, Stages):
        return ()
    players: dict[str, list[str]] = {stage.name: [] for stage in objective.stages}
    for loss in written_losses(objective):
        assert loss.stage is not None
        players[loss.stage.name].append(loss.name)
    return tuple(_stage(graph, stage, tuple(players[stage.name])) for stage in objective.stages)


def _stage(graph: Graph, stage: written.Stage, players: tuple[str, ...]) -> Stage:
    own = stage.objective
    order = own.order if isinstance(own, Players) else "alternating"
    copies = (Copy(name, each.name, each.transposed) for name, each in stage.copies.items())
    nodes = ((_node_of(graph, field), own) for field, own in (stage.rows or {}).items())
    rows = {node.name: classes for node, classes in nodes if node is not None}
    return Stage(stage.name, players, order, tuple(copies), MappingProxyType(rows))


def _node_of(graph: Graph, field: str) -> Node | None:
    """Return the first node that has a field as its value."""
    return next((node for node in graph.model.nodes.values() if node.field == field), None)


def trained_by(graph: Graph, stage: written.Stage) -> tuple[str, ...] | None:
    """Return what a stage with a single loss trains, None for everything.

    With `freeze:` these are all links, parameters and latents, which may be learnable points, but
    for the frozen ones.
    """
    if not stage.freeze:
        return stage.links
    nodes = [node for program in graph.programs.values() for node in program.nodes.values()]
    names = [*known_names(graph), *(node.name for node in nodes if node.role == "latent")]
    return tuple(name for name in dict.fromkeys(names) if name not in stage.freeze)


def check_stages(typed: TypedGraph, findings: Findings) -> None:
    """Report unknown names of stages, links that no stage trains, and copies that do not fit."""
    graph = typed.graph
    objective = graph.spec.document.objective
    if not isinstance(objective, Stages):
        return
    before = len(findings.diagnostics)
    for number, stage in enumerate(objective.stages):
        path: Path = ("objective", "stages", number)
        for key, names in (("links", stage.links or ()), ("freeze", stage.freeze)):
            for position, name in enumerate(names):
                report_unknown(graph, name, (*path, key, position), findings)
        _check_copies(typed, stage, (*path, "copy"), findings)
        _check_rows(typed, stage, (*path, "rows"), findings)
    if len(findings.diagnostics) == before:
        _check_idle(graph, objective, findings)


def _check_idle(graph: Graph, objective: Stages, findings: Findings) -> None:
    """Warn about links and parameters that no stage trains and none is copied to."""
    moved: set[str] = set()
    for loss in written_losses(objective):
        own = loss.written
        links = own.links if isinstance(own, written.Player) else None
        assert loss.stage is not None
        links = links if links is not None else trained_by(graph, loss.stage)
        if links is None:
            return
        moved.update(links)
    moved.update(name for stage in objective.stages for name in stage.copies)
    for name, span in known_names(graph).items():
        if name not in moved:
            findings.add(diagnose("W0475", span, name=name))


def _check_rows(typed: TypedGraph, stage: written.Stage, path: Path, findings: Findings) -> None:
    """Report fields of the rows of a stage that do not have the number of a class in each row."""
    graph = typed.graph
    for name in stage.rows or {}:
        problem, hint, guess = _refusal_of_field(typed, name)
        if problem:
            span, words = graph.spec.spans.key((*path, name)), {"problem": problem, "hint": hint}
            found = diagnose("E0476", span, labels=(), suggestion=guess, name=name, **words)
            findings.add(found)


def _refusal_of_field(typed: TypedGraph, name: str) -> tuple[str, str, str | None]:
    """Return why a field has no classes to choose rows by, a hint, and a name meant; else empty."""
    graph, node = typed.graph, _node_of(typed.graph, name)
    if name not in graph.fields:
        known = ", ".join(f"`{each}`" for each in graph.fields)
        return "is no field of the data", f"the fields are {known}", nearest(name, graph.fields)
    if node is None:
        hint = f"let a node of the model use it, such as `{name}: {{given: {name}}}`"
        return "is a field that no node uses", hint, None
    if node.id not in typed.types:
        return "", "", None  # reported where its type is inferred
    kind, drawn = typed.types[node.id], graph.fields[name].transforms.get("binarize") == "sample"
    has_class = not kind.shape and set(kind.plates) == {ROWS} and not drawn
    return "" if has_class else "does not have the number of a class in each row", "", None


# copies


def _check_copies(typed: TypedGraph, stage: written.Stage, path: Path, findings: Findings) -> None:
    graph, spans = typed.graph, typed.graph.spec.spans
    for target, source in stage.copies.items():
        place = (*path, target)
        before = len(findings.diagnostics)
        report_unknown(graph, target, place, findings, is_key=True)
        report_unknown(graph, source.name, place, findings)
        if len(findings.diagnostics) > before:
            continue
        refusal = _refusal(typed, target, source)
        if refusal:
            span, (reason, hint) = spans.value(place), refusal
            words = {"source": span.text, "target": target, "reason": reason, "hint": hint}
            findings.add(diagnose("E0473", span, labels=(), **words))


def _refusal(typed: TypedGraph, target: str, source: written.CopySource) -> tuple[str, str] | None:
    """Return why a copy is impossible, with a hint; None if it fits."""
    names = (source.name, target)
    if target == source.name:
        return "it is the same one", "delete it"
    nodes = [list(_parameters(typed.graph, name)) for name in names]
    if not _are_sized(typed, names, [*nodes[0], *nodes[1]]):
        return None  # reported where their sizes are inferred
    if not nodes[0] and not nodes[1]:
        return _refusal_of_links(typed, target, source)
    if not nodes[0] or not nodes[1]:
        link = names[0] if not nodes[0] else names[1]
        return f"`{link}` is a link, and the other one a parameter", "copy a link to a link"
    if len(nodes[0]) > 1 or len(nodes[1]) > 1:
        return "more than one program has a parameter of that name", "rename one of them"
    (one,), (other,) = nodes
    return _refusal_of_parameters(typed, one, other, source)


def _are_sized(typed: TypedGraph, names: Sequence[str], nodes: Sequence[Node]) -> bool:
    links = [name for name in names if typed.graph.is_link(name)]
    return all(name in typed.sized for name in links) and all(n.id in typed.types for n in nodes)


def _parameters(graph: Graph, name: str) -> Iterator[Node]:
    for program in graph.programs.values():
        node = program.nodes.get(name)
        if node is not None and node.role == "parameter":
            yield node


def _refusal_of_parameters(
    typed: TypedGraph, source: Node, target: Node, spec: written.CopySource
) -> tuple[str, str] | None:
    shapes = [_shape(typed, node) for node in (source, target)]
    supports = [typed.types[node.id].support for node in (source, target)]
    if supports[0] != supports[1]:
        return "their values are of different kinds", "give both the same support"
    before, after = shapes
    if spec.transposed and (len(before) != 2 or _is_joint(supports[0])):
        return f"only a matrix of numbers has a transpose; it is {list(before)}", ""
    found = before[::-1] if spec.transposed else before
    if found == after:
        return None
    hint = f"write `transpose({source.name})`" if before[::-1] == after else ""
    return f"it is {list(found)}, and `{target.name}` is {list(after)}", hint


def _shape(typed: TypedGraph, node: Node) -> Shape:
    kind = typed.types[node.id]
    return (*(typed.graph.size_of(plate) for plate in kind.plates), *kind.shape)


def _is_joint(support: Support) -> bool:
    return support.event_rank > 0


def _refusal_of_links(
    typed: TypedGraph, target: str, source: written.CopySource
) -> tuple[str, str] | None:
    if source.transposed:
        return f"`{source.name}` is a link, and only a parameter has a transpose", ""
    slots = [list(_slots(typed.sized[name])) for name in (source.name, target)]
    for (place, before), (other, after) in zip(*slots, strict=False):
        if place != other:
            return f"its layers differ from those of `{target}`", ""
        if before != after:
            where = f"`{place}` is {list(before)} in it"
            return f"{where} and {list(after)} in `{target}`", "give both links the same sizes"
    if len(slots[0]) != len(slots[1]):
        counts = [sum(math.prod(shape) for _, shape in own) for own in slots]
        return f"it has {counts[0]:,} numbers, and `{target}` {counts[1]:,}", ""
    return None


def _slots(link: SizedLink) -> Iterator[Slot]:
    """Yield the tensors of a link: of its layers, of its tail, and of its heads by parameter."""
    yield from _of(link.module, "")
    if link.tail is not None:
        yield from _of(link.tail, "out.")
    for number, ((_, parameter), head) in enumerate(link.heads.items()):
        yield from _of(head, f"{parameter}.{number}.")


def _of(lowered: Lowered, prefix: str) -> Iterator[Slot]:
    layer = Layer("nn.Sequential", children=lowered.layers)
    yield from ((f"{prefix}{name}", shape) for name, shape in parameters(layer).items())
