"""What can be asked of a program: its joint density, draws from it, its likelihood, its means."""

from __future__ import annotations

from specc.codegen.emit.body import Body
from specc.codegen.emit.complete import complete_inputs, completed, write_complete
from specc.codegen.emit.predict import predicted, write_predict
from specc.codegen.emit.terms import Terms
from specc.codegen.emit.values import values_behind
from specc.codegen.layout import Layout
from specc.codegen.plan import Factor, Plan, ProgramPlan, known_key
from specc.codegen.writer import Writer
from specc.graph.graph import GUIDE, MODEL, ROWS
from specc.objective.terms import LogProb, Part, Reduce, Sum


def write_capabilities(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    """The methods after the factors."""
    for name in capabilities(plan, program):
        _WRITERS[name](plan, program, out, imports)


def capabilities(plan: Plan, program: ProgramPlan) -> dict[str, tuple[str, ...]]:
    """The methods that this program has, with the names that each takes."""
    if program.name == GUIDE:
        ok = all(_is_local(f) for f in program.factors.values())
        draws = any(name in plan.objective.draws for name in program.factors)
        able = {"sample": _guide_inputs(plan, program)} if draws and ok else {}
        told = _predict_inputs(plan, program) if able else ()
        if guided_for_all(plan):
            able["sample_shared"] = ()
        return {**able, "predict": told} if told else able
    if program.name != MODEL:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    local, shared = _split(program)
    if local:
        found["log_joint"] = _joint_inputs(plan, program, local)
    if shared:
        found["log_prior"] = _joint_inputs(plan, program, shared)
    if plan.objective.has_likelihood:
        found["log_prob"] = _likelihood_inputs(plan, program)
    found["sample"] = _given(plan, program)
    if _mean_factors(plan, program):
        found["mean"] = _mean_inputs(plan, program)
    if completed(plan):
        found["complete"] = complete_inputs(plan)
    return found


def guided_for_all(plan: Plan) -> tuple[str, ...]:
    """The latents that rows share and the guide draws, in the order in which it draws them."""
    if GUIDE not in plan.programs:
        return ()
    program, draws = plan.programs[GUIDE], plan.objective.draws
    factors = (program.factors[n] for n in program.order if n in program.factors)
    return tuple(f.node.name for f in factors if f.node.name in draws and not _is_local(f))


def is_stochastic(plan: Plan) -> bool:
    """Whether log p(x) has an unbiased estimate that is cheaper than itself, with `noise`."""
    factors = plan.programs[MODEL].factors.values()
    return any(f.flow is not None and f.flow.stochastic for f in factors)


def _is_local(factor: Factor) -> bool:
    return ROWS in factor.type.plates


def _split(program: ProgramPlan) -> tuple[list[Factor], list[Factor]]:
    factors = [program.factors[n] for n in program.order if n in program.factors]
    return [f for f in factors if _is_local(f)], [f for f in factors if not _is_local(f)]


def _joint_inputs(plan: Plan, program: ProgramPlan, factors: list[Factor]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for factor in factors:
        found.update(values_behind(plan, program.name, factor.needs))
        found.update(dict.fromkeys(factor.values))
    order = {name: i for i, name in enumerate(program.order)}
    named = sorted(found, key=lambda n: order[n])
    filled = {known_key(name) for name in plan.filled}
    return tuple(n for n in plan.with_known(named) if n not in filled)


def _predict_inputs(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    del program
    return tuple(dict.fromkeys(name for factor in predicted(plan) for name in factor.inputs))


def _given(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    nodes = plan.graph.graph.programs[program.name].nodes
    return tuple(n for n in program.order if nodes[n].role == "given")


def _guide_inputs(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for factor in program.factors.values():
        found.update(values_behind(plan, program.name, factor.needs))
    drawn = (n for n in program.factors if n in plan.missing and n in plan.objective.draws)
    data = plan.with_known([*(n for n in found if n not in program.factors), *drawn])
    unasked = {known_key(n) for n, m in plan.missing.items() if not m.fills} - set(found)
    data = tuple(n for n in data if n not in unasked)
    return data or plan.counted  # which says at least how many rows there are


def _likelihood_inputs(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    taken = _joint_inputs(plan, program, _split(program)[0])
    drawn = plan.objective.draws
    found = plan.with_known(n for n in taken if n not in drawn or n in plan.missing)
    return found or plan.counted


def _mean_factors(plan: Plan, program: ProgramPlan) -> list[Factor]:
    nodes = plan.graph.graph.model.nodes
    return [
        f for f in program.factors.values() if nodes[f.node.name].role == "observed" and f.has_mean
    ]


def _mean_inputs(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for factor in _mean_factors(plan, program):
        found.update(values_behind(plan, program.name, factor.inputs))
    return tuple(found)


def _body(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> Body:
    return Body(plan, out, imports, {program.name: "self"}, Layout())


def _keywords(plan: Plan, names: tuple[str, ...]) -> list[str]:
    return ["*", *(f"{plan.python[n]}: Tensor" for n in names)] if names else []


def _write_log_joint(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    factors = _split(program)[0]
    names = _joint_inputs(plan, program, factors)
    out.line()
    out.call("def log_joint", ["self", *_keywords(plan, names)], " -> Tensor:")
    with out.indented():
        shown = " + ".join(f"log p({f.symbol})" for f in factors)
        names_shown = ", ".join(name for f in factors for name in f.values)
        shown = shown if len(shown) < 70 else f"log p({names_shown})"
        out.docstring(f"{shown}, for each row.")
        _write_sum(plan, program, factors, out, imports)


def _write_log_prior(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    factors = _split(program)[1]
    names = _joint_inputs(plan, program, factors)
    out.line()
    out.call("def log_prior", ["self", *_keywords(plan, names)], " -> Tensor:")
    with out.indented():
        shown = " + ".join(f"log p({f.symbol})" for f in factors)
        out.docstring(f"{shown if len(shown) < 70 else 'log p of the global nodes'}.")
        _write_sum(plan, program, factors, out, imports)


def _write_sum(
    plan: Plan, program: ProgramPlan, factors: list[Factor], out: Writer, imports: set[str]
) -> None:
    body = _body(plan, program, out, imports)
    terms = Terms(body)
    names = []
    for factor in factors:
        with out.about(f"{program.name}.{factor.node.name}"):
            names.append(terms.leaf(LogProb(program.name, factor.node.name)))
    out.sum("return ", [f"+ {name}" for name in names])


def _write_log_prob(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    """log p(x), finite latents summed out."""
    names = _likelihood_inputs(plan, program)
    enumerated = plan.objective.enumerated
    out.line()
    items, owners = ["self", *_keywords(plan, names)], {program.name: "self"}
    if is_stochastic(plan):
        imports.add("specc.runtime.noise")
        items.append("noise: Noise | None = None")
        owners["noise"] = "noise"
    out.call("def log_prob", items, " -> Tensor:")
    body = Body(plan, out, imports, owners, Layout.of(plan, 1), fills=plan.filled)
    with out.indented():
        data = ", ".join(n for n in names if _is_observed(plan, n))
        summed = f", {', '.join(enumerated)} summed out" if enumerated else ""
        out.docstring(f"log p({data}), for each row{summed}.")
        write_points(plan, program, body, "self")
        for name in enumerated:
            with out.about(f"{program.name}.{name}"):
                body.spread(program.factors[name], names)
        terms = Terms(body)
        parts = list(_local_parts(plan, program))
        if not parts:
            imports.add("torch")
            row = plan.python[names[0]]
            out.statement(f"return torch.zeros({row}.shape[0], device={row}.device)")
            return
        result = [terms.part(part) for part in parts]
        # Sums apart from each other leave axes of size 1 where the others' states were.
        sums = [p.term for p in _local_parts(plan, program) if isinstance(p.term, Reduce)]
        several = len(sums) > 1 or any(_is_nested(term) for term in sums)
        if several and len(result) == 1:
            out.statement(f"return {result[0].removeprefix('+ ')}.flatten()")
        else:
            out.sum("return ", result, ".flatten()" if several else "")


def _is_nested(term: Reduce) -> bool:
    inner = term.term.parts if isinstance(term.term, Sum) else ()
    return any(isinstance(part.term, Reduce) for part in inner)


def write_points(plan: Plan, program: ProgramPlan, body: Body, owner: str) -> None:
    """`w = self.w`, for latents that are learnt points."""
    for item in program.learnt:
        if item.node.role != "parameter":
            with body.out.about(f"{program.name}.{item.node.name}"):
                name = plan.python[item.node.name]
                body.out.statement(f"{name} = {owner}.{item.attribute}")


def _is_observed(plan: Plan, name: str) -> bool:
    node = plan.graph.graph.model.nodes.get(name)
    return node is not None and node.role == "observed"


def _local_parts(plan: Plan, program: ProgramPlan) -> list[Part]:
    reduced = plan.objective.players[0].minimize.parts[0].term
    assert isinstance(reduced, Reduce) and isinstance(reduced.term, Sum)
    return [p for p in reduced.term.parts if not is_shared(plan, p)]


def is_shared(plan: Plan, part: Part) -> bool:
    """Whether a part speaks of global nodes alone, and so counts once for the whole data."""
    if isinstance(part.term, (LogProb,)):
        factor = plan.programs[part.term.program].factors[part.term.node]
        return not _is_local(factor)
    if isinstance(part.term, Reduce):
        inner = part.term.term
        inside = inner.parts if isinstance(inner, Sum) else (Part(1.0, inner),)
        return all(is_shared(plan, p) for p in inside)
    node = getattr(part.term, "node", None)
    return node is not None and not _is_local(plan.programs[MODEL].factors[node])


def _write_sample(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    if program.name == GUIDE:
        _write_guide_sample(plan, program, out, imports)
        return
    imports.add("specc.runtime.noise")
    out.line()
    given = _keywords(plan, _given(plan, program))
    shared = guided_for_all(plan)
    taken = [f"{plan.python[n]}: Tensor | None = None" for n in shared]
    items = ["self", "noise: Noise", "rows: int", *(given or ["*"] * bool(shared)), *taken]
    out.call("def sample", items, " -> dict[str, Tensor]:")
    body = _body(plan, program, out, imports)
    with out.indented():
        out.docstring("Draw `rows` rows from the model, each node after what it depends on.")
        kept = {plan.python[n] for n in shared}
        names: list[str] = []
        points = {i.node.name for i in program.learnt if i.node.role != "parameter"}
        write_points(plan, program, body, "self")
        for name in program.order:
            if name not in program.factors:
                continue
            factor = program.factors[name]
            names += factor.values
            if name in points:
                continue
            with out.about(f"{program.name}.{name}"):
                if plan.python[name] not in kept:
                    body.draw(program, name, "sample")
                    continue
                body.prepare(program.name, factor.inputs)
                out.line(f"if {plan.python[name]} is None:")
                with out.indented():
                    body.draw(program, name, "sample")
        out.collection("return ", [f'"{plan.python[n]}": {plan.python[n]}' for n in names])


def _write_guide_sample(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    imports.add("specc.runtime.noise")
    names = _guide_inputs(plan, program)
    out.line()
    items = ["self", "noise: Noise", "particles: int", *_keywords(plan, names)]
    out.call("def sample", items, " -> tuple[dict[str, Tensor], Tensor]:")
    body = Body(plan, out, imports, {program.name: "self"}, Layout(2), fills=plan.filled)
    with out.indented():
        out.docstring(
            "Draw `particles` values of the latents for each row, and log q of each draw."
        )
        drawn = [n for n in program.order if n in program.factors and n in plan.objective.draws]
        mark = out.mark()
        terms = Terms(body)
        densities = []
        for name in drawn:
            with out.about(f"{program.name}.{name}"):
                body.draw(program, name, "rsample")
                densities.append(terms.leaf(plan.objective.draws[name].density))
        if body.counts_rows:
            out.insert(mark, [f"rows = {plan.python[names[0]]}.shape[0]"])
        values = ", ".join(f'"{plan.python[n]}": {plan.python[n]}' for n in drawn)
        out.sum("log_q = ", [f"+ {name}" for name in densities]) if len(densities) > 1 else None
        log_q = "log_q" if len(densities) > 1 else densities[0]
        out.statement(f"return {{{values}}}, {log_q}")


def _write_sample_shared(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    imports.add("specc.runtime.noise")
    out.line()
    out.call("def sample_shared", ["self", "noise: Noise"], " -> dict[str, Tensor]:")
    body = _body(plan, program, out, imports)
    names = guided_for_all(plan)
    with out.indented():
        out.docstring("Draw one value of each latent that rows share.")
        for name in names:
            with out.about(f"{program.name}.{name}"):
                body.draw(program, name, "sample")
        out.collection("return ", [f'"{plan.python[n]}": {plan.python[n]}' for n in names])


def _write_mean(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    names = _mean_inputs(plan, program)
    out.line()
    out.call("def mean", ["self", *_keywords(plan, names)], " -> dict[str, Tensor]:")
    body = _body(plan, program, out, imports)
    with out.indented():
        given = " given what it depends on" if names else ""
        out.docstring(f"The mean of each observed node{given}.")
        items = []
        for factor in _mean_factors(plan, program):
            with out.about(f"{program.name}.{factor.node.name}"):
                body.parameters(factor)
                called = body.called(factor, "mean")
                value = f"{called}({', '.join(body.arguments(factor))})"
                items.append(f'"{plan.python[factor.node.name]}": {value}')
        out.collection("return ", items)


_WRITERS = {
    "log_joint": _write_log_joint,
    "log_prior": _write_log_prior,
    "log_prob": _write_log_prob,
    "sample": _write_sample,
    "sample_shared": _write_sample_shared,
    "mean": _write_mean,
    "predict": write_predict,
    "complete": write_complete,
}
