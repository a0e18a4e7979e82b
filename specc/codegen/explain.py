"""Describes a plan, with the reason of each decision of the compiler, for `specc explain`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from specc.catalog.bijection import Bijection
from specc.catalog.link import Link
from specc.catalog.supports import describe
from specc.codegen.explain_energy import HEAD, block_rows, sums
from specc.codegen.non_centred import non_centred
from specc.codegen.plan import LinkModule, Plan, ProgramPlan
from specc.codegen.tensors import owned, parameters
from specc.codegen.text import (
    factorization,
    objective_formula,
    term_formula,
    terms_by_source,
    title_of,
    written,
)
from specc.counted import counted
from specc.graph.graph import MODEL, NETWORKS, ROWS
from specc.graph.queries import name_in_model
from specc.objective.objective import Player, Stage

WIDTH = 96
WIDEST = 120
"""The largest width of the title, which is that of the widest table."""
STATEMENT = 52
"""The largest width of a sampling statement in the table of nodes, which shrinks for others."""
LEAST = 24
SUPPORT = 40
"""The largest width of a support in that table."""
FOLD = "    "
"""The indent of what follows of a statement."""


def explain(plan: Plan) -> str:
    """Return the factorization, the objective, and every decision, as text."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    experiment = plan.experiment
    doc = f": {experiment.doc}" if experiment.doc else ""
    yield from _wrapped(f"{experiment.name}{doc}", "", WIDEST)
    for program in plan.programs.values():
        if program.name != NETWORKS:
            yield ""
            yield from _program(plan, program)
    yield ""
    yield from _sources(plan)
    yield from _long_form(plan)
    yield from _objective(plan)
    yield from _subsampled(plan)
    yield from _evaluated(plan)
    yield ""
    yield from _non_centred(plan)
    yield from _links(plan)
    yield from _shared(plan)
    yield from _totals(plan)


def _subsampled(plan: Plan) -> Iterator[str]:
    """Yield the plates of which an update leaves out elements."""
    plates = plan.experiment.training.subsampled
    if plates:
        what = (
            f"an update computes only the elements of {' and '.join(plates)} that its batch names;"
            " their terms are weighed, so that the gradient is unbiased"
        )
        yield ""
        yield from _wrapped(what)


def _evaluated(plan: Plan) -> Iterator[str]:
    """The draws of a guide that no loss uses."""
    drawn = ", ".join(plan.objective.evaluated)
    if drawn:
        what = (
            f"evaluation    no loss draws from the guide; its draws of {drawn} give bounds of log p"
        )
        yield ""
        yield from _wrapped(what, "", WIDEST)


def _program(plan: Plan, program: ProgramPlan) -> Iterator[str]:
    what = "model" if program.name == MODEL else program.name
    yield f"{what}    {factorization(plan, program)}"
    nodes = plan.graph.graph.programs[program.name].nodes
    own = [name for name in program.declared if not nodes[name].is_copy]
    whole = [_node(plan, program, name) for name in own]
    lines = _nodes(whole, STATEMENT)
    over = max(map(len, lines)) - WIDEST
    if over > 0:
        widest = max(len(what) for row in whole for _, what, *_ in _folded(row, STATEMENT))
        lines = _nodes(whole, max(widest - over - len(FOLD), LEAST))
    yield from lines
    graph = plan.graph.graph.programs[program.name]
    if blocks := block_rows(graph, program):
        yield ""
        yield from table(HEAD, blocks)
        for sentence in sums(graph):
            yield from _wrapped(sentence)


def _nodes(rows: list[tuple[str, ...]], width: int) -> list[str]:
    """Return the table of nodes, with statements of at most that width."""
    head = ("node", "is", "shape", "support", "line")
    return list(table(head, [row for full in rows for row in _folded(full, width)]))


def _node(plan: Plan, program: ProgramPlan, name: str) -> tuple[str, ...]:
    node = plan.graph.graph.programs[program.name].nodes[name]
    kind = plan.graph.types[node.id]
    if name in program.factors:
        role = f"joint ({', '.join(node.parts)})" if node.parts else node.role
        what = f"{role} ~ {program.factors[name].sampled_from}"
    elif node.joint is not None:
        what = f"{node.role}, a part of {node.joint}"
    elif name in program.lets:
        formula = written(program.lets[name].expression)
        what = f"= {formula}" if formula != name else "computed"
    else:
        what = node.role
    plates = [p for p in kind.plates if p != ROWS]
    where = f" for each of {plates[0]}" if plates else "" if kind.is_local else " (global)"
    where = f" of {kind.source}" if kind.is_local and kind.source and not where else where
    shape = f"[{', '.join(map(str, kind.shape))}]" if kind.shape else "a number"
    return name, what, shape + where, describe(kind.support), str(node.span.line)


