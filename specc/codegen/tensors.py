"""The learnable tensors of a plan with their names and shapes, and canonical names of modules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from specc.catalog.causal import Causal
from specc.catalog.entry import Layer, Lowered, Shape
from specc.catalog.link import Link
from specc.catalog.links.blocks.folding import TARGET as FOLDED
from specc.catalog.links.blocks.spectral import NORMALIZED
from specc.catalog.links.gru import TARGET as GRU
from specc.catalog.parameters import parameters as layer_parameters
from specc.catalog.parameters import walk
from specc.codegen.alpha_renaming import Key, canonical_names
from specc.codegen.digests import digests, fixed
from specc.codegen.plan import LinkModule, Plan, ProgramPlan
from specc.graph.queries import input_rank
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call
from specc.language.expressions.walk import calls
from specc.objective.objective import Copy, Player
from specc.verdict import Module, Side

CHAINS = ("nn.Sequential", FOLDED, GRU)
"""Layers whose first child takes the input, apart from the state of a recurrent layer."""
LINEAR = ("nn.Linear", NORMALIZED["nn.Linear"])
"""Layers whose weight has a column for each entry of the input."""


def side(plan: Plan) -> Side:
    """Return the plan as `specc.verdict` compares it."""
    found, names = parameters(plan), canonical_names(plan)
    sampler, own = plan.experiment.sampler, digests(plan, found, names)
    draws = 0 if sampler is None else int(str(sampler.options["draws"]))
    return Side(own, dict(found), modules(plan, names), fixed(plan, names), draws)


def parameters(plan: Plan) -> list[tuple[str, Shape]]:
    """Return the name and shape of every learnable tensor, in the order of `named_parameters()`."""
    return [item for program in plan.programs.values() for item in _of_program(program)]


def trained(plan: Plan, player: Player) -> list[str]:
    """Return prefixes of the names of the tensors that a player trains, such as `model.decoder`.

    A link includes the heads on it. A player without `links:` trains whole programs.
    """
    if player.links is None:
        return list(plan.programs)
    found = [
        f"{program.name}.{attribute}"
        for program in plan.programs.values()
        for name, attribute in owned(program)
        if name in player.links
    ]
    return list(dict.fromkeys(found))


def copied(plan: Plan, copy: Copy) -> list[tuple[str, str]]:
    """Return the modules and parameters that a copy sets, each with the one that it is set from."""
    target, source = (
        [
            f"{program.name}.{attribute}"
            for program in plan.programs.values()
            for name, attribute in owned(program)
            if name == own
        ]
        for own in (copy.target, copy.source)
    )
    return list(zip(target, source, strict=True))


def owned(program: ProgramPlan) -> Iterator[tuple[str, str]]:
    """Yield links and learnable parameters with the attributes that have their tensors."""
    for item in program.learnable:
        yield item.node.name, item.raw
    for module in program.modules:
        if module.lowered.layers:
            yield module.link.name, module.attribute
        if module.tail is not None:
            yield module.link.name, module.tail.attribute
    for head in program.heads:
        assert isinstance(head.node.params, Call)
        yield head.node.params.function, head.attribute


def _of_program(program: ProgramPlan) -> Iterator[tuple[str, Shape]]:
    for item in program.learnable:
        yield f"{program.name}.{item.raw}", item.raw_shape
    for attribute, lowered in _networks(program):
        yield from _of_module(program.name, attribute, lowered)


def after_updates(plan: Plan) -> list[dict[str, Any]]:
    """Return the rules that update tensors after parameters, in the order of application."""
    return list(_averages(plan)) + [
        {"rule": layer.after_update, "module": place, "of": place}
        for program in plan.programs.values()
        for attribute, lowered in _networks(program)
        for prefix, layer in walk(_as_layer(lowered), f"{program.name}.{attribute}.")
        for place in (prefix.rstrip("."),)
        if layer.after_update
    ]


def _averages(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the rules of links that are moving averages of other links."""
    places = {
        module.link.name: [f"{program.name}.{name}" for name in _attributes(module)]
        for program in plan.programs.values()
        for module in program.modules
    }
    for name, own in places.items():
        average = plan.graph.graph.links[name].average
        if average is not None:
            for average_place, followed in zip(own, places[average.of], strict=True):
                rule = {"rule": "moving_average", "module": average_place, "of": followed}
                yield {**rule, "decay": average.decay}


def _attributes(module: LinkModule) -> Iterator[str]:
    """Yield the attributes that have the layers of a link."""
    if module.lowered.layers:
        yield module.attribute
    if module.tail is not None:
        yield module.tail.attribute


