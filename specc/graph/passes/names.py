"""Checks of names in expressions, and warnings for unused declarations."""

from __future__ import annotations

from specc.catalog.causal import Causal
from specc.catalog.elsewhere import alternative
from specc.catalog.entry import Function
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.constants import SIZE_OF, is_plain
from specc.graph.findings import Findings
from specc.graph.graph import DATA, GUIDE, MODEL, NETWORKS, Graph
from specc.graph.nodes import Derived, Deterministic, EnergyNode, Given, Node, Parameter
from specc.graph.passes.references import unknown_reference
from specc.graph.passes.row_functions import check_row_function
from specc.graph.queries import (
    is_affine,
    is_autoregressive,
    is_bijection,
    is_data,
    is_derived,
    is_literal,
)
from specc.language.expressions.tree import Call, Expression, Member, Name
from specc.language.expressions.walk import calls, members, names


def check_expression(graph: Graph, node: Node, expression: Expression, findings: Findings) -> None:
    """Reports every name in the expression that is undefined there."""
    is_causal = any(_is_unread_link(graph, call.function) for call in calls(expression))
    own = [call.arguments[0] for call in calls(expression) if is_autoregressive(graph, node, call)]
    for name in names(expression):
        if graph.is_unread(node.program, name.id):
            findings.broken.add(node.id)
        elif isinstance(graph.constants.get(name.id), str):
            findings.add(
                diagnose("E0257", name.span, name=name.id, kind="a text", place="an expression"),
                node.id,
            )
        elif not _is_known(graph, node, name.id):
            _unknown(graph, node, name, findings)
        elif name.id == node.name and not (
            is_causal or any(name is each for each in own) or _is_unit(graph, node)
        ):
            findings.add(diagnose("E0221", name.span, name=name.id), node.id)
    for call in calls(expression):
        _check_call(graph, node, call, findings)
    for member in members(expression):
        _check_member(graph, node, member, findings)


def _is_unit(graph: Graph, node: Node) -> bool:
    """Whether an energy gives the distribution of a node, whose entries may interact."""
    return node.name in graph.programs[node.program].units


def _check_member(graph: Graph, node: Node, member: Member, findings: Findings) -> None:
    """Report a reference to an unknown node, or one that is not allowed here."""
    of_model = member.program == MODEL and node.program == GUIDE
    is_there = not of_model or member.name in graph.model.nodes
    if node.program in (MODEL, GUIDE) and is_there:
        words: dict[str, str] = {"program": member.program, "name": member.name}
        findings.add(diagnose("E0222", member.span, labels=(), **words), node.id)
        return
    section = graph.spec.section(member.program)
    if graph.spec.unread.holds(*section) or graph.spec.is_unread(member.program, member.name):
        findings.broken.add(node.id)
        return
    nodes = graph.programs[member.program].nodes if member.program in graph.declared else None
    code, evidence = unknown_reference(member, graph.declared, nodes, graph.spec)
    findings.add(diagnose(code, member.span, labels=(), **evidence), node.id)


def _is_unread_link(graph: Graph, name: str) -> bool:
    """Whether a link of this name could not be read, so that it may be causal."""
    return name not in graph.links and graph.is_link(name)


def _is_known(graph: Graph, node: Node, name: str) -> bool:
    if name in graph.constants:
        return True
    found = graph.lookup(node.program, name)
    if found is None:
        return False
    if node.program == NETWORKS and graph.guide is not None and name in graph.guide.nodes:
        return True  # `guide.z`, a draw of the guide
    return found.program == node.program or is_data(found) or "." in name


def _unknown(graph: Graph, node: Node, name: Name, findings: Findings) -> None:
    link = graph.links.get(name.id)
    if link is not None and is_bijection(link.entry):
        words = {"link": link.name, "problem": "stands here without a value"}
        findings.add(diagnose("E0617", name.span, labels=(), **words), node.id)
        return
    if graph.is_link(name.id) or name.id in FUNCTIONS:
        code = "E0224" if graph.is_link(name.id) else "E0225"
        example = _example_call(graph, node, name.id)
        findings.add(diagnose(code, name.span, name=name.id, example=example), node.id)
        return
    elsewhere = graph.model.nodes.get(name.id)
    if elsewhere is not None and elsewhere.parts and elsewhere.id in findings.broken:
        findings.broken.add(node.id)  # the reference may be to one of its parts
        return
    if elsewhere is not None:
        _outside(graph, node, name, elsewhere, findings)
        return
    candidates = [*graph.programs[node.program].nodes, *graph.constants]
    if node.program != MODEL:
        candidates += [n for n, m in graph.model.nodes.items() if is_data(m)]
    candidates = [c for c in candidates if c != node.name and "[" not in c]
    guess = nearest(name.id, candidates)
    findings.add(
        diagnose(
            "E0201",
            name.span,
            suggestion=guess,
            name=name.id,
            program=node.program,
            hint="" if guess else _listed(candidates),
        ),
        node.id,
    )


