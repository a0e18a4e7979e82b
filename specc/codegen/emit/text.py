"""The formulas in docstrings: factorizations, stories, and objectives, in plain Unicode."""

from __future__ import annotations

import textwrap

from specc.codegen.plan import Factor, Plan, ProgramPlan
from specc.graph.graph import GUIDE, MODEL, Node
from specc.language.expressions.tree import Expression
from specc.objective.terms import Divergence, LogProb, Part, Reduce, Sum, Term

MANY = 24
"""More terms than this are counted in a formula, not written out."""


def factorization(plan: Plan, program: ProgramPlan) -> str:
    """`p(z, x) = p(z) p(x | z)`."""
    factors = [program.factors[n] for n in program.order if n in program.factors]
    letter = program.letter
    if len(factors) > MANY:
        return f"{letter} is the product of {len(factors)} factors"
    product = " ".join(f"{letter}({f.symbol})" for f in factors)
    scans = {f.scan for f in factors if f.scan is not None}
    steps = f"prod_{'_'.join(sorted(scans))} " if scans else ""
    if steps and any(f.scan is None for f in factors):
        outer = " ".join(f"{letter}({f.symbol})" for f in factors if f.scan is None)
        inner = " ".join(f"{letter}({f.symbol})" for f in factors if f.scan is not None)
        product = f"{outer} {steps}{inner}"
    elif steps:
        product = f"{steps}{product}"
    if len(product) > 72:
        product = f"the product of {len(factors)} factors"
    own = [name for f in factors for name in f.values]
    names = ", ".join(own)
    given = [
        n for n in program.order if plan.graph.graph.programs[program.name].nodes[n].role == "given"
    ]
    data = [i for f in factors for i in f.inputs if i not in own and i in plan.data]
    conditions = ", ".join(dict.fromkeys([*given, *data]))
    left = f"{letter}({names}{' | ' + conditions if conditions else ''})"
    if len(left) > 60:
        left = f"{letter}(...)"
    return left if len(factors) == 1 and left == product else f"{left} = {product}"


def place(plan: Plan, factor: Factor) -> str:
    """`specs/vae.yaml:10`."""
    return f"{plan.source}:{factor.node.span.line}"


def program_docstring(plan: Plan, program: ProgramPlan) -> str:
    """What the file holds: the factorization, and the story of each node with its spec line."""
    graph = plan.graph.graph
    document = graph.spec.document
    what = "the model" if program.name == MODEL else f"the {program.name}"
    lines = [f"{program.letter}: {what} of `{document.name}`.", ""]
    doc = " ".join(document.doc.split())
    if program.name == MODEL and doc:
        lines += [*textwrap.wrap(doc, width=96), ""]
    lines += [f"    {factorization(plan, program)}", "", "where", ""]
    lines += [f"    {story}" for story in _stories(plan, program)]
    return "\n".join(lines)


def written(expression: Expression) -> str:
    """An expression as it is written in the spec, in one line."""
    return " ".join(expression.span.text.split())


def drawn(node: Node) -> str:
    """What a story says is drawn: `z`, or `xu = (x, u)`."""
    return f"{node.name} = ({', '.join(node.parts)})" if node.parts else node.name


def _stories(plan: Plan, program: ProgramPlan) -> list[str]:
    nodes = plan.graph.graph.programs[program.name].nodes
    rows: list[tuple[str, str]] = []
    for name in program.written:
        node = nodes[name]
        at = f"{plan.source}:{node.span.line}"
        if name in program.factors:
            rows.append((f"{drawn(node)} ~ {program.factors[name].story}", at))
        elif node.whole is not None:
            continue
        elif name in program.lets:
            rows.append((f"{name} = {written(program.lets[name].expression)}", at))
        elif node.role == "given":
            rows.append((f"{name} is given", at))
        else:
            shape = list(plan.graph.types[node.id].shape)
            plate = f" for each of {node.plate}" if node.plate else ""
            rows.append((f"{name} is learnt, {shape or 'a number'}{plate}", at))
    width = min(max(len(text) for text, _ in rows), 64)
    return [f"{text:<{width}}   {at}" for text, at in rows]


def symbol(plan: Plan, term: Term) -> str:
    """`log p(x | z)`, `KL(q(z | x) || p(z))`."""
    match term:
        case LogProb(program=program, node=node, rows=rows):
            factor = plan.programs[program].factors[node]
            shown = f"log {plan.programs[program].letter}({factor.symbol})"
            return f"E_known[{shown}]" if rows == "known" else shown
        case Divergence(node=node):
            q, p = plan.programs[GUIDE].factors[node], plan.programs[MODEL].factors[node]
            return f"KL(q({q.symbol}) || p({p.symbol}))"
        case Reduce(how="logsumexp", axes=axes, term=inner):
            return f"log sum_{{{', '.join(axes)}}} exp({symbol(plan, inner)})"
        case Reduce(how="forward", axes=axes, term=inner):
            return f"log sum_{{{', '.join(axes)}}} prod_t exp({symbol(plan, inner)})"
        case Reduce(how="integrate", axes=axes, term=inner):
            nodes = plan.graph.graph.model.nodes
            steps = f"prod_{nodes[axes[0]].scan} " if nodes[axes[0]].scan else ""
            return f"log int_{{{', '.join(axes)}}} {steps}exp({symbol(plan, inner)})"
        case Reduce(how="weighted", axes=axes, term=inner):
            return f"sum_{{{', '.join(axes)}}} q({', '.join(axes)}) {symbol(plan, inner)}"
        case Reduce(term=inner):
            return symbol(plan, inner)
        case Sum(parts=parts):
            return signed_sum(plan, parts)


def signed_sum(plan: Plan, parts: tuple[Part, ...]) -> str:
    """Terms with their signs and coefficients: `log p(x | z) - 4 KL(...)`."""
    if len(parts) > MANY:
        return f"the sum of {len(parts)} terms"
    text = ""
    for part in parts:
        sign = "-" if part.coefficient < 0 else "+"
        size = abs(part.coefficient)
        shown = symbol(plan, part.term)
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


def objective_formula(plan: Plan) -> str:
    """The bound as the code computes it: `E_q[log p(x | z)] - KL(q(z | x) || p(z))`."""
    objective = plan.objective
    reduced = objective.players[0].minimize.parts[0].term
    assert isinstance(reduced, Reduce) and isinstance(reduced.term, Sum)
    sampled = any(d.is_sampled for d in objective.draws.values())
    parts = reduced.term.parts
    if reduced.how == "logmeanexp" and objective.particles > 1:
        return f"E_q[log 1/{objective.particles} sum_k exp({signed_sum(plan, parts)})]"
    exact = tuple(p for p in parts if isinstance(p.term, Divergence))
    if exact and sampled and len(exact) < len(parts):
        rest = tuple(p for p in parts if not isinstance(p.term, Divergence))
        tail = signed_sum(plan, exact)
        joint = f"- {tail[1:]}" if tail.startswith("-") else f"+ {tail}"
        return f"E_q[{signed_sum(plan, rest)}] {joint}"
    body = signed_sum(plan, parts)
    return f"E_q[{body}]" if sampled else body
