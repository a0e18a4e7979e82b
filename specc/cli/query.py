"""`specc query`: exact probabilities in networks of finite nodes, independence in any model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli import exits, options
from specc.cli.failure import WrongSpec, usage
from specc.cli.run_folder import is_run, run_folder
from specc.counted import counted

if TYPE_CHECKING:
    from specc.compiler import Compiled
    from specc.graph.graph import TypedGraph
    from specc.infer.network import Network, Result
    from specc.infer.separation import Separation

EXAMPLE = 'write such as `specc query SPEC "P(a, b | c=1)"`, or `--independent a b --given c`'


HELP = (
    "Compute an exact probability such as `P(a, b | c=1)` in SPEC, which may be a trained run, or "
    "decide whether two nodes are independent. Classes are numbered from 0."
)

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="QUESTION", help="A probability, such as `P(a, b | c=1)`."),
]
Independent = Annotated[
    tuple[str, str] | None,
    typer.Option("--independent", metavar="A B", help="Are A and B independent?"),
]
Given = Annotated[
    list[str],
    typer.Option(
        "--given",
        metavar="C...",
        default_factory=list,
        show_default=False,
        help="The nodes whose values are known.",
    ),
]


def command(
    spec: options.Spec,
    words: Words = None,
    *,
    independent: Independent = None,
    given: Given,
    settings: options.Settings,
    as_json: options.Json = False,
) -> int:
    """Answer one question; the exit code is 0 for any answer."""
    from specc.cli.findings import rendered
    from specc.infer.refusal import Refusal

    words = words or []
    if independent is None and (len(words) != 1 or given):
        raise usage("one question is needed: a probability, or a pair for `--independent`", EXAMPLE)
    if independent is not None and words and not given:
        raise usage(f"`{words[0]}` is not expected here", EXAMPLE)
    try:
        if independent is not None:
            return _independence(spec, settings, independent, (*given, *words), as_json)
        return _probability(spec, settings, words[0], as_json)
    except Refusal as refusal:
        raise WrongSpec(rendered([refusal.diagnostic])) from None


def _typed(spec: str, settings: Sequence[str]) -> TypedGraph:
    """The graph of a spec, which needs neither an objective nor anything to train."""
    from specc.cli.findings import examine, has_errors, rendered

    checked, findings = examine(spec, settings, trained=False)
    if checked is None or checked.typed is None or has_errors(findings):
        raise WrongSpec(rendered(findings))
    return checked.typed


def _probability(spec: str, settings: Sequence[str], words: str, as_json: bool) -> int:
    """Print the answer to a query of probabilities."""
    from specc.infer.question import read_question

    question = read_question(words)
    network = _trained(spec, settings) if is_run(spec) else _written(spec, settings)
    result = network.answer(question)
    known = {term.name: term.value for term in question.known}
    if as_json:
        answer = {
            "question": words,
            "variables": list(result.variables),
            "known": known,
            "probabilities": result.values.tolist(),
            "log_probability_of_known": result.log_known,
            "nodes": result.nodes,
            "largest_table": result.largest,
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo("\n".join(_lines(words, result)))
    return exits.DONE


def _written(spec: str, settings: Sequence[str]) -> Network:
    from specc.infer.network import Network

    return Network(_typed(spec, settings))


def _trained(run: str, settings: Sequence[str]) -> Network:
    """The network of a run, with its trained parameters."""
    plan = _compiled(run, settings).plan
    from specc.engine.device import prepare

    prepare()
    from specc.infer.network import Network
    from specc.run import open_run

    model = open_run(run_folder(run), device="cpu").program.model
    parameters = plan.programs["model"].learnable
    tensors = {item.node.name: getattr(model, item.attribute) for item in parameters}
    values = {name: tensor.detach().double().numpy() for name, tensor in tensors.items()}
    return Network(plan.graph, values)


def _compiled(run: str, settings: Sequence[str]) -> Compiled:
    """The spec of a run, with the settings that it was trained with."""
    if settings:
        raise usage("--set cannot change a trained run", "leave --set out, or query the spec")
    from specc.recompile import compiled

    return compiled(run_folder(run))


def _lines(words: str, result: Result) -> list[str]:
    """The answer as a number or a table, and the size of the computation."""
    if not result.variables:
        lines = [f"{words} = {result.values.item():.6g}"]
    else:
        head = (*result.variables, "probability")
        places = itertools.product(*(range(size) for size in result.values.shape))
        rows = [(*map(str, place), f"{result.values[place]:.6g}") for place in places]
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
        lines = [words, ""]
        for row in (head, *rows):
            cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append("  ".join([*cells[:-1], row[-1]]))
    nodes, numbers = counted(result.nodes, "node"), counted(result.largest, "number")
    return [*lines, "", f"exact, from {nodes}; the largest table had {numbers}"]


# independence


def _independence(
    spec: str,
    settings: Sequence[str],
    pair: tuple[str, str],
    given: Sequence[str],
    as_json: bool,
) -> int:
    """Print whether two sets of nodes are independent, with the reason."""
    from specc.infer.separation import separate

    typed = _compiled(spec, settings).plan.graph if is_run(spec) else _typed(spec, settings)
    found = separate(typed.graph, *pair, given)
    if as_json:
        answer = {
            "independent": found.independent,
            "nodes": list(pair),
            "given": list(found.given),
            "path": list(found.path),
            "arrows": list(found.arrows),
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo("\n".join(_independence_lines(found)))
    return exits.DONE


def _independence_lines(found: Separation) -> list[str]:
    given = f" given {' and '.join(found.given)}" if found.given else ""
    if found.independent:
        answer = f"yes: {found.left} and {found.right} are independent{given}"
        return [answer, "  every path between them is blocked"]
    steps = zip(("", *found.arrows), found.path, strict=True)
    path = " ".join(f"{arrow} {name}".strip() for arrow, name in steps)
    lines = [f"no: {found.left} and {found.right} can depend on each other{given}", f"  {path}"]
    for name, opening in found.meetings:
        why = "which is given" if opening == name else f"since its descendant {opening} is given"
        lines.append(f"  open at {name}, {why}")
    return lines