def _listed(candidates: list[str]) -> str:
    shown = ", ".join(f"`{c}`" for c in sorted({*candidates})[:8])
    return (
        f"names that can be used here: {shown}" if shown else "declare it as a node or a constant"
    )


def _outside(graph: Graph, node: Node, name: Name, found: Node, findings: Findings) -> None:
    label = Label(found.span, "declared here, in the model")
    code = "E0227" if found.role == "latent" else "E0226"
    words = {"name": name.id, "program": node.program, "role": found.role}
    if code == "E0226":
        use = f"use the data and nodes of the {node.program}"
        is_shared = isinstance(found, (Deterministic, Parameter))
        is_field = node.program == GUIDE and name.id in graph.fields
        share = f"write `{MODEL}.{name.id}` to share it, or {use}" if is_shared else use
        words["hint"] = f"write `{DATA}.{name.id}` for the data" if is_field else share
    findings.add(diagnose(code, name.span, labels=(label,), **words), node.id)


def _check_call(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    if call.at is not None:
        findings.add(diagnose("E0456", call.at.span, name=call.function), node.id)
        return
    if call.transposed and not _check_transpose(graph, node, call, findings):
        return
    if call.inverted and not _check_inverse(graph, node, call, findings):
        return
    if graph.is_link(call.function):
        link = graph.links.get(call.function)
        if link is not None and is_bijection(link.entry):
            _check_bijection(graph, node, call, findings)
        elif link is not None and isinstance(link.entry, Causal):
            _check_causal(graph, node, call, findings)
        else:
            check_inputs(graph, node, call, findings)
    elif call.function == SIZE_OF:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Name):
            example = _example_call(graph, node, SIZE_OF)
            findings.add(
                diagnose("E0229", call.span, found=_counted(call), example=example), node.id
            )
    elif call.function in graph.functions:
        entry = graph.functions[call.function]
        if not _check_arity(node, call, entry, findings):
            return
        if entry.of_data:
            _check_data(graph, node, call, findings)
        if entry.of_function:
            _check_variable(graph, node, call, entry, findings)
        if entry.scalar:
            _check_scalar(node, call, entry, findings)
        if entry.over_rows:
            check_row_function(graph, node, call, findings)
    elif graph.lookup(node.program, call.function) is not None:
        findings.add(diagnose("E0230", call.function_span, name=call.function), node.id)
    else:
        _unknown_function(graph, node, call, findings)


