"""The formulas in docstrings: factorizations, sampling statements and objectives."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from specc.catalog.modifier import class_name
from specc.codegen.plan import Plan, ProgramPlan
from specc.graph.blocks import below, depends_on_units, visible
from specc.graph.graph import ENERGY, GUIDE, LOG_BASE, MODEL, NETWORKS
from specc.graph.nodes import Node
from specc.graph.queries import parameter_of
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression
from specc.objective.objective import Player
from specc.objective.passes.row_sources import by_source
from specc.objective.passes.shared import is_of_rows, plate_of
from specc.objective.terms import (
    ChainDivergence,
    Conditionals,
    Divergence,
    Energy,
    LogProb,
    Operation,
    Part,
    Reduce,
    StateSum,
    Sum,
    Term,
    Value,
    parts_of,
)

INFIX = ("*", "/", "**")

OF_LOSSES = "The networks that the losses apply to values of the programs"

WIDTH = 92
"""The largest width of a statement with its place."""

LEAST_WIDTH = 40
"""The width of a statement beside the place in a file of a long name."""

MANY = 24
"""The largest number of terms in a formula; more are only counted."""


def factorization(plan: Plan, program: ProgramPlan) -> str:
    """Return the factorization of a program: `p(z, x) = p(z) p(x | z)`."""
    factors = [program.factors[n] for n in program.order if n in program.factors]
    density_name = program.density_name
    if program.name == NETWORKS:
        return OF_LOSSES
    graph = plan.graph.graph.programs[program.name]
    if graph.energy is not None:
        names = ", ".join(name for f in factors for name in f.values)
        energy = ", ".join(map(str, program.lets[ENERGY].inputs))
        known = ", ".join(_given(plan, program))
        left = f"{density_name}({names}{f' | {known}' if known else ''})"
        product = "".join(
            f" {density_name}({program.factors[n].conditional})" for n in below(graph)
        )
        return f"{left} = exp(-energy({energy})) / Z{f'({known})' if known else ''}{product}"
    if not factors:
        known = ", ".join(_from_outside(plan, program, program.lets))
        return ", ".join(program.lets) + (f" given {known}" if known else "")
    if len(factors) > MANY:
        return f"{density_name} is the product of {len(factors)} factors"
    product = " ".join(f"{density_name}({f.conditional})" for f in factors)
    scans = {f.scan for f in factors if f.scan is not None}
    steps = f"prod_{'_'.join(sorted(scans))} " if scans else ""
    if steps and any(f.scan is None for f in factors):
        outer = " ".join(f"{density_name}({f.conditional})" for f in factors if f.scan is None)
        inner = " ".join(f"{density_name}({f.conditional})" for f in factors if f.scan is not None)
        product = f"{outer} {steps}{inner}"
    elif steps:
        product = f"{steps}{product}"
    if len(product) > 72:
        product = f"the product of {len(factors)} factors"
    own = [name for f in factors for name in f.values]
    names = ", ".join(own)
    given = _given(plan, program)
    data = [i for f in factors for i in f.inputs if i not in own and i in plan.data]
    others = [] if program.name in (MODEL, GUIDE) else _from_outside(plan, program, program.factors)
    conditions = ", ".join(dict.fromkeys([*given, *data, *others]))
    left = f"{density_name}({names}{' | ' + conditions if conditions else ''})"
    if len(left) > 60:
        left = f"{density_name}(...)"
    return left if len(factors) == 1 and left == product else f"{left} = {product}"


def _from_outside(plan: Plan, program: ProgramPlan, names: Iterable[str]) -> list[str]:
    """Return the data and the values of other programs on which nodes of a program depend."""
    found: dict[str, None] = {}
    stack = [*reversed([*names])]
    while stack:
        name = stack.pop()
        part = program.factors.get(name) or program.lets.get(name)
        if part is not None:
            stack += [str(each) for each in reversed(part.inputs)]
        elif "." in name or name in plan.data:
            found[name] = None
    return list(found)


def _given(plan: Plan, program: ProgramPlan) -> list[str]:
    """Return the given nodes of a program."""
    nodes = plan.graph.graph.programs[program.name].nodes
    return [n for n in program.order if nodes[n].role == "given" and not nodes[n].is_copy]


def program_docstring(plan: Plan, program: ProgramPlan) -> str:
    """Return the docstring of a program's file: factorization and sampling statements."""
    experiment = plan.experiment
    if program.name == NETWORKS:
        return f"{OF_LOSSES}, in `{experiment.name}`."
    named = program.name in (MODEL, GUIDE)
    what = f"the {program.name}" if named else f"the program `{program.name}`"
    lines = [f"{program.density_name}: {what} of `{experiment.name}`.", ""]
    if program.name == MODEL and experiment.doc:
        lines += [*textwrap.wrap(experiment.doc, width=96), ""]
    lines += [f"    {factorization(plan, program)}", "", "where", ""]
    lines += [f"    {statement}" for statement in _statements(plan, program)]
    return "\n".join(lines)