def _folded(row: tuple[str, ...], width: int) -> Iterator[tuple[str, ...]]:
    """Yield the row of a node; the rest of a long statement follows in rows below."""
    name, what, shape, support, line = row
    first, *more = textwrap.wrap(what, width, break_long_words=False, break_on_hyphens=False)
    values, *others = textwrap.wrap(support, SUPPORT, break_long_words=False) or [""]
    yield name, first, shape, values, line
    for piece, other in zip_longest(more, others, fillvalue=""):
        yield "", f"{FOLD}{piece}", "", f"{FOLD}{other}" if other else "", ""


def _sources(plan: Plan) -> Iterator[str]:
    """The sources of data, where there are several."""
    if len(plan.experiment.data) < 2:
        return
    yield "data    from sources whose rows are not paired"
    rows = [
        (
            own.name,
            own.source,
            str(own.batch_size or plan.experiment.training.batch_size),
            ", ".join(f.name for f in plan.graph.graph.fields.values() if f.source == own.name),
        )
        for own in plan.experiment.data
    ]
    yield from table(("source", "kind", "rows in a batch", "fields"), rows)
    yield ""


def _long_form(plan: Plan) -> Iterator[str]:
    """Yield the long forms of a derived guide and a named objective, as text of a spec."""
    experiment = plan.experiment
    forms = {"nodes of the guide": experiment.derived, "objective": experiment.long_form}
    for what, text in forms.items():
        if text:
            yield f"long form of the {what}, for a spec"
            for line in text.splitlines():
                yield from _folded_text(f"    {line}")
            yield ""


def _folded_text(line: str) -> Iterator[str]:
    """Yield a line of a spec; a long quoted text becomes a folded block scalar."""
    key, quote, value = line.partition(': "')
    if not quote or len(line) <= WIDTH or not value.endswith('"'):
        yield line
        return
    yield f"{key}: >-"
    indent = " " * (len(key) - len(key.lstrip()) + 2)
    pieces = textwrap.wrap(value.removesuffix('"'), WIDTH - len(indent), break_on_hyphens=False)
    yield from (indent + piece for piece in pieces)


def _objective(plan: Plan) -> Iterator[str]:
    if plan.objective.stages:
        yield from _stages(plan)
        return
    players = plan.objective.players
    if plan.objective.order == "simultaneous" and len(players) > 1:
        yield "all players take their gradients before any of them moves"
        yield ""
    for number, player in enumerate(players):
        if number:
            yield ""
        yield from _player(plan, player, f" of {player.name}" if len(players) > 1 else "")


def _stages(plan: Plan) -> Iterator[str]:
    """Yield each stage: its length, what is copied and frozen, and the objectives of its losses."""
    players = {player.name: player for player in plan.objective.players}
    for number, stage in enumerate(plan.objective.stages, start=1):
        if number > 1:
            yield ""
        length = _length(plan, stage)
        yield f"stage {number} of {len(plan.objective.stages)}    {stage.name}, {length}"
        for name, classes in stage.rows.items():
            listed = ", ".join(str(each) for each in classes)
            yield from _wrapped(f"it uses the rows with {name} in {{{listed}}}")
        for copy in stage.copies:
            yield from _wrapped(f"it starts with {copy.target} = {copy}")
        frozen = ", ".join(_frozen(plan, stage))
        if frozen:
            yield from _wrapped(f"it does not change {frozen}")
        if stage.order == "simultaneous" and len(stage.players) > 1:
            yield from _wrapped("all players take their gradients before any of them moves")
        for name in stage.players:
            yield from _player(plan, players[name], f" of {name}" if len(stage.players) > 1 else "")


def _length(plan: Plan, stage: Stage) -> str:
    """Return the length of a stage in words: `5 epochs`."""
    training = plan.experiment.training
    epochs = training.lengths.get(stage.name)
    if epochs is None and training.steps is not None:
        return counted(training.steps, "step")
    count = epochs or training.settings["epochs"]
    assert isinstance(count, int)
    return counted(count, "epoch")