def _check_causal(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Checks that the first argument of a causal link is the node whose parameter it computes.

    The node must have no bijection, which would mix the entries.
    """
    if node.through:
        findings.add(diagnose("E0621", call.span, link=call.function, name=node.name), node.id)
        return
    if is_autoregressive(graph, node, call):
        check_inputs(graph, node, call, findings)
    else:
        entry = graph.links[call.function].entry.name
        code = "E0619" if node.is_random else "E0620"
        findings.add(
            diagnose(code, call.span, link=call.function, kind=entry, name=node.name), node.id
        )


def check_inputs(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Checks that the inputs of a link contain a node: otherwise its output would be constant.

    The same holds for the context of a causal link.
    """
    if node.id in findings.broken:
        return  # an unavailable previous step is not a number
    own = is_autoregressive(graph, node, call)
    inputs = call.arguments[1:] if own else call.arguments
    if any(not is_plain(graph, node.program, each) for each in inputs):
        return
    if (own and not inputs) or is_derived(graph, node):
        return  # f(0) may stand in it
    shown = " and ".join(f"`{each.span.text}`" for each in inputs)
    given = f"{shown}, numbers alone" if len(inputs) > 1 else f"{shown}, a number alone"
    findings.add(
        diagnose(
            "E0228",
            call.span,
            name=call.function,
            given=given if shown else "nothing",
            example=f"{call.function}({node.name}, h)"
            if own
            else _example_call(graph, node, call.function),
        ),
        node.id,
    )


def _example_call(graph: Graph, node: Node, function: str) -> str:
    """An example of a call for a hint, `decoder(z)`, with a node that can be its argument."""
    return f"{function}({next(iter(_usable(graph, node)), '...')})"


def _usable(graph: Graph, node: Node) -> list[str]:
    """The random nodes and data that an expression of `node` may use."""
    if node.program != MODEL:
        return [n for n, m in graph.model.nodes.items() if is_data(m)]
    before = list(graph.model.nodes)
    before = before[: before.index(node.name)] if node.name in before else before
    return [n for n in before if graph.model.nodes[n].role in ("latent", "given", "let")]


def _counted(call: Call) -> str:
    count = len(call.arguments)
    return "nothing" if not count else "an expression" if count == 1 else f"{count} things"


def _check_transpose(graph: Graph, node: Node, call: Call, findings: Findings) -> bool:
    """Whether a call has the transpose of an affine link; reports another one."""
    link = graph.links.get(call.function)
    is_unread = link is None and graph.is_link(call.function)
    if is_unread or (link is not None and is_affine(link) and len(call.arguments) == 1):
        return True  # a link that could not be read is reported already
    if link is None:
        reason = f"`{call.function}` is not a link"
    elif is_affine(link):
        reason = f"it is given {_counted(call)}, and takes one value"
    else:
        reason = f"`{link.name}` has functions between its linear maps"
    labels = () if link is None else (Label(link.span, f"declared here, {link.entry.name}"),)
    words = {"link": call.function, "reason": reason}
    findings.add(diagnose("E0292", call.span, labels=labels, **words), node.id)
    return False


def _check_inverse(graph: Graph, node: Node, call: Call, findings: Findings) -> bool:
    """Whether a call has the inverse of a bijection; reports another one."""
    link = graph.links.get(call.function)
    if (link is None and graph.is_link(call.function)) or (link and is_bijection(link.entry)):
        return True
    labels = () if link is None else (Label(link.span, f"declared here, {link.entry.name}"),)
    kind = "a function" if link is None else f"a link of the kind `{link.entry.name}`"
    words = {"link": call.function, "kind": kind}
    findings.add(diagnose("E0345", call.span, labels=labels, **words), node.id)
    return False


def _check_bijection(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Checks the value of a bijection in an expression, and its context."""
    link = graph.links[call.function]
    assert is_bijection(link.entry)
    problem = ""
    if call is node.params:
        problem = "gives one value, and `params:` takes all parameters"
    elif not call.arguments:
        problem = "stands here without a value"
    elif is_literal(call.arguments[0]) or is_plain(graph, node.program, call.arguments[0]):
        problem = "maps values of nodes, and is given a number"
    if problem:
        words = {"link": link.name, "problem": problem}
        findings.add(diagnose("E0617", call.span, labels=(), **words), node.id)
    elif call.arguments[1:] and not link.entry.takes_context(link.options):
        words = {"link": link.name, "kind": link.entry.name, "hint": "give it one value"}
        findings.add(diagnose("E0618", call.span, labels=(), **words), node.id)


def _unknown_function(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    guess = nearest(call.function, graph.links)
    guess = guess or suggested_name(call.function, FUNCTIONS)
    hint = "" if guess else _no_such_function(graph, call.function)
    findings.add(
        diagnose("E0231", call.function_span, suggestion=guess, name=call.function, hint=hint),
        node.id,
    )


def _no_such_function(graph: Graph, name: str) -> str:
    if alternative(name):
        return alternative(name)
    usable = (n for n, entry in FUNCTIONS.items() if not (entry.over_rows or entry.scalar))
    known = ", ".join(f"`{name}`" for name in usable)
    if graph.links or graph.spec.document.guide is not None:
        return f"declare a link of that name under `links:`; the functions are {known}"
    return f"the functions are {known}; a network of your own is a link, under `links:`"


def _check_data(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Checks that the argument of `known` is the name of data that is not drawn.

    Data that is drawn where it is missing has a value everywhere.
    """
    argument = call.arguments[0]
    found = graph.lookup(node.program, argument.id) if isinstance(argument, Name) else None
    if isinstance(argument, Name) and (found is node or not _is_known(graph, node, argument.id)):
        return  # reported by another check
    if found is not None and is_data(found) and not found.is_drawn:
        return
    reason = "no node of the data"
    if found is not None and found.is_drawn and graph.model.nodes.get(found.name) is not None:
        data = graph.model.nodes[found.name].role == "observed"
        reason = "drawn where it is missing" if data else reason
    usable = [n for n, m in graph.model.nodes.items() if m.role == "observed" and not m.is_drawn]
    usable = usable or [n for n, m in graph.model.nodes.items() if isinstance(m, Given)]
    # The marked text is the argument, so the fix shows the argument.
    hint = f"write `{usable[0]}`, or leave `{call.function}` out" if usable else "leave it out"
    text = argument.span.text
    findings.add(
        diagnose(
            "E0247", argument.span, function=call.function, given=text, reason=reason, hint=hint
        ),
        node.id,
    )


def _check_variable(
    graph: Graph, node: Node, call: Call, entry: Function, findings: Findings
) -> None:
    """Checks that the variable of a function is a node, and that a derivative depends on it.

    The gradient is one for each row, so the node must have a value for each row.
    """
    value, variable, *_ = call.arguments
    used = {name.id for name in names(value)}
    if not entry.differentiates:
        if not isinstance(variable, Name) or graph.lookup(node.program, variable.id) is None:
            given = {"function": call.function, "text": variable.span.text}
            example = entry.example
            findings.add(
                diagnose("E0366", variable.span, labels=(), example=example, **given), node.id
            )
            return
        between = _between(graph, node.program, used - {variable.id}, variable.id)
        if between:
            place = next(part for part in names(value) if part.id == between)
            given = {"function": call.function, "name": between, "variable": variable.id}
            findings.add(diagnose("E0334", place.span, labels=(), **given), node.id)
        return
    reason = "it is no node in that expression"
    if isinstance(variable, Name) and variable.id in used:
        found = graph.lookup(node.program, variable.id)
        if found is None or not (isinstance(found, Parameter) or found.is_global):
            return
        reason = "all rows share it, and the gradient is one for each row"
        used.discard(variable.id)
    example = next(iter(sorted(used)), "v")
    hint = f"name a node that is in it, as in `{call.function}({value.span.text}, {example})`"
    words = {
        "value": value.span.text,
        "variable": variable.span.text,
        "reason": reason,
        "hint": hint,
    }
    findings.add(diagnose("E0454", variable.span, labels=(), **words), node.id)


def _between(graph: Graph, program: str, used: set[str], variable: str) -> str:
    """The first of some names that depends on a node through deterministic nodes; "" if none."""
    for name in sorted(used):
        stack, seen = [name], set[str]()
        while stack:
            own = graph.lookup(program, stack.pop())
            if not isinstance(own, Deterministic) or own.name in seen:
                continue
            seen.add(own.name)
            found = {part.id for part in names(own.value)}
            if variable in found:
                return name
            stack += sorted(found)
    return ""


def _check_scalar(node: Node, call: Call, entry: Function, findings: Findings) -> None:
    """Reports a number of the step in a node, or inside a value of a loss."""
    if node.program == NETWORKS:
        where = f"`{node.name}` is a value of the nodes"
        hint = f"write it as a factor, such as `{entry.example} * sum(...)`"
    else:
        where = f"`{node.name}` is a node, which does not depend on the step"
        hint = f'write it in a loss, such as `objective: {{minimize: "{entry.example} * ..."}}`'
    words = {"name": call.span.text, "where": where, "hint": hint}
    findings.add(diagnose("E0462", call.span, labels=(), **words), node.id)


def _check_arity(node: Node, call: Call, entry: Function, findings: Findings) -> bool:
    """Checks the number of arguments of a function."""
    low, high = entry.arity
    count = len(call.arguments)
    if count >= low and (high is None or count <= high):
        return True
    wanted = f"{low}" if low == high else f"at least {low}" if high is None else f"{low} to {high}"
    wanted += " argument" if wanted.endswith("1") else " arguments"
    findings.add(
        diagnose("E0232", call.span, name=call.function, wanted=wanted, count=count), node.id
    )
    return False


def check_used(graph: Graph, findings: Findings) -> None:
    """Warns of unused links, constants and nodes."""
    used, applied = _uses(graph)
    applied |= {link.average.of for link in graph.links.values() if link.average}
    for link in graph.links.values():
        if link.name not in applied:
            findings.add(diagnose("W0241", link.span, name=link.name))
    for name in graph.constants:
        if name not in used:
            span = graph.spec.spans.key(("constants", name))
            findings.add(diagnose("W0242", span, name=name))
    for program in graph.declared.values():
        for node in program.nodes.values():
            silent = isinstance(node, (Deterministic, Parameter, Given))
            silent = silent and not isinstance(node, (EnergyNode, Derived))
            unused = silent and node.name not in used and node.name.isidentifier()
            if unused and node.id not in findings.broken:
                findings.add(diagnose("W0243", node.span, name=node.name, role=node.role))


def _uses(graph: Graph) -> tuple[set[str], set[str]]:
    used: set[str] = {scan.lengths for scan in graph.scans.values() if scan.lengths is not None}
    applied: set[str] = set()
    spec = graph.spec
    for expression in (*spec.document.expressions(), *_sizes(graph)):
        used.update(n.id for n in names(expression))
        used.update(m.name for m in members(expression))
        applied.update(c.function for c in calls(expression))
    nodes = (node for program in graph.programs.values() for node in program.nodes.values())
    used |= {node.draw.baseline for node in nodes if node.draw is not None}
    return used, applied


def _sizes(graph: Graph) -> list[Expression]:
    return [
        size
        for program in graph.programs.values()
        for node in program.nodes.values()
        for size in (node.sizes or ())
    ]