def written(expression: Expression) -> str:
    """Return the text of an expression in the spec, on one line."""
    return " ".join(expression.span.text.split())


def drawn(node: Node) -> str:
    """Return the left side of a sampling statement: `z`, or `xu = (x, u)`."""
    return f"{node.name} = ({', '.join(node.parts)})" if node.parts else node.name


def sampled_from(node: Node) -> str:
    """Return the right side of a sampling statement: `Normal(0, 1)`, or how a chain moves it."""
    assert node.entry is not None
    if node.draw is not None and node.is_moved:
        return f"exp(-energy) by {node.draw.shown}"
    shown = [f"{key} = {print_expression(e)}" for key, e in node.arguments.items()]
    if node.params is not None:
        shown.insert(0, print_expression(node.params))
    if len(shown) == len(node.entry.parameters) > 1 and node.params is None:
        ordered = {parameter_of(node.entry, k)[0].name: e for k, e in node.arguments.items()}
        if set(ordered) == set(node.arguments):
            shown = [print_expression(ordered[p.name]) for p in node.entry.parameters]
    title = re.sub(r"\w+", lambda found: class_name(found[0]), node.entry.name)
    steps = [s.function if not s.arguments else print_expression(s) for s in node.through]
    return " through ".join([f"{title}({', '.join(shown)})", *steps])


def _statements(plan: Plan, program: ProgramPlan) -> list[str]:
    graph = plan.graph.graph.programs[program.name]
    nodes = graph.nodes
    rows: list[tuple[str, str]] = []
    for name in (name for name in program.declared if not nodes[name].is_copy):
        node = nodes[name]
        at = f"{plan.source}:{node.span.line}"
        if name in program.factors:
            is_unit = name in graph.units
            left = program.factors[name].conditional if is_unit else drawn(node)
            rows.append((f"{left} ~ {program.factors[name].sampled_from}", at))
        elif node.joint is not None:
            continue
        elif name in program.lets:
            formula = written(program.lets[name].expression)
            # A value on a plate that another node takes is named by its text.
            if formula != name:
                rows.append((f"{name} = {formula}", at))
        elif node.role == "given":
            rows.append((f"{name} is given", at))
        else:
            shape = list(plan.graph.types[node.id].shape)
            plate = f" for each of {node.plate}" if node.plate else ""
            rows.append((f"{name} is a parameter, {shape or 'a number'}{plate}", at))
    room = max(WIDTH - 3 - max((len(at) for _, at in rows), default=0), LEAST_WIDTH)
    width = min(max(len(text) for text, _ in rows), room)
    return [line for text, at in rows for line in _placed(text, at, width)]


def _placed(text: str, at: str, width: int) -> list[str]:
    """Return a statement as lines, with its place at the end of the last one."""
    *first, last = textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False)
    return [*first, f"{last:<{width}}   {at}"]