def _frozen(plan: Plan, stage: Stage) -> Iterator[str]:
    """Yield the links and parameters that no loss of a stage trains."""
    players = [player for player in plan.objective.players if player.name in stage.players]
    owners = [name for program in plan.programs.values() for name, _ in owned(program)]
    for name in dict.fromkeys(owners):
        if all(player.links is not None and name not in player.links for player in players):
            yield name


def _player(plan: Plan, player: Player, whose: str) -> Iterator[str]:
    """Yield the objective of a player, and the decisions about it."""
    yield f"objective{whose}    {title_of(player)}"
    yield from _wrapped(f"{player.variable} = {objective_formula(plan, player)}")
    for source, terms in terms_by_source(plan, player):
        yield from _wrapped(f"mean over the rows of {source}: {terms}")
    if player.entry.formula:
        yield from _wrapped(f"which is {_general(plan, player)}")
    if player.links is not None:
        yield from _wrapped(f"it trains {', '.join(player.links)}")
    rows = [(d.subject, d.choice, d.reason) for d in player.decisions]
    if rows:
        yield ""
        yield from table(("what", "choice", "because"), rows)
    for surrogate in player.surrogates:
        if surrogate.dropped:
            shown = ", ".join(term_formula(plan, term) for term in surrogate.dropped)
            yield from _wrapped(f"the score gradient of {surrogate.node} leaves out {shown}")


def _non_centred(plan: Plan) -> Iterator[str]:
    """Yield the lines of a spec with the non-centred form of each latent that has one."""
    for name, lines in non_centred(plan):
        yield from _wrapped(
            f"non-centred form of {name}, which is better if the data say little about it", ""
        )
        yield from (f"    {line}" for line in lines)
        yield ""


def _general(plan: Plan, player: Player) -> str:
    """Return the general form of a bound: `log p(x)`, or `log p(y | x)` of a conditional model."""
    nodes = plan.graph.graph.model.nodes.values()
    given = [node.name for node in nodes if node.role == "given"]
    observed = [node.name for node in nodes if node.role == "observed"]
    if not (player.entry.exact and given and observed):
        return player.entry.formula
    return f"log p({', '.join(observed)} | {', '.join(given)})"


def _links(plan: Plan) -> Iterator[str]:
    rows = [
        (
            module.link.name,
            _kind(module),
            _between(plan, module),
            _listed(list(dict.fromkeys(_users(plan, module.link.name)))),
            f"{_count(plan, program, module):,}",
        )
        for program in plan.programs.values()
        for module in program.modules
    ]
    if rows:
        yield from table(("link", "kind", "sizes", "used by", "parameters"), rows)
        yield ""


def _listed(names: list[str], width: int = 48) -> str:
    """Return the names with commas; names beyond the width are only counted."""
    fits = [n for n in range(1, len(names) + 1) if len(", ".join(names[:n])) <= width]
    shown = max(fits, default=1)
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more else "")


def _shared(plan: Plan) -> Iterator[str]:
    """Yield the table of shared links and parameters: owner, other programs, training losses."""
    users: dict[tuple[str, str], list[str]] = {}
    for program in plan.programs.values():
        for shared in program.shared:
            places = users.setdefault((shared.name, shared.owner), [])
            if program.name not in places:
                places.append(program.name)
    rows = [
        (name, owner, ", ".join(places), ", ".join(_trained_by(plan, name)) or "none")
        for (name, owner), places in users.items()
    ]
    if rows:
        yield from table(("shared", "of", "used in", "trained by"), rows)
        yield ""


def _trained_by(plan: Plan, name: str) -> Iterator[str]:
    link = plan.graph.graph.links.get(name)
    if link is not None and link.average:
        return
    for player in plan.objective.players:
        if player.links is None or name in player.links:
            yield player.name


def _kind(module: LinkModule) -> str:
    """Return the kind of a link: `mlp`, or `average of classifier`."""
    average = module.link.average
    return module.link.entry.name if average is None else f"average of {average.of}"


