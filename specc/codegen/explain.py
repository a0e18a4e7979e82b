"""What the compiler decided for a spec, each decision with its reason: a visitor of the plan."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from specc.catalog.bijection import Bijection
from specc.catalog.link import Link
from specc.catalog.supports import describe
from specc.codegen.emit.asked import capabilities
from specc.codegen.emit.text import factorization, objective_formula, symbol, written
from specc.codegen.manifest import parameters
from specc.codegen.plan import LinkModule, Plan, ProgramPlan
from specc.graph.graph import MODEL, ROWS

WIDTH = 96
WIDEST = 120
"""The description of a model may be as wide as the widest table."""
STORY = 52
"""How wide the story of a node may be in the table of nodes."""


def explain(plan: Plan) -> str:
    """The factorization, the objective, and every decision, as text."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    document = plan.graph.graph.spec.document
    doc = f": {' '.join(document.doc.split())}" if document.doc else ""
    yield from _wrapped(f"{document.name}{doc}", "", WIDEST)
    for program in plan.programs.values():
        yield ""
        yield from _program(plan, program)
    yield ""
    yield from _objective(plan)
    yield ""
    yield from _links(plan)
    yield from _totals(plan)


def _program(plan: Plan, program: ProgramPlan) -> Iterator[str]:
    what = "model" if program.name == MODEL else program.name
    yield f"{what}    {factorization(plan, program)}"
    rows = [row for name in program.written for row in _folded(_node(plan, program, name))]
    yield from table(("node", "is", "shape", "support", "line"), rows)


def _node(plan: Plan, program: ProgramPlan, name: str) -> tuple[str, ...]:
    node = plan.graph.graph.programs[program.name].nodes[name]
    kind = plan.graph.types[node.id]
    if name in program.factors:
        role = f"joint ({', '.join(node.parts)})" if node.parts else node.role
        what = f"{role} ~ {program.factors[name].story}"
    elif node.whole is not None:
        what = f"{node.role}, a part of {node.whole}"
    elif name in program.lets:
        what = f"= {written(program.lets[name].expression)}"
    else:
        what = node.role
    plates = [p for p in kind.plates if p != ROWS]
    where = f" for each of {plates[0]}" if plates else "" if kind.is_local else " (global)"
    shape = f"[{', '.join(map(str, kind.shape))}]" if kind.shape else "a number"
    return name, what, shape + where, describe(kind.support), str(node.span.line)


def _folded(row: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The row of a node; a long story goes on below."""
    name, what, *rest = row
    first, *more = textwrap.wrap(what, STORY, break_long_words=False, break_on_hyphens=False)
    yield name, first, *rest
    for piece in more:
        yield "", f"    {piece}", *("" for _ in rest)


def _objective(plan: Plan) -> Iterator[str]:
    objective = plan.objective
    yield f"objective    the {objective.entry.title}"
    yield from _wrapped(f"{objective.entry.variable} = {objective_formula(plan)}")
    if objective.entry.formula:
        yield from _wrapped(f"which is {objective.entry.formula}")
    rows = [(d.subject, d.choice, d.reason) for d in objective.decisions]
    if rows:
        yield ""
        yield from table(("what", "choice", "because"), rows)
    for surrogate in objective.players[0].surrogates:
        if surrogate.dropped:
            shown = ", ".join(symbol(plan, term) for term in surrogate.dropped)
            yield from _wrapped(f"the score gradient of {surrogate.node} leaves out {shown}")


def _links(plan: Plan) -> Iterator[str]:
    rows = [
        (
            module.link.name,
            module.link.entry.name,
            _between(plan, module),
            ", ".join(dict.fromkeys(_users(plan, module.link.name))),
            f"{_count(plan, program, module):,}",
        )
        for program in plan.programs.values()
        for module in program.modules
    ]
    if rows:
        yield from table(("link", "kind", "sizes", "used by", "parameters"), rows)
        yield ""


def _between(plan: Plan, module: LinkModule) -> str:
    """`[784] to [20]`; a bijection is between a draw and a value, given the size of a context."""
    entry, use = module.link.entry, next(u for u in plan.graph.uses if u.link == module.link.name)
    if isinstance(entry, Link):
        return f"{_sizes(module.input)} to {_sizes(module.lowered.output)}"
    given = f", given {_sizes(module.input)}" if module.input != (0,) else ""
    if isinstance(entry, Bijection) and use.output is not None:
        return f"{_sizes(module.lowered.output)} to {_sizes(use.output)}{given}"
    return f"{_sizes(use.inputs[0])} to {_sizes(module.output)}{given}"


def _users(plan: Plan, link: str) -> list[str]:
    return [".".join(use.node) for use in plan.graph.uses if use.link == link]


def _sizes(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _count(plan: Plan, program: ProgramPlan, module: LinkModule) -> int:
    attributes = [module.attribute, *([module.tail.attribute] if module.tail else [])]
    own = tuple(f"{program.name}.{attribute}." for attribute in attributes)
    return sum(math.prod(s) for name, s in parameters(plan) if name.startswith(own))


def _totals(plan: Plan) -> Iterator[str]:
    total = sum(math.prod(shape) for _, shape in parameters(plan))
    yield f"{total:,} parameters in all"
    asked = [f"{p.name}.{m}" for p in plan.programs.values() for m in capabilities(plan, p)]
    yield from _wrapped(f"available methods: {', '.join(asked)}", "")


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
    """Columns as wide as their widest cell, the last one as it comes."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield ("    " + "  ".join(cells)).rstrip()


def explain_json(plan: Plan) -> dict[str, Any]:
    """The same for a program."""
    objective = plan.objective
    return {
        "name": plan.graph.graph.spec.document.name,
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
                    for name in program.written
                ],
            }
            for program in plan.programs.values()
        },
        "objective": {
            "name": objective.entry.name,
            "formula": objective_formula(plan),
            "particles": objective.particles,
            "draws": {
                name: {"kind": d.kind, "option": d.option, "reason": d.reason}
                for name, d in objective.draws.items()
            },
            "decisions": [
                {"subject": d.subject, "choice": d.choice, "reason": d.reason}
                for d in objective.decisions
            ],
        },
        "parameters": [{"name": n, "shape": list(s)} for n, s in parameters(plan)],
    }