def term_formula(plan: Plan, term: Term) -> str:
    """Return the formula of a term: `log p(x | z)`, `KL(q(z | x) || p(z))`."""
    match term:
        case LogProb(program=program, node=node, rows=rows):
            factor = plan.program(program).factors[node]
            shown = f"log {plan.program(program).density_name}({factor.conditional})"
            return f"E_known[{shown}]" if rows == "known" else shown
        case ChainDivergence(node=node):
            return _of_chain(plan, term)
        case Divergence(node=node):
            q, p = plan.programs[GUIDE].factors[node], plan.programs[MODEL].factors[node]
            return f"KL(q({q.conditional}) || p({p.conditional}))"
        case Reduce(how="logsumexp", axes=axes, term=inner):
            return f"log sum_{{{', '.join(axes)}}} exp({term_formula(plan, inner)})"
        case Reduce(how="elements", axes=axes, term=inner):
            return _by_element(plan, axes, inner)
        case Reduce(how="forward", axes=axes, term=inner):
            steps = f"prod_{plan.graph.graph.model.nodes[axes[0]].scan}"
            return f"log sum_{{{', '.join(axes)}}} {steps} exp({term_formula(plan, inner)})"
        case Reduce(how="integrate", axes=axes, term=inner):
            nodes = plan.graph.graph.model.nodes
            steps = f"prod_{nodes[axes[0]].scan} " if nodes[axes[0]].scan else ""
            start = [term_formula(plan, LogProb(MODEL, name)) for name in axes[1:]]
            before = "".join(f"exp({each}) " for each in start)
            begun = {LogProb(MODEL, name) for name in axes[1:]}
            rest = Sum(tuple(part for part in parts_of(inner) if part.term not in begun))
            shown = term_formula(plan, rest)
            return f"log int_{{{', '.join(axes)}}} {before}{steps}exp({shown})"
        case Reduce(how="weighted", axes=axes, term=inner):
            density = plan.program(plan.objective.draws[axes[0]].program).density_name
            shown = ", ".join(axes)
            return f"sum_{{{shown}}} {density}({shown}) {term_formula(plan, inner)}"
        case Reduce(term=inner):
            return term_formula(plan, inner)
        case Sum(parts=parts):
            return signed_sum(plan, parts)
        case Value(expression=expression):
            return print_expression(expression)
        case Energy(program=program, node=node):
            let = plan.program(program).lets[node]
            if isinstance(term, StateSum):
                return _state_sum(plan, term)
            if isinstance(term, Conditionals):
                return " + ".join(of_single_entries(plan))
            symbol = {ENERGY: "E", LOG_BASE: "log h"}.get(let.method, "F")
            graph = plan.graph.graph.programs[program]
            units = {n for n in graph.nodes if depends_on_units(graph, n)}
            own = ", ".join(str(n) for n in let.inputs if n in units)
            given = _given_of_log_z(plan) if plan.objective.likelihood is not None else ""
            return f"{symbol}({own}; {given})" if given else f"{symbol}({own})"
        case Operation():
            return _applied(plan, term)


def _of_chain(plan: Plan, term: ChainDivergence) -> str:
    """Return the formula of a divergence given what is before the first step of a chain.

    That of a random step is `KL(q(z[t] | z[t+1], x) || p(z[t] | z[t+1]))`.
    """
    lagged = plan.programs[GUIDE].lagged.values()
    given = [str(n) for each in lagged if each.base == term.chain.latent for n in each.inputs]
    if not term.is_random:
        p = plan.programs[MODEL].factors[term.node]
        return f"KL(q({term.node} | {', '.join(given)}) || p({p.conditional}))"
    scan = plan.graph.graph.model.nodes[term.node].scan
    here, after = f"{term.node}[{scan}]", f"{term.node}[{scan}+1]"
    return f"KL(q({here} | {', '.join((after, *given))}) || p({here} | {after}))"


def _by_element(plan: Plan, axes: tuple[str, ...], inner: Term) -> str:
    """Return the formula of a sum over elements: `sum_{items} log sum_{z} exp(...)`."""
    plate = plate_of(plan.graph, plan.graph.graph.node((MODEL, axes[0])))
    over = f"sum_{{{plate}}} " if plate else ""
    parts = parts_of(inner)
    rows = tuple(part for part in parts if is_of_rows(plan.graph, part.term))
    own = tuple(part for part in parts if part not in rows)
    shown, log_sum = signed_sum(plan, own), f"log sum_{{{', '.join(axes)}}}"
    if not rows:
        return f"{over}{log_sum} exp({shown})"
    text = signed_sum(plan, rows)
    whole = f"{log_sum} exp({shown} + sum_rows {text if len(rows) == 1 else f'({text})'})"
    if len(own) > len(axes):
        given = f"{whole} - {log_sum} exp({shown})"
        return f"{over}({given})" if over else given
    return f"{over}{whole}"


def _state_sum(plan: Plan, term: StateSum) -> str:
    """Return the formula of a sum over states: `log Z(x)`, `log sum_{h} exp(-F(v, h))`."""
    likelihood = plan.objective.likelihood
    if likelihood is None or likelihood.parts[-1].term != term:
        inner = term_formula(plan, Energy(term.program, term.node))
        return f"log sum_{{{', '.join(term.units)}}} exp(-{inner})"
    given = _given_of_log_z(plan)
    return f"log Z({given})" if given else "log Z"


def _given_of_log_z(plan: Plan) -> str:
    """Return the given values on which log Z depends."""
    return ", ".join(map(str, plan.methods[MODEL]["log_z"]))