def _networks(program: ProgramPlan) -> Iterator[tuple[str, Lowered]]:
    """Yield the attributes of the networks of a program with their layers."""
    for module in program.modules:
        if module.lowered.layers:
            yield module.attribute, module.lowered
        if module.tail is not None:
            yield module.tail.attribute, module.tail.lowered
    for head in program.heads:
        yield head.attribute, head.lowered


def _of_module(program: str, attribute: str, lowered: Lowered) -> Iterator[tuple[str, Shape]]:
    for name, shape in layer_parameters(_as_layer(lowered)).items():
        yield f"{program}.{attribute}.{name}", shape


def _as_layer(lowered: Lowered) -> Layer:
    layers = lowered.layers
    return layers[0] if len(layers) == 1 else Layer("nn.Sequential", children=layers)


# modules with canonical names


def modules(plan: Plan, names: Mapping[Key, str]) -> dict[str, Module]:
    """Return every link, head and learnable tensor by its name in the code: `model.decoder`."""
    return {
        f"{program.name}.{attribute}": module
        for program in plan.programs.values()
        for attribute, module in _modules(plan, program, names)
    }


def _modules(
    plan: Plan, program: ProgramPlan, names: Mapping[Key, str]
) -> Iterator[tuple[str, Module]]:
    for item in program.learnable:
        yield item.raw, Module(f"{program.name} {names['node', item.node.name]}")
    trunks: dict[str, Module] = {}
    links = {own.link.name: own for own in (*program.modules, *program.shared_modules)}
    shared = {own.link.name for own in program.shared_modules}
    for own in links.values():
        canonical, inputs = names["link", own.link.name], _inputs(plan, program, own)
        columns = _columns(_as_layer(own.lowered)) if own.lowered.layers else None
        trunks[own.link.name] = Module(canonical, inputs, columns or {})
        if own.link.name in shared:
            continue
        if own.lowered.layers:
            yield own.attribute, trunks[own.link.name]
        if own.tail is not None:
            yield own.tail.attribute, Module(f"{canonical} out")
    for head in program.heads:
        assert isinstance(head.node.params, Call)
        canonical = f"{program.name} {names['node', head.node.name]} {head.parameter.name}"
        link = head.node.params.function
        if links[link].lowered.layers:
            yield head.attribute, Module(canonical)
        else:
            columns = _columns(_as_layer(head.lowered))
            yield head.attribute, Module(canonical, trunks[link].inputs, columns or {})


def _inputs(plan: Plan, program: ProgramPlan, own: LinkModule) -> tuple[tuple[str, int], ...]:
    """Return the arguments that a link concatenates, with their widths; empty if only one.

    The node of a causal link and the state of a recurrent one do not count.
    """
    entry = own.link.entry
    excluded = isinstance(entry, Causal) or (isinstance(entry, Link) and entry.recurrent)
    shapes = own.inputs[excluded:]
    if len(shapes) < 2 or input_rank(own.link) != 1:
        return ()
    uses = [
        call.arguments[excluded:]
        for node in plan.graph.graph.programs[program.name].nodes.values()
        for expression in (*node.expressions(), *([node.initial] if node.initial else []))
        for call in calls(expression)
        if call.function == own.link.name
    ]
    shown = [dict.fromkeys(print_expression(use[at]) for use in uses) for at in range(len(shapes))]
    return tuple(
        (" | ".join(texts), math.prod(shape)) for texts, shape in zip(shown, shapes, strict=True)
    )


def _columns(layer: Layer) -> dict[str, int] | None:
    """Return the tensors with an axis along the input, and the index of the axis.

    These are the weight of the first linear layer, and the tensors of normalizations before it.
    None if another layer comes first, for which this is unknown.
    """
    found: dict[str, int] = {}
    for name, each in _in_order(layer, ""):
        own = layer_parameters(each)
        if each.target in LINEAR:
            return found | {f"{name}weight": 1}
        if each.target in ("nn.LayerNorm", "nn.BatchNorm1d"):
            found |= {f"{name}{key}": 0 for key in own}
        elif own or each.children or each.target == "nn.Unflatten":
            return None
    return None


def _in_order(layer: Layer, prefix: str) -> Iterator[tuple[str, Layer]]:
    """Yield the layers of a chain in order, with the prefixes of their tensors' names."""
    if layer.target not in CHAINS:
        yield prefix, layer
        return
    for number, child in enumerate(layer.children):
        name = layer.names[number] if layer.names else number
        yield from _in_order(child, f"{prefix}{name}.")