def _between(plan: Plan, module: LinkModule) -> str:
    """Return input and output sizes: `[784] to [20]`, for a bijection those of draw and value."""
    entry, use = module.link.entry, next(u for u in plan.graph.uses if u.link == module.link.name)
    if isinstance(entry, Link):
        return f"{_sizes(module.input)} to {_sizes(module.lowered.output)}"
    given = f", given {_sizes(module.input)}" if module.input != (0,) else ""
    if isinstance(entry, Bijection) and use.output is not None:
        return f"{_sizes(module.lowered.output)} to {_sizes(use.output)}{given}"
    return f"{_sizes(use.inputs[0])} to {_sizes(module.output)}{given}"


def _users(plan: Plan, link: str) -> list[str]:
    """Return the nodes that use a link, as `program.node`, or expressions of a loss."""
    graph = plan.graph.graph
    uses = [use.node for use in plan.graph.uses if use.link == link]
    uses = [use for use in uses if not name_in_model(graph.node(use))]
    return [name if program == NETWORKS else f"{program}.{name}" for program, name in uses]


def _sizes(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _count(plan: Plan, program: ProgramPlan, module: LinkModule) -> int:
    attributes = [module.attribute, *([module.tail.attribute] if module.tail else [])]
    own = tuple(f"{program.name}.{attribute}." for attribute in attributes)
    return sum(math.prod(s) for name, s in parameters(plan) if name.startswith(own))


def _totals(plan: Plan) -> Iterator[str]:
    total = sum(math.prod(shape) for _, shape in parameters(plan))
    yield f"{total:,} parameters in all"
    names = [f"{p}.{m}" for p, methods in plan.methods.items() for m in methods]
    yield from _wrapped(f"available methods: {', '.join(names)}", "")


def _wrapped(text: str, indent: str = "    ", width: int = WIDTH) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table with aligned columns."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield ("    " + "  ".join(cells)).rstrip()


def explain_json(plan: Plan) -> dict[str, Any]:
    """Return the same description as a JSON value."""
    return {
        "name": plan.experiment.name,
        "programs": {
            program.name: {
                "factorization": factorization(plan, program),
                "nodes": [
                    dict(
                        zip(
                            ("name", "is", "shape", "support", "line"),
                            _node(plan, program, name),
                            strict=True,
                        )
                    )
                    for name in program.declared
                ],
                **_energy_json(plan, program),
            }
            for program in plan.programs.values()
            if program.name != NETWORKS
        },
        **_long_form_json(plan),
        **(
            {"stages": stages}
            if (stages := [_stage_json(plan, s) for s in plan.objective.stages])
            else {}
        ),
        "players": {player.name: _described(plan, player) for player in plan.objective.players},
        **({"subsampled": plates} if (plates := list(plan.experiment.training.subsampled)) else {}),
        **({"evaluated": drawn} if (drawn := list(plan.objective.evaluated)) else {}),
        "parameters": [{"name": n, "shape": list(s)} for n, s in parameters(plan)],
    }


def _energy_json(plan: Plan, program: ProgramPlan) -> dict[str, Any]:
    """Return the blocks and the sums of an energy, if the program has one."""
    graph = plan.graph.graph.programs[program.name]
    rows = [dict(zip(HEAD, row, strict=True)) for row in block_rows(graph, program)]
    return {"blocks": rows, "sums": list(sums(graph))} if rows else {}


def _stage_json(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return a stage as a JSON value."""
    return {
        "name": stage.name,
        "players": list(stage.players),
        "order": stage.order,
        "length": _length(plan, stage),
        "copies": {copy.target: str(copy) for copy in stage.copies},
        "frozen": list(_frozen(plan, stage)),
        **({"rows": {name: list(own) for name, own in stage.rows.items()}} if stage.rows else {}),
    }


def _long_form_json(plan: Plan) -> dict[str, Any]:
    """Return the long forms of a named objective and a derived guide, if there are any."""
    forms = {"long_form": plan.experiment.long_form, "derived": plan.experiment.derived}
    return {key: text for key, text in forms.items() if text}


def _described(plan: Plan, player: Player) -> dict[str, Any]:
    """Return the description of a player as a JSON value."""
    return {
        "objective": player.entry.name,
        "formula": objective_formula(plan, player),
        "particles": player.particles,
        "draws": {
            name: {"kind": d.kind, "option": d.option, "reason": d.reason}
            for name, d in player.draws.items()
        },
        "decisions": [
            {"subject": d.subject, "choice": d.choice, "reason": d.reason} for d in player.decisions
        ],
    }