def of_single_entries(plan: Plan) -> Iterator[str]:
    """Yield the terms of a pseudolikelihood: `sum_i log p(v_i | v_-i, y)`, `log p(y | v)`."""
    graph, program = plan.graph.graph.model, plan.programs[MODEL]
    given, seen = _given(plan, program), visible(graph)
    for name in seen:
        factor = program.factors[name]
        others = [*(n for n in seen if n != name), *given]
        is_single = len(factor.type.shape) == len(factor.entry.result_dims)
        left, rest = (name, others) if is_single else (f"{name}_i", [f"{name}_-i", *others])
        condition = f" | {', '.join(rest)}" if rest else ""
        yield f"{'' if is_single else 'sum_i '}log p({left}{condition})"


def _applied(plan: Plan, term: Operation) -> str:
    """Return the formula of an operator or function: `a * b`, `stop(a)`."""
    if term.function in INFIX:
        return f" {term.function} ".join(_operand(plan, inner) for inner in term.operands)
    return f"{term.function}({', '.join(term_formula(plan, inner) for inner in term.operands)})"


def _operand(plan: Plan, term: Term) -> str:
    """Return the formula of an operand, in parentheses if it is a sum or contains operators."""
    shown = term_formula(plan, term)
    is_open = isinstance(term, Sum) or (isinstance(term, Operation) and term.function in INFIX)
    return f"({shown})" if is_open else shown


def signed_sum(plan: Plan, parts: tuple[Part, ...]) -> str:
    """Return a sum of terms with signs and coefficients: `log p(x | z) - 4 KL(...)`."""
    if len(parts) > MANY:
        return f"the sum of {len(parts)} terms"
    text = ""
    for part in parts:
        sign = "-" if part.coefficient < 0 else "+"
        size = abs(part.coefficient)
        shown = term_formula(plan, part.term)
        if part.floor:
            shown = f"max({part.floor:g}, {shown})"
        if part.weight:
            shown = f"{part.weight} {shown}"
        if size != 1.0:
            shown = f"{size:g} {shown}"
        if not text:
            text = shown if sign == "+" else f"-{shown}"
        else:
            text += f" {sign} {shown}"
    return text


def _grouped(plan: Plan, parts: tuple[Part, ...]) -> str:
    """Return a sum in which the terms that are weighted over the same values are grouped."""
    weighted = [p for p in parts if isinstance(p.term, Reduce) and p.term.how == "weighted"]
    axes = {p.term.axes for p in weighted if isinstance(p.term, Reduce)}
    plain = all(not p.floor and not p.weight for p in weighted)
    if len(weighted) < 2 or len(axes) > 1 or not plain or len(parts) > MANY:
        return signed_sum(plan, parts)
    inner = tuple(replace(p, term=p.term.term) for p in weighted if isinstance(p.term, Reduce))
    names = ", ".join(*axes)
    shown = f"sum_{{{names}}} q({names}) ({signed_sum(plan, inner)})"
    rest = signed_sum(plan, tuple(p for p in parts if p not in weighted))
    if not rest:
        return shown
    return f"{shown} - {rest[1:]}" if rest.startswith("-") else f"{shown} + {rest}"


def bounds_by_row(plan: Plan, player: Player) -> tuple[str, ...]:
    """Return the bounds of rows with and without a value of data that is enumerated if missing.

    The result is a sentence and two formulas: L(x, y) is the bound given y, and U(x) its
    expectation under q(y | x) plus the entropy (Kingma et al. 2014, Semi-supervised learning with
    deep generative models, equations 6 and 7). It is empty unless exactly one node is enumerated,
    and is data.
    """
    weighted = [p for p in player.parts if isinstance(p.term, Reduce) and p.term.how == "weighted"]
    axes = {p.term.axes for p in weighted if isinstance(p.term, Reduce)}
    if len(plan.filled) != 1 or axes != {tuple(plan.filled)}:
        return ()
    (name,) = plan.filled
    log_q = Part(-1.0, player.draws[name].density)
    inner = tuple(replace(p, term=p.term.term) for p in weighted if isinstance(p.term, Reduce))
    if log_q not in inner or len(inner) > MANY:
        return ()
    others = ", ".join(n for n in plan.data if n != name)
    known, unknown = f"L({others}, {name})", f"U({others})"
    q = f"q({plan.programs[GUIDE].factors[name].conditional})"
    return (
        f"{known} in rows with a value of {name}, {unknown} in the others",
        f"{known} = {signed_sum(plan, tuple(part for part in inner if part != log_q))}",
        f"{unknown} = sum_{{{name}}} {q} ({known} - log {q})",
    )


def title_of(player: Player) -> str:
    """Return what a player minimizes: `the evidence lower bound`, `the mean of values`."""
    if player.entry.contrastive:
        return player.entry.title
    return f"the {player.entry.title if player.is_bound else 'mean of values'}"


def objective_formula(plan: Plan, player: Player) -> str:
    """Return the bound as the code computes it: `E_q[log p(x | z)] - KL(q(z | x) || p(z))`."""
    bound, parts = player.bound, player.parts
    sampled = {draw.program for draw in player.draws.values() if draw.is_sampled}
    mean = "E_q" if GUIDE in sampled and player.chain is None else "E"
    if not player.is_bound:
        minimized = tuple(replace(part, coefficient=-part.coefficient) for part in parts)
        shown = signed_sum(plan, minimized)
        return f"E[{shown}]" if sampled else shown
    if bound.how == "logmeanexp" and player.particles > 1:
        return f"{mean}[log 1/{player.particles} sum_k exp({_grouped(plan, parts)})]"
    exact = tuple(p for p in parts if isinstance(p.term, Divergence))
    if exact and sampled and len(exact) < len(parts):
        rest = tuple(p for p in parts if not isinstance(p.term, Divergence))
        tail = signed_sum(plan, exact)
        joint = f"- {tail[1:]}" if tail.startswith("-") else f"+ {tail}"
        return f"{mean}[{_grouped(plan, rest)}] {joint}"
    body = _grouped(plan, parts)
    if player.entry.unconstrained:
        body += " + log_det"
    return f"{mean}[{body}]" if sampled else body


def terms_by_source(plan: Plan, player: Player) -> list[tuple[str, str]]:
    """The terms of a loss by the source of data whose rows they are of, where it is of several."""
    sign = 1.0 if player.is_bound else -1.0
    parts = (replace(part, coefficient=sign * part.coefficient) for part in player.parts)
    groups = by_source(plan.graph, parts)
    if len(groups) < 2:
        return []
    return [(source, signed_sum(plan, tuple(group))) for source, group in groups.items()]


def objective_docstring(plan: Plan) -> str:
    """Return the docstring of the losses' file: each bound, and each decision with its reason."""
    name, players = plan.experiment.name, plan.objective.players
    if plan.objective.stages:
        return "\n".join(_of_stages(plan))
    if len(players) == 1:
        (player,) = players
        lines = [f"The objective of `{name}`: {title_of(player)}.", ""]
        return "\n".join([*lines, *_bound(plan, player)])
    lines = [f"The objectives of `{name}`, one for each of {len(players)} players."]
    for player in players:
        lines += _of_player(plan, player)
    return "\n".join(lines)


def _of_player(plan: Plan, player: Player) -> list[str]:
    trained = "everything" if player.links is None else ", ".join(player.links)
    words = f"{player.name} trains {trained} by {title_of(player)}:"
    return ["", *textwrap.wrap(words, 96, break_on_hyphens=False), "", *_bound(plan, player)]


def _of_stages(plan: Plan) -> Iterator[str]:
    """Yield the lines of the docstring of the losses of stages."""
    stages = plan.objective.stages
    yield f"The objectives of `{plan.experiment.name}`, in {len(stages)} stages."
    players = {player.name: player for player in plan.objective.players}
    for number, stage in enumerate(stages, start=1):
        copies = "".join(f", starts with {copy.target} = {copy}" for copy in stage.copies)
        yield ""
        yield from textwrap.wrap(f"Stage {number}, {stage.name}{copies}:", 96)
        for name in stage.players:
            yield from _of_player(plan, players[name])


def _bound(plan: Plan, player: Player) -> list[str]:
    """Return the bound of a player, and each decision with its reason, as lines."""
    lines = _wrapped(f"{player.variable} = {objective_formula(plan, player)}")
    several = terms_by_source(plan, player)
    if several:
        lines += ["", "Rows of different sources are not paired. The loss is the sum of means", ""]
        lines += [line for s, terms in several for line in _wrapped(f"over {s}: {terms}")]
    rows, *formulas = bounds_by_row(plan, player) or [""]
    if rows:
        lines += ["", *textwrap.wrap(f"The sum is {rows}:", 96), ""]
        lines += [line for formula in formulas for line in _wrapped(formula)]
    notes = [
        line for d in player.decisions for line in _wrapped(f"{d.subject}: {d.choice}; {d.reason}")
    ]
    if not notes:
        exact = ": the density is exact" if plan.objective.is_likelihood(player) else ""
        return [*lines, "", f"Nothing is drawn{exact}."]
    return [*lines, "", "where", "", *notes]


def _wrapped(text: str) -> list[str]:
    if len(text) + 4 <= 96:
        return [f"    {text}"]
    return textwrap.wrap(
        text,
        width=96,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )
